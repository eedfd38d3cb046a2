"""Rows of what was foretold of bundles and what came of it. A power cut may undo the last few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.ids import BundleId
from protocol.stamps import Certainty
from sfnode.domain.moments import Moment
from sync.scheduler.arrival import ARRIVALS_KEPT, Arrived, Interval
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.recollection import Recollection

FORETOLD_MAX: Final = 2_000
"""Rows kept: some hundred cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """What was said of one bundle when it was queued."""

    bundle_id: BundleId
    link: str
    was_down: bool
    soonest_s: float
    interval: Interval | None
    """None: "no forecast yet"."""
    at: Moment


class ForetoldRows:
    """One row for each bundle that was queued while a link could carry it."""

    def __init__(self, database: Database) -> None:
        self._recollection = Recollection(database)

    async def add(self, foretold: Foretold) -> None:
        """Repeating changes nothing: what was said first counts."""

        def write(connection: Connection) -> None:
            interval, at = foretold.interval, foretold.at
            connection.execute(
                "INSERT INTO foretold (bundle_id, link, was_down, soonest_s, low_s, high_s, contacts, boot,"
                " monotonic_s, wall_s, certainty) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (bundle_id) DO NOTHING",
                (
                    foretold.bundle_id,
                    foretold.link,
                    foretold.was_down,
                    foretold.soonest_s,
                    None if interval is None else interval.low_s,
                    None if interval is None else interval.high_s,
                    0 if interval is None else interval.contacts,
                    at.boot,
                    at.monotonic_s,
                    at.wall_s,
                    int(at.certainty),
                ),
            )
            connection.execute(
                "DELETE FROM foretold WHERE foretold <= (SELECT max(foretold) FROM foretold) - ?",
                (FORETOLD_MAX,),
            )

        await self._recollection.note(write)

    async def met(self, waits: Sequence[tuple[BundleId, float]]) -> None:
        """The first contact since these were queued has begun, so many seconds after that."""
        await self._recollection.note(
            lambda connection: connection.executemany(
                "UPDATE foretold SET waited_s = ? WHERE bundle_id = ? AND waited_s IS NULL",
                [(waited_s, bundle_id) for bundle_id, waited_s in waits],
            )
        )

    async def came(self, bundle_id: BundleId, *, contact: int, actual_s: float) -> None:
        """The hub holds it; what was found first counts. Without a wait it came with a contact under way."""
        await self._recollection.note(
            lambda connection: connection.execute(
                "UPDATE foretold SET contact = ?, waited_s = min(ifnull(waited_s, 0.0), ?), actual_s = ?"
                " WHERE bundle_id = ? AND actual_s IS NULL",
                (contact, actual_s, actual_s, bundle_id),
            )
        )

    async def forget(self, bundle_ids: Sequence[BundleId]) -> None:
        """These will never arrive, or nobody can tell when they did."""
        await self._recollection.note(
            lambda connection: connection.executemany(
                "DELETE FROM foretold WHERE bundle_id = ?", [(bundle_id,) for bundle_id in bundle_ids]
            )
        )

    async def rename(self, link: str, name: str) -> None:
        """The same link under another name: what was learnt of it still holds."""
        await self._recollection.note(
            lambda connection: connection.execute("UPDATE foretold SET link = ? WHERE link = ?", (name, link))
        )

    async def arrived(self, link: str, *, was_down: bool | None) -> tuple[Arrived, ...]:
        """What the next forecast for this link rests on, oldest first; None: whether it was down or not."""
        rows = await self._recollection.read(
            ("arrived", link, was_down),
            lambda connection: connection.execute(
                "SELECT soonest_s, actual_s, waited_s, contact FROM foretold"
                " WHERE link = ? AND was_down IN (?, ?) AND actual_s IS NOT NULL"
                " ORDER BY foretold DESC LIMIT ?",
                (link, was_down is not False, was_down is True, ARRIVALS_KEPT),
            ).fetchall(),
        )
        return tuple(
            Arrived(soonest_s=soonest_s, actual_s=actual_s, waited_s=waited_s, contact=contact)
            for soonest_s, actual_s, waited_s, contact in reversed(rows)
        )

    async def last_contact(self) -> int:
        """The highest number that was given to a contact; 0 before the first."""
        ((contact,),) = await self._recollection.read(
            "last contact",
            lambda connection: connection.execute("SELECT max(contact) FROM foretold").fetchall(),
        )
        return int(contact or 0)

    async def held(self, limit: int) -> tuple[int, int]:
        """Of the latest that have arrived after an interval was told: how many came inside it, and of how
        many."""
        ((inside, of),) = await self._recollection.read(
            ("held", limit),
            lambda connection: connection.execute(
                "SELECT ifnull(sum(inside), 0), count(*) FROM (SELECT actual_s BETWEEN low_s AND high_s"
                " AS inside FROM foretold WHERE actual_s IS NOT NULL AND low_s IS NOT NULL"
                " ORDER BY foretold DESC LIMIT ?)",
                (limit,),
            ).fetchall(),
        )
        return int(inside), int(of)

    async def open(self) -> tuple[Foretold, ...]:
        """Of what is not known to be at the hub, newest first: all of which an interval was told."""
        return await self._recollection.read(
            "open",
            lambda connection: _rows(
                connection,
                "WHERE actual_s IS NULL AND low_s IS NOT NULL ORDER BY foretold DESC LIMIT ?",
                (FORETOLD_MAX,),
            ),
        )

    async def under_way(self, bundle_ids: Sequence[BundleId]) -> dict[BundleId, Foretold]:
        """Those of these that are not known to be at the hub."""
        wanted = frozenset(bundle_ids)
        rows = await self._recollection.read(
            ("under way", wanted),
            lambda connection: [
                row
                for bundle_id in wanted
                for row in _rows(connection, "WHERE bundle_id = ? AND actual_s IS NULL", (bundle_id,))
            ],
        )
        return {each.bundle_id: each for each in rows}

    async def unmet(self) -> tuple[Foretold, ...]:
        """Of what was queued since the last contact began."""
        return await self._recollection.read(
            "unmet",
            lambda connection: _rows(
                connection,
                "WHERE actual_s IS NULL AND waited_s IS NULL ORDER BY foretold LIMIT ?",
                (FORETOLD_MAX,),
            ),
        )


def _rows(connection: Connection, which: str, parameters: Sequence[object]) -> tuple[Foretold, ...]:
    rows = connection.execute(
        "SELECT bundle_id, link, was_down, soonest_s, low_s, high_s, contacts, boot, monotonic_s, wall_s,"
        f" certainty FROM foretold {which}",
        tuple(parameters),
    ).fetchall()
    return tuple(_foretold(*row) for row in rows)


def _foretold(
    bundle_id: bytes,
    link: str,
    was_down: int,
    soonest_s: float,
    low_s: float | None,
    high_s: float | None,
    contacts: int,
    boot: str,
    monotonic_s: float,
    wall_s: int,
    certainty: int,
) -> Foretold:
    is_told = low_s is not None and high_s is not None
    return Foretold(
        bundle_id=BundleId(bundle_id),
        link=link,
        was_down=bool(was_down),
        soonest_s=soonest_s,
        interval=Interval(low_s or 0.0, high_s or 0.0, contacts) if is_told else None,
        at=Moment(boot=boot, monotonic_s=monotonic_s, wall_s=wall_s, certainty=Certainty(certainty)),
    )
