"""When bundles went into custody for a hub, were stored there, and arrived here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.stamps import Certainty
from sfnode.domain.moments import Moment
from sync.ports import Rank
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.recollection import Recollection


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One bundle on its way up, as far as the spool knows it."""

    pair: Pseudonym
    """Whose custody has it."""
    bundle_id: BundleId
    priority: Priority
    rank: Rank
    size_bytes: int
    queued_s: int
    stored_s: int | None


class Transfers:
    """Facts about bundles that custody does not keep, because only people want them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recollection = Recollection(database)

    async def write_with(
        self, work: Callable[[Connection], object], *, then: Callable[[], None] | None = None
    ) -> None:
        """A change of others' rows that takes some of these with it, in one transaction."""
        await self._recollection.write(work, then=then)

    async def note_queued(
        self,
        pair: Pseudonym,
        bundle_id: BundleId,
        *,
        priority: Priority,
        rank: Rank,
        size_bytes: int,
        now_s: int,
    ) -> None:
        """Custody has it; repeating changes nothing."""
        await self._recollection.note(
            lambda connection: connection.execute(
                "INSERT INTO transfer (pseudonym, bundle_id, priority, rank, size_bytes, queued_s)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (bundle_id, pseudonym) DO NOTHING",
                (pair, bundle_id, int(priority), rank.value, size_bytes, now_s),
            )
        )

    async def note_stored(self, pair: Pseudonym, bundle_ids: Sequence[BundleId], *, now_s: int) -> None:
        """The hub was found to hold these; the first time stays."""
        await self._recollection.note(
            lambda connection: connection.executemany(
                "UPDATE transfer SET stored_s = ? WHERE pseudonym = ? AND bundle_id = ? AND stored_s IS NULL",
                [(now_s, pair, bundle_id) for bundle_id in bundle_ids],
            )
        )

    async def note_lost(self, pair: Pseudonym, bundle_ids: Sequence[BundleId]) -> None:
        """The hub turned out not to hold these although it once did."""
        await self._recollection.note(
            lambda connection: connection.executemany(
                "UPDATE transfer SET stored_s = NULL WHERE pseudonym = ? AND bundle_id = ?",
                [(pair, bundle_id) for bundle_id in bundle_ids],
            )
        )

    async def forget(self, pair: Pseudonym, bundle_ids: Sequence[BundleId]) -> None:
        """Custody has let go of these for good."""
        await self._recollection.write(
            lambda connection: connection.executemany(
                "DELETE FROM transfer WHERE pseudonym = ? AND bundle_id = ?",
                [(pair, bundle_id) for bundle_id in bundle_ids],
            )
        )

    async def unstored(self, pair: Pseudonym | None = None) -> tuple[Transfer, ...]:
        """Not known to be at that pair's hub, or at any, in the order in which they go."""
        waiting = await self._recollection.read(
            "unstored",
            lambda connection: _transfers(
                connection, "WHERE stored_s IS NULL ORDER BY priority, rank, transfer", ()
            ),
        )
        return waiting if pair is None else tuple(each for each in waiting if each.pair == pair)

    async def stored(self, pair: Pseudonym) -> tuple[BundleId, ...]:
        """Those that the pair's hub was known to hold."""
        return await self._database.read(
            lambda connection: tuple(
                BundleId(bundle_id)
                for (bundle_id,) in connection.execute(
                    "SELECT bundle_id FROM transfer WHERE pseudonym = ? AND stored_s IS NOT NULL"
                    " ORDER BY transfer",
                    (pair,),
                )
            )
        )

    async def of(self, bundle_ids: Sequence[BundleId]) -> dict[BundleId, Transfer]:
        """Those of these bundles of ours that were ever queued; no two pairs give one id to two."""
        wanted = frozenset(bundle_ids)
        rows = await self._recollection.read(
            wanted,
            lambda connection: tuple(
                transfer
                for bundle_id in wanted
                for transfer in _transfers(connection, "WHERE bundle_id = ?", (bundle_id,))
            ),
        )
        return {transfer.bundle_id: transfer for transfer in rows}

    async def note_arrived(self, pair: Pseudonym, bundle_id: BundleId, moment: Moment) -> None:
        """A bundle of the pair's hub is whole here; the first moment stays."""
        await self._database.note(
            lambda connection: connection.execute(
                "INSERT INTO arrival (pseudonym, bundle_id, boot, monotonic_s, wall_s, certainty)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (pair, bundle_id, moment.boot, moment.monotonic_s, moment.wall_s, int(moment.certainty)),
            )
        )

    async def arrived(self, pair: Pseudonym, bundle_id: BundleId) -> Moment | None:
        """When it was whole here; None when the process died before it could note it."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT boot, monotonic_s, wall_s, certainty FROM arrival"
                " WHERE pseudonym = ? AND bundle_id = ?",
                (pair, bundle_id),
            ).fetchone()
        )
        if row is None:
            return None
        boot, monotonic_s, wall_s, certainty = row
        return Moment(boot=boot, monotonic_s=monotonic_s, wall_s=wall_s, certainty=Certainty(certainty))

    async def forget_arrival(self, pair: Pseudonym, bundle_id: BundleId) -> None:
        """It was opened, so nobody will ask again."""
        await self._database.note(
            lambda connection: connection.execute(
                "DELETE FROM arrival WHERE pseudonym = ? AND bundle_id = ?", (pair, bundle_id)
            )
        )


def _transfers(connection: Connection, which: str, parameters: Sequence[object]) -> tuple[Transfer, ...]:
    rows = connection.execute(
        f"SELECT pseudonym, bundle_id, priority, rank, size_bytes, queued_s, stored_s FROM transfer {which}",
        tuple(parameters),
    ).fetchall()
    return tuple(
        Transfer(
            pair=Pseudonym(pseudonym),
            bundle_id=BundleId(bundle_id),
            priority=Priority(priority),
            rank=Rank(rank),
            size_bytes=size_bytes,
            queued_s=queued_s,
            stored_s=stored_s,
        )
        for pseudonym, bundle_id, priority, rank, size_bytes, queued_s, stored_s in rows
    )
