"""The peer's bundles on their way into custody: nothing is receipted before it is durable.

Chunks wait while one batch is being made durable, then become the next batch together; the credit we granted
bounds how much can wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.frames import Data, Frame, Have, RefusalReason, Refused, Stored
from protocol.frames import Offer as OfferFrame
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet

from ..ports import PARTIALS_MAX, ChunkOutcome, IncomingChunk, Offer, SessionView
from .effects import Persist
from .errors import RemoteError
from .events import BundleProgress, BundleReceived, Direction, Event, ForkSeen
from .greeting import listed
from .memory import Sealing, sealing_of

FRAGMENTS_MAX: Final = RANGES_MAX
"""Pieces of one bundle with gaps between them: as many as a receipt can tell. More of them make every further
piece dearer, and come only from a peer that means it."""
_NOTHING: Final = RangeSet()
_HELD: Final = frozenset({ChunkOutcome.STORED, ChunkOutcome.FORKED})
_REFUSALS: Final = {
    ChunkOutcome.CORRUPT: RefusalReason.CORRUPT,
    ChunkOutcome.NO_ROOM: RefusalReason.NO_ROOM,
}


@dataclass(slots=True, eq=False)
class _Arrival:
    """One offered bundle that is not whole yet."""

    handle: int
    offer: Offer
    held: RangeSet = _NOTHING
    """Durable bytes."""
    waiting: RangeSet = _NOTHING
    """Bytes that came and may not be durable yet."""
    new_bytes: int = 0
    """Bytes of this session that we did not have, or so it seemed when they came."""
    was_whole: bool = False
    """Custody held something whole under its number when it was offered."""
    is_announced: bool = True
    """Custody has not heard of it."""


class Intake:
    """Everything a session receives."""

    def __init__(self, credit_bytes: int) -> None:
        self.payload_bytes = 0
        self.duplicate_bytes = 0
        """Payload that was already durable here, or waiting to be."""
        self.bundles = 0
        self._credit_bytes = credit_bytes
        self._unreceipted_bytes = 0
        self._by_handle: dict[int, _Arrival] = {}
        self._by_offer: dict[Offer, _Arrival] = {}
        self._handle_max = 0
        self._chunks: list[IncomingChunk] = []
        self._is_persisting = False
        self._held_before: dict[Sealing, RangeSet] = {}
        self._held_whole: dict[Incarnation, RangeSet] = {}

    @property
    def idle(self) -> bool:
        """Everything that came is durable and receipted."""
        announced = any(arrival.is_announced for arrival in self._by_handle.values())
        return not self._is_persisting and not self._chunks and not announced

    @property
    def nothing_is_open(self) -> bool:
        """Every bundle that was offered is whole here, or was refused."""
        return not self._by_handle

    def open(self, view: SessionView) -> None:
        """Custody is open: what it held before tells new bytes from repeated ones."""
        self._held_whole = {stream.incarnation: listed(stream.held) for stream in view.received}
        self._held_before = {sealing_of(partial.offer): partial.held for partial in view.partials}
        for arrival in self._by_handle.values():
            self._recall(arrival)

    def discard(self) -> None:
        """Make nothing more durable."""
        self._chunks.clear()
        self._by_handle.clear()
        self._by_offer.clear()

    # From the peer.

    def offered(self, frame: OfferFrame, incarnation: Incarnation) -> None:
        """The peer offers a bundle under a handle higher than those before, or repeats an offer."""
        offer = _offer_of(frame, incarnation)
        known = self._by_handle.get(frame.handle)
        if known is not None and known.offer != offer:
            raise RemoteError("the peer gave one handle to two bundles")
        if frame.handle <= self._handle_max:
            return
        if len(self._by_handle) >= PARTIALS_MAX:
            raise RemoteError(f"the peer keeps more than {PARTIALS_MAX} bundles unfinished")
        self._handle_max = frame.handle
        arrival = _Arrival(frame.handle, offer)
        self._recall(arrival)
        self._by_handle[frame.handle] = self._by_offer[offer] = arrival

    def received(self, frame: Data) -> None:
        """Bytes of an offered bundle; late bytes of one that is done are only counted."""
        self.payload_bytes += len(frame.data)
        arrival = self._by_handle.get(frame.handle)
        if arrival is None:
            if frame.handle > self._handle_max:
                raise RemoteError("the peer sent bytes of a bundle that it never offered")
            self.duplicate_bytes += len(frame.data)
            return
        end = frame.offset + len(frame.data)
        if end > arrival.offer.size_bytes:
            raise RemoteError("the peer sent bytes beyond the end of a bundle")
        self._unreceipted_bytes += len(frame.data)
        if self._unreceipted_bytes > self._credit_bytes:
            raise RemoteError(f"the peer sent more than the {self._credit_bytes} bytes it had credit for")
        self._count_new(arrival, frame.offset, end)
        if len(arrival.waiting.spans) > FRAGMENTS_MAX:
            raise RemoteError(f"the peer sent a bundle in more than {FRAGMENTS_MAX} pieces apart")
        arrival.is_announced = False
        self._chunks.append(IncomingChunk(offer=arrival.offer, offset=frame.offset, data=frame.data))

    # To and from custody.

    def next_batch(self) -> Persist | None:
        """All that waits, unless a batch is still being made durable."""
        if self._is_persisting or self.idle:
            return None
        for arrival in self._by_handle.values():
            if arrival.is_announced:
                arrival.is_announced = False
                self._chunks.append(IncomingChunk(offer=arrival.offer, offset=0, data=b""))
        batch = Persist(tuple(self._chunks))
        self._chunks.clear()
        self._is_persisting = True
        return batch

    def persisted(self, batch: Persist, outcomes: Sequence[ChunkOutcome]) -> tuple[list[Frame], list[Event]]:
        """What became of a batch: receipts for the peer, events for whoever watches."""
        self._is_persisting = False
        self._unreceipted_bytes -= sum(len(chunk.data) for chunk in batch.chunks)
        by_offer: dict[Offer, set[ChunkOutcome]] = {}
        for chunk, outcome in zip(batch.chunks, outcomes, strict=True):
            by_offer.setdefault(chunk.offer, set()).add(outcome)
            if arrival := self._by_offer.get(chunk.offer):
                arrival.held = arrival.held.add(chunk.offset, chunk.offset + len(chunk.data))
        frames: list[Frame] = []
        events: list[Event] = []
        stored: dict[Incarnation, RangeSet] = {}
        for offer, seen in by_offer.items():
            if refusals := seen & _REFUSALS.keys():
                frames.append(
                    self._refuse(offer, _REFUSALS[min(refusals, key=lambda refusal: refusal.value)])
                )
            elif seen & _HELD:
                numbers = stored.get(offer.incarnation, _NOTHING)
                stored[offer.incarnation] = numbers.add(offer.sequence, offer.sequence + 1)
                events += self._finish(offer, forked=ChunkOutcome.FORKED in seen)
            elif arrival := self._by_offer.get(offer):
                frames.append(Have(arrival.handle, arrival.held))
                events.append(BundleProgress(Direction.RECEIVING, offer, len(arrival.held)))
        frames += [self._receipt(incarnation, numbers) for incarnation, numbers in stored.items()]
        return frames, events

    # Inside.

    def _recall(self, arrival: _Arrival) -> None:
        """What custody held of an offered bundle when the session began."""
        offer = arrival.offer
        arrival.held = self._held_before.get(sealing_of(offer), _NOTHING)
        arrival.was_whole = offer.sequence in self._held_whole.get(offer.incarnation, _NOTHING)

    def _count_new(self, arrival: _Arrival, start: int, end: int) -> None:
        span = RangeSet(((start, end),))
        new_bytes = len(span - arrival.held - arrival.waiting)
        arrival.waiting = arrival.waiting.add(start, end)
        arrival.new_bytes += new_bytes
        self.duplicate_bytes += len(span) - new_bytes

    def _finish(self, offer: Offer, *, forked: bool) -> list[Event]:
        arrival = self._close(offer)
        if arrival is None:
            return []
        events: list[Event] = []
        if arrival.held.covers(offer.size_bytes) and (forked or not arrival.was_whole):
            self.bundles += 1
            events.append(BundleReceived(offer))
        else:
            # Custody held the bundle before, by its number or by its id: all that came of it was too much.
            self.duplicate_bytes += arrival.new_bytes
        if forked:
            events.append(ForkSeen(offer.incarnation, ours=False, reason="one number came with two bundles"))
        return events

    def _refuse(self, offer: Offer, reason: RefusalReason) -> Refused:
        self._close(offer)
        dropped = [chunk for chunk in self._chunks if chunk.offer == offer]
        self._unreceipted_bytes -= sum(len(chunk.data) for chunk in dropped)
        self._chunks = [chunk for chunk in self._chunks if chunk.offer != offer]
        return Refused(offer.incarnation, offer.sequence, reason)

    def _close(self, offer: Offer) -> _Arrival | None:
        arrival = self._by_offer.pop(offer, None)
        if arrival is not None:
            del self._by_handle[arrival.handle]
        return arrival

    def _receipt(self, incarnation: Incarnation, numbers: RangeSet) -> Stored:
        """Cumulative where that costs nothing: the runs of held numbers that the new ones are part of."""
        held = self._held_whole.get(incarnation, _NOTHING) | numbers
        self._held_whole[incarnation] = held
        return Stored(incarnation, RangeSet(tuple(run for run in held.spans if _touches(run, numbers))))


def _touches(run: tuple[int, int], numbers: RangeSet) -> bool:
    return any(start < run[1] and run[0] < end for start, end in numbers.spans)


def _offer_of(frame: OfferFrame, incarnation: Incarnation) -> Offer:
    return Offer(
        incarnation=frame.incarnation or incarnation,
        sequence=frame.sequence,
        bundle_id=frame.bundle_id,
        seal_tag=frame.seal_tag,
        priority=frame.priority,
        dwell_code=frame.dwell_code,
        recipient_key=frame.recipient_key,
        size_bytes=frame.size_bytes,
    )
