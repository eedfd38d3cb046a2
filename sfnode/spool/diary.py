"""The diary of contacts: when the hub was reached, what it carried and cost, and why attempts failed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreFull

Note = Callable[[Connection], None]
"""Something to write down in a transaction that others may share."""

CONTACTS_MAX: Final = 2000
"""Rows kept: half a year at ten contacts a day. Older ones live on in the sums."""
_KILLED: Final = "the program was ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One contact, or a run of attempts that failed alike."""

    contact: int
    link: str
    hub: str
    began_s: int
    ended_s: int | None
    reached: bool
    attempts: int
    outcome: str
    bytes_up: int
    bytes_down: int
    seconds: float
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Sums over all contacts ever."""

    bytes_up: int
    bytes_down: int
    usd: float
    last_reached_s: int | None


class Diary:
    """Rows of contacts, each closed by its own one. Counting must not cost an fsync per report: a power cut
    may undo the last few."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def close_left_open(self, now_s: int) -> None:
        """Before the first contact of a process: what a killed one left open is over."""
        left = await self._database.read(
            lambda connection: connection.execute("SELECT 1 FROM contact WHERE ended_s IS NULL").fetchone()
        )
        if left is None:
            return
        with suppress(StoreFull):  # No reason not to start: at the next one there may be room.
            await self._database.note(
                lambda connection: connection.execute(
                    "UPDATE contact SET ended_s = ?, outcome = ? WHERE ended_s IS NULL", (now_s, _KILLED)
                )
            )

    async def begin(self, *, link: str, hub: str = "", now_s: int) -> int:
        """A contact was opened; its number. Others of this process may be open beside it."""

        def write(connection: Connection) -> int:
            contact = connection.execute(
                "INSERT INTO contact (link, hub, began_s) VALUES (?, ?, ?)", (link, hub, now_s)
            ).lastrowid
            assert contact is not None
            connection.execute("DELETE FROM contact WHERE contact <= ?", (contact - CONTACTS_MAX,))
            return contact

        return await self._database.note(write)

    async def count(
        self, contact: int, *, bytes_up: int, bytes_down: int, usd: float, reached: bool, now_s: int
    ) -> None:
        """As `counting`, by itself."""
        await self._database.note(
            self.counting(
                contact, bytes_up=bytes_up, bytes_down=bytes_down, usd=usd, reached=reached, now_s=now_s
            )
        )

    async def end(self, contact: int, *, outcome: str, now_s: int, seconds: float = 0.0) -> None:
        """As `ending`, by itself."""
        await self._database.note(self.ending(contact, outcome=outcome, now_s=now_s, seconds=seconds))

    @staticmethod
    def counting(
        contact: int, *, bytes_up: int, bytes_down: int, usd: float, reached: bool, now_s: int
    ) -> Note:
        """What the contact has carried so far, replacing the report before; the sums follow."""

        def write(connection: Connection) -> None:
            _add_difference(connection, contact, bytes_up=bytes_up, bytes_down=bytes_down, usd=usd)
            connection.execute(
                "UPDATE contact SET bytes_up = ?, bytes_down = ?, usd = ?, reached = ? WHERE contact = ?",
                (bytes_up, bytes_down, usd, reached, contact),
            )
            if reached:
                connection.execute("UPDATE traffic SET last_reached_s = ?", (now_s,))

        return write

    @staticmethod
    def ending(contact: int, *, outcome: str, now_s: int, seconds: float = 0.0) -> Note:
        """The contact is over. A failure like the one before it joins that row."""

        def write(connection: Connection) -> None:
            connection.execute(
                "UPDATE contact SET ended_s = ?, outcome = ?, seconds = ? WHERE contact = ?",
                (now_s, outcome, seconds, contact),
            )
            _join_failures(connection, contact)

        return write

    async def latest(self) -> Contact | None:
        """The newest row."""
        rows = await self.newest(1)
        return rows[0] if rows else None

    async def last_reached(self, hub: str) -> int | None:
        """When that hub last answered, as far as rows of contacts go back."""
        ((last_s,),) = await self._database.read(
            lambda connection: connection.execute(
                "SELECT max(coalesce(ended_s, began_s)) FROM contact WHERE hub = ? AND reached", (hub,)
            ).fetchall()
        )
        return None if last_s is None else int(last_s)

    async def newest(self, limit: int) -> tuple[Contact, ...]:
        """Newest first."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT contact, link, hub, began_s, ended_s, reached, attempts, outcome, bytes_up,"
                " bytes_down, seconds, usd FROM contact ORDER BY contact DESC LIMIT ?",
                (limit,),
            ).fetchall()
        )
        return tuple(
            Contact(
                contact=contact,
                link=link,
                hub=hub,
                began_s=began_s,
                ended_s=ended_s,
                reached=bool(reached),
                attempts=attempts,
                outcome=outcome,
                bytes_up=bytes_up,
                bytes_down=bytes_down,
                seconds=seconds,
                usd=usd,
            )
            for (
                contact,
                link,
                hub,
                began_s,
                ended_s,
                reached,
                attempts,
                outcome,
                bytes_up,
                bytes_down,
                seconds,
                usd,
            ) in rows
        )

    async def spells(self, link: str, limit: int) -> tuple[tuple[int, int | None, float, bool], ...]:
        """Of one link, oldest first: when each contact or run of failures began, ended, how long it lasted,
        and whether the hub was reached. An attempt under way is left out: nobody knows yet what it finds."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT began_s, ended_s, seconds, reached FROM contact"
                " WHERE link = ? AND (reached OR ended_s IS NOT NULL) ORDER BY contact DESC LIMIT ?",
                (link, limit),
            ).fetchall()
        )
        return tuple(
            (began, ended, lasted, bool(reached)) for began, ended, lasted, reached in reversed(rows)
        )

    async def traffic(self) -> Traffic:
        """The sums."""
        ((bytes_up, bytes_down, usd, last_reached_s),) = await self._database.read(
            lambda connection: connection.execute(
                "SELECT bytes_up, bytes_down, usd, last_reached_s FROM traffic"
            ).fetchall()
        )
        return Traffic(bytes_up=bytes_up, bytes_down=bytes_down, usd=usd, last_reached_s=last_reached_s)


def _add_difference(
    connection: Connection, contact: int, *, bytes_up: int, bytes_down: int, usd: float
) -> None:
    connection.execute(
        "UPDATE traffic SET bytes_up = traffic.bytes_up + ? - contact.bytes_up,"
        " bytes_down = traffic.bytes_down + ? - contact.bytes_down, usd = traffic.usd + ? - contact.usd"
        " FROM contact WHERE contact.contact = ?",
        (bytes_up, bytes_down, usd, contact),
    )


def _join_failures(connection: Connection, contact: int) -> None:
    """A link that is down for a day must not fill the diary with one line a minute."""
    joined = connection.execute(
        "SELECT before.contact FROM contact AS new JOIN contact AS before ON before.contact ="
        " (SELECT max(contact) FROM contact WHERE contact < new.contact AND link = new.link)"
        " WHERE new.contact = ? AND new.outcome = before.outcome AND new.hub = before.hub"
        " AND new.bytes_up + new.bytes_down = 0 AND new.usd = 0 AND NOT new.reached AND NOT before.reached",
        (contact,),
    ).fetchone()
    if joined is None:
        return
    (before,) = joined
    connection.execute(
        "UPDATE contact SET attempts = attempts + 1, (ended_s, seconds) ="
        " (SELECT ended_s, seconds FROM contact WHERE contact = ?) WHERE contact = ?",
        (contact, before),
    )
    connection.execute("DELETE FROM contact WHERE contact = ?", (contact,))
