"""Custody of one pair in a database: `PairStore` for its sessions, `Custody` for the application."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet

from ..ports import (
    MOMENT_BYTES,
    AskedRekey,
    ChunkOutcome,
    IncomingChunk,
    Moment,
    Offer,
    OutgoingBundle,
    Rank,
    ReceivedBundle,
    SafeMark,
    SessionView,
    Settlement,
    ToReturn,
    UnopenedBundle,
)
from . import backups, incidents, settling
from .arrivals import Arrivals, ReceivedDamaged
from .connection import Connection
from .content import ContentDamaged
from .database import Database
from .despatch import PRUNE_PAGE, Despatch
from .errors import StoreFull
from .incidents import Incident, IncidentKind
from .incoming import Incoming
from .numbering import Numbering
from .outgoing import Outgoing
from .pair_changes import PairChanges
from .returning import Returning
from .room import Room
from .sent_values import NewBundle, SentState
from .watermark import Watermark


def draw_moment() -> Moment:
    """A name for a moment that no other history of a store has."""
    return Moment(secrets.token_bytes(MOMENT_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the pairs of one store share."""

    database: Database
    room: Room
    new_incarnation: Callable[[], Incarnation]
    wall_s: Callable[[], float]
    watermark: Watermark


class SqlitePairStore:
    """`PairStore` and `Custody` of one pair. Safe to use from several sessions and services at once."""

    def __init__(self, means: Means, pair: int) -> None:
        self._means = means
        self._database = means.database
        self._pair = pair
        self._changes = PairChanges(means.database, means.watermark)
        self._recollection = self._changes.recollection

    @property
    def state(self) -> object | None:
        """The same as long as nothing that this store can be asked has changed; None while something does."""
        return self._recollection.state

    def renewed(self) -> None:
        """The store has begun a new incarnation by itself."""
        self._recollection.changed()

    # Custody: the application's side.

    async def add(
        self,
        *,
        bundle_id: BundleId,
        priority: Priority,
        rank: Rank,
        recipient_key: bytes,
        dwell_code: int,
        sealed: bytes,
    ) -> Offer:
        """As the port says; a bundle whose bytes were damaged here takes the new seal, same number."""
        new = NewBundle(
            bundle_id=bundle_id,
            priority=priority,
            rank=rank,
            recipient_key=recipient_key,
            dwell_code=dwell_code,
            sealed=sealed,
        )
        return await self._changes.renumber(lambda connection: self._despatch(connection).add(new), stir=True)

    async def received_after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        """As the port says; a bundle that was damaged here is left out, and fetched again from the peer."""
        while True:
            try:
                return await self._database.read(
                    lambda connection: self._arrivals(connection).received_after(row, limit)
                )
            except ReceivedDamaged as damage:
                damaged, reason = damage.row, damage.reason
            await self._recollection.write(
                lambda connection, row=damaged, reason=reason: self._arrivals(connection).forget(row, reason)  # type: ignore[misc]  # defaults bind the loop's values
            )

    async def take(self, row: int) -> None:
        await self._recollection.write(lambda connection: self._arrivals(connection).take(row))

    async def quarantine(self, row: int, reason: str) -> None:
        await self._recollection.write(lambda connection: self._arrivals(connection).quarantine(row, reason))

    async def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        await self._changes.write_and_stir(
            lambda connection: self._arrivals(connection).ask_rekey(row, recipient_key, reason)
        )

    async def rekeys(self) -> tuple[AskedRekey, ...]:
        return await self._recollection.read("rekeys", lambda connection: self._despatch(connection).rekeys())

    async def reseal(self, *, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        return await self._changes.renumber(
            lambda connection: self._despatch(connection).reseal(bundle_id, recipient_key, sealed), stir=True
        )

    async def without_bytes(self, limit: int) -> tuple[BundleId, ...]:
        return await self._recollection.read(
            ("without bytes", limit), lambda connection: self._despatch(connection).without_bytes(limit)
        )

    async def sent_state(self, bundle_id: BundleId) -> SentState | None:
        """How far one of our bundles has come; None if it never was in custody."""
        return await self._recollection.read(
            ("state", bundle_id), lambda connection: self._despatch(connection).state(bundle_id)
        )

    async def sent_states(self, bundle_ids: Sequence[BundleId]) -> dict[BundleId, SentState | None]:
        """The same of several."""
        return await self._recollection.read_each(
            "state", bundle_ids, lambda connection, bundle_id: self._despatch(connection).state(bundle_id)
        )

    async def withdraw(self, bundle_id: BundleId) -> bool:
        """Take one of our bundles back for good; False while its sending has begun, or when it is unknown."""
        return await self._recollection.write(
            lambda connection: self._despatch(connection).withdraw(bundle_id)
        )

    async def discard(self, bundle_id: BundleId) -> None:
        """Drop the sealed bytes of a received bundle that was kept aside; it stays held."""
        await self._recollection.write(lambda connection: self._arrivals(connection).discard(bundle_id))

    async def give_up(self, rows: Sequence[int]) -> None:
        """These received bundles were taken, and what came of them was lost: the peer sends them again."""
        await self._recollection.write(lambda connection: self._arrivals(connection).give_up(rows))

    async def to_return(self, limit: int) -> tuple[ToReturn, ...]:
        return await self._recollection.read(
            ("to return", limit), lambda connection: self._returning(connection).to_return(limit)
        )

    async def mark_returned(self, rows: Sequence[int]) -> None:
        await self._recollection.write(lambda connection: self._returning(connection).mark_returned(rows))

    async def begin_backup(self) -> Moment:
        moment = draw_moment()
        await self._database.write(lambda connection: backups.begin(connection, moment))
        return moment

    async def note_backup(self, moment: Moment) -> bool:
        return await self._changes.write_and_stir(
            lambda connection: backups.note(connection, self._pair, moment)
        )

    async def date_receipts(self, *, since_s: float, now_s: float) -> None:
        await self._recollection.write(
            lambda connection: self._despatch(connection).date_receipts(since_s, now_s)
        )

    async def prune(self, *, stored_before_s: float, keep_newest: int) -> int:
        """As the port says, page by page, so that nobody waits long behind it."""
        pruned, page = 0, PRUNE_PAGE
        while page == PRUNE_PAGE:
            page = await self._recollection.write(
                lambda connection: self._despatch(connection).prune(stored_before_s, keep_newest)
            )
            pruned += page
        return pruned

    async def incidents_after(self, row: int, limit: int) -> tuple[Incident, ...]:
        """What the operator has to be told of, oldest first."""
        return await self._database.read(
            lambda connection: incidents.after(connection, self._pair, row, limit)
        )

    # PairStore, sending.

    async def open_session(self) -> SessionView:
        def open_and_look(connection: Connection) -> SessionView:
            generation = Numbering(connection, self._pair).open_session()
            return self._recollection.inside("view", self._view, connection)(generation=generation)

        return await self._changes.number(open_and_look)

    async def outgoing(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        return await self._recollection.read(
            ("outgoing", beside), lambda connection: self._outgoing(connection).pending(beside)
        )

    async def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        """As the port says; bytes that were damaged here are gone, and the operator hears of it."""
        try:
            return await self._database.read(
                lambda connection: self._outgoing(connection).read(sequence, offset, size_bytes)
            )
        except ContentDamaged as damage:
            reason = str(damage)
        await self._recollection.write(
            lambda connection: self._outgoing(connection).note_damage(sequence, reason)
        )
        return b""

    async def mark_receipted(self, sequence: int, held: RangeSet) -> None:
        await self._recollection.note(
            lambda connection: self._outgoing(connection).mark_receipted(sequence, held)
        )

    async def mark_stored(self, sequences: RangeSet) -> None:
        now_s = self._means.wall_s()
        await self._recollection.write(
            lambda connection: self._outgoing(connection).mark_stored(sequences, now_s)
        )

    async def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        await self._changes.renumber(
            lambda connection: self._outgoing(connection).mark_lost(incarnation, sequences)
        )

    async def mark_safe(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        await self._recollection.write(
            lambda connection: self._outgoing(connection).mark_safe(incarnation, sequences)
        )

    async def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return await self._recollection.read(
            ("digest", incarnation, sequences),
            lambda connection: self._outgoing(connection).digest(incarnation, sequences),
        )

    async def renew_incarnation(self, reason: str) -> SessionView:
        incarnation = self._means.new_incarnation()

        def renew_and_look(connection: Connection) -> SessionView:
            self._outgoing(connection).renew(incarnation, reason, IncidentKind.RENEWED)
            return self._view(connection)(generation=Numbering(connection, self._pair).generation())

        return await self._changes.renumber(renew_and_look)

    async def note_foreign(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        await self._recollection.write(
            lambda connection: self._returning(connection).note_foreign(incarnation, sequences)
        )

    async def mark_promised(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        await self._recollection.write(
            lambda connection: self._returning(connection).mark_promised(incarnation, sequences)
        )

    async def note_settled(self, settlement: Settlement) -> None:
        await self._recollection.write(
            lambda connection: settling.note_settled(connection, self._pair, settlement)
        )

    async def note_refusal(self, sequence: int, reason: str) -> None:
        await self._recollection.write(
            lambda connection: self._outgoing(connection).note_refusal(sequence, reason)
        )

    async def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        await self._recollection.write(
            lambda connection: self._outgoing(connection).note_rekey(incarnation, sequence, recipient_key)
        )

    async def unopened(self) -> tuple[UnopenedBundle, ...]:
        return await self._recollection.read(
            "unopened", lambda connection: self._arrivals(connection).unopened()
        )

    async def wait_outgoing(self) -> None:
        await self._changes.wait_stirred()

    # PairStore, receiving.

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        def keep(connection: Connection) -> tuple[ChunkOutcome, ...]:
            incoming = self._incoming(connection)
            return tuple([incoming.persist(chunk, self._admits) for chunk in chunks])

        try:
            return await self._recollection.write(keep, may_wait=True)
        except StoreFull:
            return (ChunkOutcome.NO_ROOM,) * len(chunks)

    async def received_digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return await self._recollection.read(
            ("received digest", incarnation, sequences),
            lambda connection: self._incoming(connection).digest(incarnation, sequences),
        )

    async def note_return(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return await self._changes.write_and_stir(
            lambda connection: self._returning(connection).note_return(incarnation, sequences)
        )

    async def safe(self) -> tuple[SafeMark, ...]:
        return await self._recollection.read("safe", lambda connection: backups.marks(connection, self._pair))

    # One transaction's view of the tables.

    def _outgoing(self, connection: Connection) -> Outgoing:
        return Outgoing(connection, self._pair)

    def _despatch(self, connection: Connection) -> Despatch:
        return Despatch(connection, self._pair)

    def _incoming(self, connection: Connection) -> Incoming:
        return Incoming(connection, self._pair)

    def _arrivals(self, connection: Connection) -> Arrivals:
        return Arrivals(connection, self._pair)

    def _returning(self, connection: Connection) -> Returning:
        return Returning(connection, self._pair)

    def _admits(self, priority: Priority, size_bytes: int, received_bytes: int) -> bool:
        return self._means.room.admits(self._database.path, priority, size_bytes, received_bytes)

    def _view(self, connection: Connection) -> partial[SessionView]:
        """All but how many sessions were opened, which alone changes with each."""
        outgoing, incoming = self._outgoing(connection), self._incoming(connection)
        returning, life = self._returning(connection), outgoing.life()
        return partial(
            SessionView,
            incarnation=life.incarnation,
            sequence_max=life.sequence_max,
            stored=outgoing.stored(life.row),
            former=outgoing.former(),
            pending=outgoing.pending(RangeSet()),
            received=incoming.streams(),
            partials=incoming.partials(),
            foreign=returning.foreign(),
            promised=returning.promised(),
            owed=returning.owed(),
            settlement=settling.settlement_of(connection, self._pair),
            safe_here=backups.marks(connection, self._pair),
        )
