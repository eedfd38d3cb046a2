"""Custody of one pair in memory: the reference for every other store, and the store of simulations.

Each method changes state in one step and never waits, so a cancelled caller leaves nothing half done.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from copy import deepcopy

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet

from ..ports import (
    MOMENT_BYTES,
    REKEYS_MAX,
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
from .foreign import numbers_of, with_noted, without_promised
from .memory_received import MemoryReceived
from .memory_sent import MemorySent
from .memory_state import MemoryState
from .sent_values import NewBundle

__all__ = ["MemoryState", "MemoryStore"]


class MemoryStore:
    """`PairStore` and `Custody` of one pair over a `MemoryState`."""

    def __init__(
        self,
        new_incarnation: Callable[[], Incarnation],
        *,
        state: MemoryState | None = None,
        received_bytes_max: int = 1 << 40,
        wall_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._new_incarnation = new_incarnation
        self._received_bytes_max = received_bytes_max
        self._wall_s = wall_s
        self._added = asyncio.Event()
        self._begin(state or MemoryState(new_incarnation()))

    def _begin(self, state: MemoryState) -> None:
        self._state = state
        self._sent = MemorySent(state)
        self._received = MemoryReceived(state, self._received_bytes_max)

    def snapshot(self) -> MemoryState:
        """A copy to restore or to clone from."""
        return deepcopy(self._state)

    def restore(self, state: MemoryState) -> None:
        """Go back to a snapshot, as a restored disk does: without knowing it."""
        self._begin(deepcopy(state))

    def own_offers(self, sequences: RangeSet) -> tuple[Offer, ...]:
        """Our bundles with these numbers of the current incarnation, stored at the peer or not."""
        own = self._sent.own(self._state.incarnation)
        return tuple(sent.offer for number, sent in own if number in sequences)

    def all_offers(self) -> tuple[Offer, ...]:
        """Every bundle ever added, under its latest number."""
        return tuple(sent.offer for sent in self._sent.all())

    def holds(self, bundle_id: BundleId) -> bool:
        """Whether the peer's bundle of that id is whole here."""
        return bundle_id in self._state.rows

    def is_safe(self, bundle_id: BundleId) -> bool:
        """Whether the peer has said that a verified backup of its own has our bundle of that id."""
        sent = self._sent.of(bundle_id)
        return sent is not None and sent.safe

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
        offer = self._sent.add(
            NewBundle(
                bundle_id=bundle_id,
                priority=priority,
                rank=rank,
                recipient_key=recipient_key,
                dwell_code=dwell_code,
                sealed=sealed,
            )
        )
        self._added.set()
        return offer

    async def received_after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        return self._received.after(row, limit)

    async def take(self, row: int) -> None:
        self._received.take(row)

    async def quarantine(self, row: int, reason: str) -> None:
        self._received.quarantine(row, reason)

    async def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        self._received.ask_rekey(row, recipient_key, reason)
        self._added.set()

    async def rekeys(self) -> tuple[AskedRekey, ...]:
        asked = [sent for sent in self._sent.all() if sent.rekey is not None]
        asked.sort(key=lambda sent: sent.urgency)
        return tuple(
            AskedRekey(
                bundle_id=sent.offer.bundle_id,
                recipient_key=sent.rekey or b"",
                gone_key=sent.offer.recipient_key,
            )
            for sent in asked[:REKEYS_MAX]
        )

    async def reseal(self, *, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        offer = self._sent.reseal(bundle_id, recipient_key, sealed)
        if offer is not None:
            self._added.set()
        return offer

    async def without_bytes(self, limit: int) -> tuple[BundleId, ...]:
        return self._sent.without_bytes(limit)

    async def to_return(self, limit: int) -> tuple[ToReturn, ...]:
        return self._received.to_return(limit)

    async def mark_returned(self, rows: Sequence[int]) -> None:
        self._received.mark_returned(rows)

    async def begin_backup(self) -> Moment:
        moment = Moment(secrets.token_bytes(MOMENT_BYTES))
        self._received.begin_backup(moment)
        return moment

    async def note_backup(self, moment: Moment) -> bool:
        self._added.set()
        return self._received.note_backup(moment)

    async def date_receipts(self, *, since_s: float, now_s: float) -> None:
        self._sent.date_receipts(since_s, now_s)

    async def prune(self, *, stored_before_s: float, keep_newest: int) -> int:
        return self._sent.prune(stored_before_s, keep_newest)

    # PairStore, sending.

    async def open_session(self) -> SessionView:
        self._state.generation += 1
        return self._view()

    async def outgoing(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        return self._sent.pending(beside)

    async def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        sent = self._sent.at(sequence)
        return sent.sealed[offset : offset + size_bytes] if sent and not sent.stored else b""

    async def mark_receipted(self, sequence: int, held: RangeSet) -> None:
        if sent := self._sent.at(sequence):
            sent.receipted = held

    async def mark_stored(self, sequences: RangeSet) -> None:
        self._sent.mark_stored(sequences, self._wall_s())

    async def mark_safe(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        self._sent.mark_safe(incarnation, sequences)

    async def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        self._sent.mark_lost(incarnation, sequences)

    async def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return self._sent.digest(incarnation, sequences)

    async def renew_incarnation(self, reason: str) -> SessionView:
        self._state.renewals.append(reason)
        self._sent.renew(self._new_incarnation())
        return self._view()

    async def note_foreign(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        self._state.foreign = with_noted(self._state.foreign, incarnation, sequences)
        self._state.settlement = None

    async def mark_promised(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        state = self._state
        asked = numbers_of(state.foreign, incarnation) & sequences
        if asked.spans:
            state.foreign = without_promised(state.foreign, incarnation, asked)
            state.promised = with_noted(state.promised, incarnation, asked)
            state.settlement = None

    async def note_settled(self, settlement: Settlement) -> None:
        self._state.settlement = settlement

    async def note_refusal(self, sequence: int, reason: str) -> None:
        if sent := self._sent.at(sequence):
            sent.refusal = reason

    async def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        self._sent.note_rekey(incarnation, sequence, recipient_key)

    async def unopened(self) -> tuple[UnopenedBundle, ...]:
        waiting = [whole for whole in self._state.whole.values() if whole.rekey is not None]
        return tuple(
            UnopenedBundle(
                incarnation=whole.offer.incarnation,
                sequence=whole.offer.sequence,
                recipient_key=whole.rekey or b"",
            )
            for whole in waiting[:REKEYS_MAX]
        )

    async def wait_outgoing(self) -> None:
        await self._added.wait()
        self._added.clear()

    # PairStore, receiving.

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        return tuple([self._received.persist(chunk) for chunk in chunks])

    async def received_digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return self._received.digest(incarnation, sequences)

    async def note_return(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        self._added.set()
        return self._received.note_return(incarnation, sequences)

    async def safe(self) -> tuple[SafeMark, ...]:
        return self._received.safe()

    def _view(self) -> SessionView:
        state = self._state
        return SessionView(
            generation=state.generation,
            incarnation=state.incarnation,
            sequence_max=state.sequence_max,
            stored=self._sent.stored(state.incarnation),
            former=self._sent.former(),
            pending=self._sent.pending(RangeSet()),
            received=self._received.streams(),
            partials=self._received.partials(),
            foreign=state.foreign,
            promised=state.promised,
            owed=self._received.owed(),
            settlement=state.settlement,
            safe_here=self._received.safe(),
        )
