"""Custody of one pair in memory: the reference for every other store, and the store of simulations.

Each method changes state in one step and never waits, so a cancelled caller leaves nothing half done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, seal_tag_of
from protocol.ranges import RangeSet
from protocol.summary import digest

from ..ports import (
    OUTGOING_PAGE,
    PARTIALS_MAX,
    REKEYS_MAX,
    RESEALS_MAX,
    STREAMS_MAX,
    AskedRekey,
    ChunkOutcome,
    IncomingChunk,
    Offer,
    OutgoingBundle,
    PartialBundle,
    Rank,
    ReceivedBundle,
    ReceivedStream,
    SentStream,
    SessionView,
    UnopenedBundle,
)


@dataclass(slots=True)
class _Sent:
    """One bundle of ours, in custody or stored at the peer."""

    offer: Offer
    rank: Rank
    sealed: bytes
    receipted: RangeSet | None = None
    stored: bool = False
    refusal: str = ""
    rekey: bytes | None = None
    reseals: int = 0
    given_up: bool = False
    """Sealed again under another number; this one only counts in digests."""

    @property
    def urgency(self) -> tuple[int, int, int]:
        return self.offer.priority, self.rank.value, self.offer.sequence


@dataclass(slots=True)
class _Whole:
    """One whole bundle of the peer's."""

    offer: Offer
    sealed: bytes
    taken: bool = False
    quarantine: str = ""
    rekey: bytes | None = None


@dataclass(slots=True)
class _Partial:
    """The bytes of the peer's bundle that have come so far."""

    offer: Offer
    data: bytearray
    held: RangeSet = field(default_factory=RangeSet)


@dataclass(slots=True)
class MemoryState:
    """Everything a disk would hold; copy it to play a backup, a restore or a cloned card."""

    incarnation: Incarnation
    sequence_max: int = 0
    generation: int = 0
    sent: dict[tuple[Incarnation, int], _Sent] = field(default_factory=dict)
    streams: dict[Incarnation, dict[int, BundleId]] = field(default_factory=dict)
    """Numbers of the peer's held whole; the incarnation heard last is the last key."""
    whole: dict[int, _Whole] = field(default_factory=dict)
    """By row of arrival."""
    row_max: int = 0
    rows: dict[BundleId, int] = field(default_factory=dict)
    partials: dict[tuple[Incarnation, int, BundleId], _Partial] = field(default_factory=dict)
    renewals: list[str] = field(default_factory=list)


class MemoryStore:
    """`PairStore` and `Custody` of one pair over a `MemoryState`."""

    def __init__(
        self,
        new_incarnation: Callable[[], Incarnation],
        *,
        state: MemoryState | None = None,
        received_bytes_max: int = 1 << 40,
    ) -> None:
        self._new_incarnation = new_incarnation
        self._state = state or MemoryState(new_incarnation())
        self._received_bytes_max = received_bytes_max
        self._added = asyncio.Event()

    def snapshot(self) -> MemoryState:
        """A copy to restore or to clone from."""
        return deepcopy(self._state)

    def restore(self, state: MemoryState) -> None:
        """Go back to a snapshot, as a restored disk does: without knowing it."""
        self._state = deepcopy(state)

    def own_offers(self, sequences: RangeSet) -> tuple[Offer, ...]:
        """Our bundles with these numbers of the current incarnation, stored at the peer or not."""
        return tuple(sent.offer for number, sent in self._own(self._state.incarnation) if number in sequences)

    def all_offers(self) -> tuple[Offer, ...]:
        """Every bundle ever added, under its latest number."""
        return tuple(sent.offer for sent in self._state.sent.values() if not sent.given_up)

    def holds(self, bundle_id: BundleId) -> bool:
        """Whether the peer's bundle of that id is whole here."""
        return bundle_id in self._state.rows

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
        state = self._state
        if (known := self._sent(bundle_id)) is not None:
            return known.offer
        state.sequence_max += 1
        offer = Offer(
            incarnation=state.incarnation,
            sequence=state.sequence_max,
            bundle_id=bundle_id,
            seal_tag=seal_tag_of(sealed),
            priority=priority,
            dwell_code=dwell_code,
            recipient_key=recipient_key,
            size_bytes=len(sealed),
        )
        state.sent[offer.incarnation, offer.sequence] = _Sent(offer, rank, sealed)
        self._added.set()
        return offer

    async def received_after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        waiting = (
            ReceivedBundle(row=number, offer=whole.offer, sealed=whole.sealed)
            for number, whole in self._state.whole.items()
            if number > row and not whole.taken and not whole.quarantine
        )
        return tuple(bundle for bundle, _ in zip(waiting, range(limit), strict=False))

    async def take(self, row: int) -> None:
        whole = self._state.whole[row]
        whole.taken, whole.rekey = True, None
        whole.sealed = b""

    async def quarantine(self, row: int, reason: str) -> None:
        self._state.whole[row].quarantine = reason

    async def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        whole = self._state.whole[row]
        if not whole.taken:
            whole.rekey, whole.quarantine = recipient_key, reason
        self._added.set()

    async def rekeys(self) -> tuple[AskedRekey, ...]:
        asked = sorted(
            (sent for sent in self._state.sent.values() if sent.rekey is not None),
            key=lambda sent: sent.urgency,
        )
        return tuple(
            AskedRekey(
                bundle_id=sent.offer.bundle_id,
                recipient_key=sent.rekey or b"",
                gone_key=sent.offer.recipient_key,
            )
            for sent in asked[:REKEYS_MAX]
        )

    async def reseal(self, *, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        state = self._state
        old = self._sent(bundle_id)
        if old is None or old.rekey is None:
            return None
        state.sequence_max += 1
        offer = replace(
            old.offer,
            incarnation=state.incarnation,
            sequence=state.sequence_max,
            recipient_key=recipient_key,
            seal_tag=seal_tag_of(sealed),
            size_bytes=len(sealed),
        )
        state.sent[offer.incarnation, offer.sequence] = _Sent(
            offer, old.rank, sealed, reseals=old.reseals + 1
        )
        old.rekey, old.given_up, old.sealed = None, True, b""
        self._added.set()
        return offer

    # PairStore, sending.

    async def open_session(self) -> SessionView:
        self._state.generation += 1
        return self._view()

    async def outgoing(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        waiting = [sent for sent in self._pending() if sent.offer.sequence not in beside]
        waiting.sort(key=lambda sent: sent.urgency)
        return tuple(
            OutgoingBundle(offer=sent.offer, rank=sent.rank, receipted=sent.receipted)
            for sent in waiting[:OUTGOING_PAGE]
        )

    async def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        sent = self._current(sequence)
        return sent.sealed[offset : offset + size_bytes] if sent and not sent.stored else b""

    async def mark_receipted(self, sequence: int, held: RangeSet) -> None:
        if sent := self._current(sequence):
            sent.receipted = held

    async def mark_stored(self, sequences: RangeSet) -> None:
        for sequence, sent in self._own(self._state.incarnation):
            if sequence in sequences:
                sent.stored = True

    async def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        for sequence, sent in self._own(incarnation):
            if sequence in sequences and sent.stored:
                sent.stored, sent.receipted, sent.rekey = False, None, None
                if incarnation != self._state.incarnation and not sent.given_up:
                    self._renumber(sent)

    async def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return digest(sent.offer.bundle_id for number, sent in self._own(incarnation) if number in sequences)

    async def renew_incarnation(self, reason: str) -> SessionView:
        state = self._state
        pending = self._pending()
        state.incarnation = self._new_incarnation()
        state.sequence_max = 0
        state.renewals.append(reason)
        for sent in pending:
            sent.receipted = None
            self._renumber(sent)
        return self._view()

    async def note_refusal(self, sequence: int, reason: str) -> None:
        if sent := self._current(sequence):
            sent.refusal = reason

    async def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        sent = self._state.sent.get((incarnation, sequence))
        if sent is not None and not sent.given_up and sent.reseals < RESEALS_MAX:
            sent.rekey = recipient_key

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
        return tuple([self._persist(chunk) for chunk in chunks])

    async def received_digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        stream = self._state.streams.get(incarnation, {})
        return digest(bundle_id for number, bundle_id in stream.items() if number in sequences)

    # State to view and back.

    def _own(self, incarnation: Incarnation) -> list[tuple[int, _Sent]]:
        return [(number, sent) for (life, number), sent in self._state.sent.items() if life == incarnation]

    def _pending(self) -> list[_Sent]:
        own = self._own(self._state.incarnation)
        return [sent for _, sent in own if not sent.stored and not sent.given_up]

    def _current(self, sequence: int) -> _Sent | None:
        sent = self._state.sent.get((self._state.incarnation, sequence))
        return None if sent is None or sent.given_up else sent

    def _sent(self, bundle_id: BundleId) -> _Sent | None:
        """One of ours under the number it has now."""
        own = self._state.sent.values()
        return next((sent for sent in own if sent.offer.bundle_id == bundle_id and not sent.given_up), None)

    def _renumber(self, sent: _Sent) -> None:
        state = self._state
        del state.sent[sent.offer.incarnation, sent.offer.sequence]
        state.sequence_max += 1
        sent.offer = replace(sent.offer, incarnation=state.incarnation, sequence=state.sequence_max)
        state.sent[sent.offer.incarnation, sent.offer.sequence] = sent

    def _stored(self, incarnation: Incarnation) -> RangeSet:
        return RangeSet.of((number, number + 1) for number, sent in self._own(incarnation) if sent.stored)

    def _former(self) -> tuple[SentStream, ...]:
        lives = dict.fromkeys(life for (life, _), sent in self._state.sent.items() if sent.stored)
        lives.pop(self._state.incarnation, None)
        newest_first = list(reversed(lives))[:STREAMS_MAX]
        return tuple(SentStream(incarnation=life, stored=self._stored(life)) for life in newest_first)

    def _received(self) -> tuple[ReceivedStream, ...]:
        latest_first = list(reversed(self._state.streams.items()))[:STREAMS_MAX]
        return tuple(
            ReceivedStream(
                incarnation=life,
                held=RangeSet.of((number, number + 1) for number in stream),
                digest=digest(stream.values()),
            )
            for life, stream in latest_first
        )

    def _view(self) -> SessionView:
        state = self._state
        waiting = sorted(self._pending(), key=lambda sent: sent.urgency)[:OUTGOING_PAGE]
        return SessionView(
            generation=state.generation,
            incarnation=state.incarnation,
            sequence_max=state.sequence_max,
            stored=self._stored(state.incarnation),
            former=self._former(),
            pending=tuple(
                OutgoingBundle(offer=sent.offer, rank=sent.rank, receipted=sent.receipted) for sent in waiting
            ),
            received=self._received(),
            partials=tuple(
                PartialBundle(offer=partial.offer, held=partial.held) for partial in state.partials.values()
            ),
        )

    # One incoming chunk.

    def _persist(self, chunk: IncomingChunk) -> ChunkOutcome:
        offer = chunk.offer
        state = self._state
        if self._is_whole(offer):
            return self._hold(offer)
        partial = self._partial(offer)
        if partial is None:
            return ChunkOutcome.NO_ROOM
        end = chunk.offset + len(chunk.data)
        partial.data[chunk.offset : end] = chunk.data
        partial.held = partial.held.add(chunk.offset, end)
        if not partial.held.covers(offer.size_bytes):
            return ChunkOutcome.PARTIAL
        self._drop_partial(offer)
        sealed = bytes(partial.data)
        if seal_tag_of(sealed) != offer.seal_tag:
            return ChunkOutcome.CORRUPT
        state.whole.pop(state.rows.get(offer.bundle_id, 0), None)  # The bytes that did not open.
        state.row_max += 1
        row = state.row_max
        state.whole[row] = _Whole(offer, sealed)
        state.rows[offer.bundle_id] = row
        return self._hold(offer)

    def _is_whole(self, offer: Offer) -> bool:
        """Whether this bundle needs no more bytes; one that waits for a new seal needs those of the new."""
        state = self._state
        row = state.rows.get(offer.bundle_id)
        if row is None:
            return state.streams.get(offer.incarnation, {}).get(offer.sequence) == offer.bundle_id
        whole = state.whole[row]
        if whole.rekey is not None and whole.offer.seal_tag != offer.seal_tag:
            return False
        # The peer knows it under this number now: should it not open, that is the one to ask about.
        whole.offer = replace(whole.offer, incarnation=offer.incarnation, sequence=offer.sequence)
        return True

    def _partial(self, offer: Offer) -> _Partial | None:
        """The bytes so far of this very sealing, begun if there is room."""
        partials = self._state.partials
        key = (offer.incarnation, offer.sequence, offer.bundle_id)
        partial = partials.get(key)
        if partial is not None and partial.offer.seal_tag == offer.seal_tag:
            return partial
        self._drop_partial(offer)
        if (
            len(partials) >= PARTIALS_MAX
            or self._received_bytes() + offer.size_bytes > self._received_bytes_max
        ):
            return None
        partials[key] = _Partial(offer, bytearray(offer.size_bytes))
        return partials[key]

    def _drop_partial(self, offer: Offer) -> None:
        self._state.partials.pop((offer.incarnation, offer.sequence, offer.bundle_id), None)

    def _received_bytes(self) -> int:
        whole = sum(len(whole.sealed) for whole in self._state.whole.values())
        return whole + sum(len(partial.data) for partial in self._state.partials.values())

    def _hold(self, offer: Offer) -> ChunkOutcome:
        """Count the number as held by its first id; another id under it is a fork, kept but never counted."""
        streams = self._state.streams
        stream = streams.pop(offer.incarnation, {})
        streams[offer.incarnation] = stream
        self._drop_partial(offer)
        held_id = stream.setdefault(offer.sequence, offer.bundle_id)
        return ChunkOutcome.STORED if held_id == offer.bundle_id else ChunkOutcome.FORKED
