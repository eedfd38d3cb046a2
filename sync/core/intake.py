"""The peer's bundles on their way into custody: nothing is receipted before it is durable.

Chunks wait while one batch is being made durable, then become the next batch together; the credit we granted
bounds how much can wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.frames import Data, RefusalReason, Refused, Whole
from protocol.frames import Offer as OfferFrame
from protocol.header import Priority
from protocol.ids import Incarnation, SealTag, seal_tag_of
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet

from ..ports import PARTIALS_MAX, ChunkOutcome, IncomingChunk, Offer, SessionView
from .effects import Persist
from .errors import RemoteError
from .events import BundleProgress, BundleReceived, BundleTurnedAway, Direction, Event, ForkSeen
from .greeting import EMERGENCY_BYTES_BORNE_MAX, listed
from .memory import Sealing, sealing_of
from .receipts import Receipts

FRAGMENTS_MAX: Final = RANGES_MAX
"""Pieces of one bundle with gaps between them: as many as a receipt can tell. More of them make every further
piece dearer, and come only from a peer that means it."""
UNWANTED_BYTES_MAX: Final = 16 * 1024
"""Of classes that we have said this link does not carry: so much is borne until what is ours is receipted."""
_NOTHING: Final = RangeSet()
_HELD: Final = frozenset({ChunkOutcome.STORED, ChunkOutcome.FORKED})
_REFUSALS: Final = {
    ChunkOutcome.CORRUPT: RefusalReason.CORRUPT,
    ChunkOutcome.NO_ROOM: RefusalReason.NO_ROOM,
}


@dataclass(slots=True, eq=False)
class _Arrival:
    """One offered bundle that is not whole yet."""

    handle: int | None
    """None: it came in one frame."""
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
    is_unwanted: bool = False
    """It is below our floor, and the peer knew."""


class Intake:
    """Everything a session receives."""

    def __init__(self, credit_bytes: int, floor: Priority = Priority.BULK, *, unread_bytes: int = 0) -> None:
        """`floor`: the least urgent class that the peer may send; it need not know that of the first
        `unread_bytes`."""
        self.payload_bytes = 0
        self.unwanted_bytes = 0
        """Payload below our floor: dropped, for the peer knew that this link does not carry it."""
        self.duplicate_bytes = 0
        """Payload that was already durable here, or waiting to be."""
        self.bundles = 0
        self.receipts = Receipts()
        self._credit_bytes = credit_bytes
        self._floor = floor
        self._unread_bytes = unread_bytes
        self._emergency_bytes = 0
        """Announced as emergencies, where nothing else may come."""
        self._has_too_many_emergencies = False
        self._unreceipted_bytes = 0
        self._by_handle: dict[int, _Arrival] = {}
        self._by_offer: dict[Offer, _Arrival] = {}
        self._handle_max = 0
        self._chunks: list[IncomingChunk] = []
        self._is_persisting = False
        self._awaited_batches = 0
        """After so many more the peer has waited for word of them."""
        self._held_before: dict[Sealing, RangeSet] = {}
        self._held_whole: dict[Incarnation, RangeSet] = {}
        self._taken: dict[Incarnation, RangeSet] = {}
        """What was receipted in this session."""

    @property
    def idle(self) -> bool:
        """Everything that came is durable and receipted."""
        return not (self._is_persisting or self._chunks or (self._by_offer and self._is_announced))

    @property
    def nothing_is_open(self) -> bool:
        """Every bundle that was offered is whole here, or was refused."""
        return not self._by_offer

    @property
    def complaint(self) -> str | None:
        """Why the session has to end, once what is ours and what was wanted is settled."""
        if not self.unwanted_bytes:
            return None
        if self._has_too_many_emergencies:
            return (
                f"the peer called more than {EMERGENCY_BYTES_BORNE_MAX // 1024} kB an emergency over a link"
                " that carries nothing else; what is beyond counts as urgent"
            )
        floor = self._floor.name.lower()
        return f"the peer sent what this link does not carry: nothing below {floor}, as it was told"

    @property
    def has_all_wanted(self) -> bool:
        """Of what the peer may send, all that it offered is whole and durable here, or was refused."""
        if not self._by_offer:
            return not (self._is_persisting or self._chunks)
        return self.idle and all(arrival.is_unwanted for arrival in self._by_offer.values())

    def open(self, view: SessionView) -> None:
        """Custody is open: what it held before tells new bytes from repeated ones."""
        self._held_whole = {stream.incarnation: listed(stream.held) for stream in view.received}
        self._held_before = {sealing_of(partial.offer): partial.held for partial in view.partials}
        for arrival in self._by_offer.values():
            self._recall(arrival)

    def discard(self) -> None:
        """Make nothing more durable."""
        self._chunks.clear()
        self._by_handle.clear()
        self._by_offer.clear()

    # From the peer.

    def offered(self, frame: OfferFrame, incarnation: Incarnation) -> None:
        """The peer offers a bundle under a handle higher than those before, or repeats an offer."""
        offer = _offer_of(frame, incarnation, frame.seal_tag, frame.size_bytes)
        known = self._by_handle.get(frame.handle)
        if known is not None and known.offer != offer:
            raise RemoteError("the peer gave one handle to two bundles")
        if frame.handle <= self._handle_max:
            return
        self._handle_max = frame.handle
        self._by_handle[frame.handle] = self._begin(frame.handle, offer)

    def received_whole(self, frame: Whole, incarnation: Incarnation) -> None:
        """The peer offers a bundle and sends all of it."""
        offer = _offer_of(frame, incarnation, seal_tag_of(frame.data), len(frame.data))
        arrival = self._by_offer.get(offer) or self._begin(None, offer)
        self._receive(arrival, 0, frame.data)

    def received(self, frame: Data) -> None:
        """Bytes of an offered bundle; late bytes of one that is done are only counted."""
        arrival = self._by_handle.get(frame.handle)
        if arrival is None:
            if frame.handle > self._handle_max:
                raise RemoteError("the peer sent bytes of a bundle that it never offered")
            self.payload_bytes += len(frame.data)
            self.duplicate_bytes += len(frame.data)
            return
        self._receive(arrival, frame.offset, frame.data)

    def peer_awaits(self) -> None:
        """The peer waits for word of all that it has said so far."""
        is_waiting = bool(self._chunks) or self._is_announced
        self._awaited_batches = self._is_persisting + is_waiting
        if not self._awaited_batches:
            self.receipts.hurry()

    # To and from custody.

    def next_batch(self) -> Persist | None:
        """All that waits, unless a batch is still being made durable."""
        if self._is_persisting or self.idle:
            return None
        for arrival in self._by_offer.values():
            if arrival.is_announced:
                arrival.is_announced = False
                self._chunks.append(IncomingChunk(offer=arrival.offer, offset=0, data=b""))
        batch = Persist(tuple(self._chunks))
        self._chunks.clear()
        self._is_persisting = True
        return batch

    def persisted(self, batch: Persist, outcomes: Sequence[ChunkOutcome], now: float) -> list[Event]:
        """What became of a batch: events for whoever watches, and receipts for the peer."""
        self._is_persisting = False
        size_bytes = sum(len(chunk.data) for chunk in batch.chunks)
        self._unreceipted_bytes -= size_bytes
        self.receipts.received(size_bytes)
        by_offer: dict[Offer, set[ChunkOutcome]] = {}
        for chunk, outcome in zip(batch.chunks, outcomes, strict=True):
            by_offer.setdefault(chunk.offer, set()).add(outcome)
            for arrival in self._of_same_bytes(chunk.offer):
                arrival.held = arrival.held.add(chunk.offset, chunk.offset + len(chunk.data))
        events = [event for offer, seen in by_offer.items() for event in self._tell(offer, seen, now)]
        if self._awaited_batches:
            self._awaited_batches -= 1
            self.receipts.hurry()
        return events

    # Inside.

    @property
    def _is_announced(self) -> bool:
        return any(arrival.is_announced for arrival in self._by_offer.values())

    def _begin(self, handle: int | None, offer: Offer) -> _Arrival:
        if max(len(self._by_offer), len(self._by_handle)) >= PARTIALS_MAX:
            raise RemoteError(f"the peer keeps more than {PARTIALS_MAX} bundles unfinished")
        begun = self._of_same_bytes(offer)
        arrival = self._by_offer[offer] = _Arrival(handle, offer)
        self._recall(arrival)
        for other in begun:
            arrival.held |= other.held
        is_below = offer.priority > self._floor or self._is_beyond_emergencies(arrival)
        arrival.is_unwanted = is_below and self.payload_bytes >= self._unread_bytes
        arrival.is_announced = not arrival.is_unwanted
        return arrival

    def _is_beyond_emergencies(self, arrival: _Arrival) -> bool:
        """Where emergencies alone may come somebody pays dear for each, and a label costs nothing."""
        if self._floor is not Priority.EMERGENCY or arrival.offer.priority is not Priority.EMERGENCY:
            return False
        size_bytes = self._emergency_bytes + arrival.offer.size_bytes - len(arrival.held)
        if size_bytes > EMERGENCY_BYTES_BORNE_MAX:
            self._has_too_many_emergencies = True
            return True
        self._emergency_bytes = size_bytes
        return False

    def _receive(self, arrival: _Arrival, offset: int, data: bytes) -> None:
        self.payload_bytes += len(data)
        end = offset + len(data)
        if end > arrival.offer.size_bytes:
            raise RemoteError("the peer sent bytes beyond the end of a bundle")
        if arrival.is_unwanted:
            self._drop_unwanted(data)
            return
        self._unreceipted_bytes += len(data)
        if self._unreceipted_bytes > self._credit_bytes:
            raise RemoteError(f"the peer sent more than the {self._credit_bytes} bytes it had credit for")
        self._count_new(arrival, offset, end)
        if len(arrival.waiting.spans) > FRAGMENTS_MAX:
            raise RemoteError(f"the peer sent a bundle in more than {FRAGMENTS_MAX} pieces apart")
        arrival.is_announced = False
        self._chunks.append(IncomingChunk(offer=arrival.offer, offset=offset, data=data))

    def _drop_unwanted(self, data: bytes) -> None:
        self.unwanted_bytes += len(data)
        if self.unwanted_bytes > UNWANTED_BYTES_MAX and self.complaint is not None:
            raise RemoteError(self.complaint)

    def _tell(self, offer: Offer, seen: set[ChunkOutcome], now: float) -> list[Event]:
        """Put down the receipt for what became of one bundle."""
        if refusals := seen & _REFUSALS.keys():
            reason = _REFUSALS[min(refusals, key=lambda refusal: refusal.value)]
            self._refuse(offer, reason, now)
            return [BundleTurnedAway(offer, reason)]
        if seen & _HELD:
            is_urgent = offer.priority <= Priority.URGENT
            self.receipts.stored(offer.incarnation, self._run_with(offer), now, is_urgent=is_urgent)
            return self._finish(offer, forked=ChunkOutcome.FORKED in seen)
        arrival = self._by_offer.get(offer)
        if arrival is None or arrival.handle is None:
            return []
        self.receipts.progress(arrival.handle, arrival.held, now)
        return [BundleProgress(Direction.RECEIVING, offer, len(arrival.held))]

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
        for other in self._of_same_bytes(offer):
            self._close(other.offer)
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

    def _refuse(self, offer: Offer, reason: RefusalReason, now: float) -> None:
        self._close(offer)
        for other in self._of_same_bytes(offer):
            other.held = _NOTHING  # Custody may have dropped them.
        dropped = [chunk for chunk in self._chunks if chunk.offer == offer]
        self._unreceipted_bytes -= sum(len(chunk.data) for chunk in dropped)
        self._chunks = [chunk for chunk in self._chunks if chunk.offer != offer]
        self.receipts.other(Refused(offer.incarnation, offer.sequence, reason), now)
        self.receipts.hurry()

    def _of_same_bytes(self, offer: Offer) -> list[_Arrival]:
        """What is open of this very sealing, for custody keeps its bytes once: under two numbers when its
        sender began a new incarnation in the middle of it."""
        sealing = offer.bundle_id, offer.seal_tag, offer.size_bytes
        return [
            arrival
            for each, arrival in self._by_offer.items()
            if (each.bundle_id, each.seal_tag, each.size_bytes) == sealing
        ]

    def _close(self, offer: Offer) -> _Arrival | None:
        arrival = self._by_offer.pop(offer, None)
        if arrival is not None and arrival.handle is not None:
            del self._by_handle[arrival.handle]
            self.receipts.done(arrival.handle)
        return arrival

    def _run_with(self, offer: Offer) -> RangeSet:
        """Cumulative where that costs little: the run of this session that the new one is part of."""
        number = offer.sequence
        held = self._held_whole.get(offer.incarnation, _NOTHING)
        self._held_whole[offer.incarnation] = held.add(number, number + 1)
        taken = self._taken.get(offer.incarnation, _NOTHING).add(number, number + 1)
        self._taken[offer.incarnation] = taken
        return RangeSet(tuple(run for run in taken.spans if run[0] <= number < run[1]))


def _offer_of(
    frame: OfferFrame | Whole, incarnation: Incarnation, seal_tag: SealTag, size_bytes: int
) -> Offer:
    return Offer(
        incarnation=frame.incarnation or incarnation,
        sequence=frame.sequence,
        bundle_id=frame.bundle_id,
        seal_tag=seal_tag,
        priority=frame.priority,
        dwell_code=frame.dwell_code,
        recipient_key=frame.recipient_key,
        size_bytes=size_bytes,
    )
