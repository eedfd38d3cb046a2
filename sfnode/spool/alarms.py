"""Alarms and timers in neutral words: what has to ring and be seen although nobody has unlocked the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.stamps import Certainty
from sfnode.domain.moments import Moment, elapsed_s
from sync.stores.connection import Connection
from sync.stores.database import Database

TIMERS_MAX: Final = 1000
"""One per case under watch; more than any site has."""
_COLUMNS: Final = "alarm, key, severity, text, since_s, acknowledged_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeutralAlarm:
    """An alarm that tells no secret."""

    alarm: int
    key: str
    """What it is about; one cause rings once."""
    severity: str
    text: str
    since_s: int
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Rings `due_in_s` after `set_at`."""

    key: str
    severity: str
    text: str
    set_at: Moment
    due_in_s: float

    def left_s(self, now: Moment) -> float | None:
        """Seconds left, negative when it should have rung; None when the clocks cannot tell."""
        passed_s = elapsed_s(self.set_at, now)
        return None if passed_s is None else self.due_in_s - passed_s


class NeutralAlarms:
    """Open alarms and running timers. Every change is durable before it is answered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def raise_alarm(self, key: str, *, severity: str, text: str, now_s: int) -> NeutralAlarm | None:
        """The new alarm; None when one of this cause is open already."""

        def write(connection: Connection) -> NeutralAlarm | None:
            row = connection.execute(
                "INSERT INTO alarm (key, severity, text, since_s) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET severity = excluded.severity,"
                " text = excluded.text, since_s = excluded.since_s,"
                f" acknowledged_by = NULL, closed = 0 WHERE closed RETURNING {_COLUMNS}",
                (key, severity, text, now_s),
            ).fetchall()
            return _alarm(row[0]) if row else None

        return await self._database.write(write)

    async def close(self, keys: Sequence[str]) -> None:
        """The causes are gone, or are told elsewhere."""
        await self._database.write(
            lambda connection: connection.executemany(
                "UPDATE alarm SET closed = 1 WHERE key = ?", [(key,) for key in keys]
            )
        )

    async def acknowledge(self, alarm: int, *, by: str) -> NeutralAlarm | None:
        """The first name stays; None when there is no such alarm."""

        def write(connection: Connection) -> NeutralAlarm | None:
            rows = connection.execute(
                "UPDATE alarm SET acknowledged_by = coalesce(acknowledged_by, ?)"
                f" WHERE alarm = ? AND NOT closed RETURNING {_COLUMNS}",
                (by, alarm),
            ).fetchall()
            return _alarm(rows[0]) if rows else None

        return await self._database.write(write)

    async def open_alarms(self) -> tuple[NeutralAlarm, ...]:
        """Not closed, acknowledged or not, oldest first."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                f"SELECT {_COLUMNS} FROM alarm WHERE NOT closed ORDER BY alarm"
            ).fetchall()
        )
        return tuple(_alarm(row) for row in rows)

    async def set_timers(self, prefix: str, timers: Sequence[Timer]) -> None:
        """These replace all timers whose key starts with `prefix`."""
        rows = [
            (
                timer.key,
                timer.severity,
                timer.text,
                timer.set_at.boot,
                timer.set_at.monotonic_s,
                timer.set_at.wall_s,
                int(timer.set_at.certainty),
                timer.due_in_s,
            )
            for timer in timers[:TIMERS_MAX]
        ]

        def write(connection: Connection) -> None:
            connection.execute("DELETE FROM timer WHERE substr(key, 1, ?) = ?", (len(prefix), prefix))
            connection.executemany(
                "INSERT INTO timer (key, severity, text, boot, monotonic_s, wall_s, certainty, due_in_s)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

        await self._database.write(write)

    async def timers(self) -> tuple[Timer, ...]:
        """All that still run."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT key, severity, text, boot, monotonic_s, wall_s, certainty, due_in_s FROM timer"
                " ORDER BY timer"
            ).fetchall()
        )
        return tuple(
            Timer(
                key=key,
                severity=severity,
                text=text,
                set_at=Moment(
                    boot=boot, monotonic_s=monotonic_s, wall_s=wall_s, certainty=Certainty(certainty)
                ),
                due_in_s=due_in_s,
            )
            for key, severity, text, boot, monotonic_s, wall_s, certainty, due_in_s in rows
        )

    async def drop_timer(self, key: str) -> None:
        """It has rung."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM timer WHERE key = ?", (key,))
        )


def _alarm(row: tuple[int, str, str, str, int, str | None]) -> NeutralAlarm:
    alarm, key, severity, text, since_s, acknowledged_by = row
    return NeutralAlarm(
        alarm=alarm,
        key=key,
        severity=severity,
        text=text,
        since_s=since_s,
        acknowledged_by=acknowledged_by,
    )
