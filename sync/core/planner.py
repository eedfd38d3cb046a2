"""Which bytes to send next: strictly the most urgent, chosen anew for every chunk.

Bytes that may have landed unheard in an earlier session are *doubtful*: they wait until the peer has said
what it holds, and everything else goes first, so that no byte is paid for twice.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from protocol.header import Priority
from protocol.hello import PartialView
from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet

from ..ports import OUTGOING_PAGE, PARTIALS_MAX, Offer, OutgoingBundle
from .greeting import CREDIT_BYTES, EMERGENCY_BYTES_MAX
from .memory import Sealing, sealing_of
from .pacing import Launch
from .transfer import Chunk, Transfer

DOUBT_BYTES: Final = CREDIT_BYTES
"""How far beyond the last receipt an earlier process may have got: never further than the peer's credit.
It costs a half-sent bundle one round trip, once after a restart; other bundles use the time."""
SHORT_BYTES_MAX: Final = 4096
"""A text. Where the link itself sends what is urgent first, an urgent bundle as short as this is one chunk:
the link then knows all of it at once, and sends it in as few pieces as hold it."""
TRANSFERS_MAX: Final = 4 * OUTGOING_PAGE
"""Bundles planned at once; the least urgent beyond it go back to custody until there is room."""

_NOTHING: Final = RangeSet()


class Planner:
    """All bundles a session has to send."""

    def __init__(self, unheard: Mapping[Sealing, RangeSet], floor: Priority = Priority.BULK) -> None:
        self._unheard = unheard
        self._floor = floor
        self._peer_floor = Priority.BULK
        self._emergency_bytes = 0
        """Of what was planned for a peer that takes emergencies alone."""
        self._queue: list[Transfer] = []
        self._by_sequence: dict[int, Transfer] = {}
        self._by_handle: dict[int, Transfer] = {}
        self._handles = 0
        self._refused = _NOTHING
        self._peer_partials: dict[int, PartialView] | None = None
        self._begun: set[BundleId] = set()
        self._announced_first: frozenset[BundleId] = frozenset()
        self.complete = True
        """Whether custody has nothing pending that may go over this link and is not planned here."""

    # What there is to send.

    @property
    def idle(self) -> bool:
        """Nothing is left to send, to hear of or to look for."""
        return self.complete and not self._queue

    @property
    def has_sent_all(self) -> bool:
        """Every byte that the peer needs is on its way, or there."""
        if not self._queue:
            return self.complete
        planned = (transfer.todo.spans or transfer.doubtful.spans for transfer in self._queue)
        return self.complete and not any(planned)

    def todo_bytes(self, most_bytes: int) -> int:
        """What is left to send, or `most_bytes` if it is at least that, or nobody knows."""
        if not self.complete:
            return most_bytes
        left = 0
        for transfer in self._queue:
            left += len(transfer.todo)
            if left >= most_bytes:
                return most_bytes
        return left

    @property
    def offers_run_out(self) -> bool:
        """Half of the bundles that may be unfinished at the peer are: soon only its word lets more begin."""
        return len(self._by_handle) >= PARTIALS_MAX // 2

    @property
    def waits_for_word(self) -> bool:
        """Something was sent or is doubtful, and the peer has not said whether it holds it."""
        return any(transfer.flights or transfer.doubtful.spans for transfer in self._queue)

    @property
    def known(self) -> RangeSet:
        """The numbers custody need not mention again."""
        return self._refused | RangeSet.of_numbers(self._by_sequence)

    @property
    def runs_low(self) -> bool:
        """Custody holds more, and there is room for it."""
        return not self.complete and len(self._queue) < OUTGOING_PAGE

    def admit(self, bundles: Sequence[OutgoingBundle]) -> None:
        """Plan a page of pending bundles."""
        allowed = [bundle for bundle in bundles if bundle.offer.priority <= self._floor]
        # A page is in order of urgency: where it reaches below the floor, nothing above is left out.
        self.complete = len(bundles) < OUTGOING_PAGE or len(allowed) < len(bundles)
        for bundle in allowed:
            if bundle.offer.sequence not in self._by_sequence and self._is_borne(bundle):
                transfer = self._plan(bundle)
                transfer.is_begun = bundle.receipted is not None
                self._by_sequence[transfer.offer.sequence] = transfer
                insort(self._queue, transfer, key=lambda planned: planned.urgency)
        self._trim()

    def restart(self, bundles: Sequence[OutgoingBundle]) -> list[Launch]:
        """Every bundle has a new number; the peer may hold those that were begun, by their ids, so these are
        announced without bytes. Returns the chunks no receipt will come for."""
        self._announced_first = frozenset(self._begun)
        forgotten = [launch for transfer in self._queue for _, launch in transfer.flights]
        self._queue.clear()
        self._by_sequence.clear()
        self._by_handle.clear()
        self._refused = _NOTHING
        self._peer_partials = {}
        self.admit(bundles)
        return forgotten

    def narrow(self, floor: Priority) -> None:
        """The peer wants nothing less urgent begun from now on; what was offered already goes on."""
        self._peer_floor = floor
        self._floor = min(self._floor, floor)
        for transfer in [each for each in self._queue if each.handle is None]:
            if transfer.offer.priority > self._floor or not self._is_borne(transfer.bundle):
                self._queue.remove(transfer)
                self._forget(transfer)

    # What goes next.

    def announcements(self) -> Iterator[Transfer]:
        """Bundles to offer without bytes, because only the peer's answer tells which bytes it lacks."""
        if self._peer_partials is not None:
            for transfer in self._queue:
                if transfer.handle is None and transfer.doubtful.spans and self._may_offer:
                    yield transfer

    def next_chunk(self, chunk_bytes: int, *, short_bytes: int = 0, whole_bytes: int = 0) -> Chunk | None:
        """The first bytes of the most urgent bundle that has any to send; if it is urgent and no longer than
        `short_bytes`, or no longer than `whole_bytes`, all of them."""
        for transfer in self._queue:
            if transfer.todo.spans and (transfer.handle is not None or self._may_offer):
                start, end = transfer.todo.spans[0]
                size_bytes = transfer.offer.size_bytes
                is_short = size_bytes <= short_bytes and transfer.offer.priority <= Priority.URGENT
                if is_short or size_bytes <= whole_bytes:
                    return Chunk(transfer, start, end - start)
                return Chunk(transfer, start, min(end - start, chunk_bytes))
        return None

    def offered(self, transfer: Transfer) -> int:
        """The transfer gets its handle."""
        self._handles += 1
        self._begun.add(transfer.offer.bundle_id)
        transfer.handle = self._handles
        self._by_handle[transfer.handle] = transfer
        return transfer.handle

    def plans(self, transfer: Transfer) -> bool:
        """Whether a transfer is still to be sent."""
        return self._by_sequence.get(transfer.offer.sequence) is transfer

    def sent(self, chunk: Chunk, launch: Launch) -> None:
        """The chunk is on its way."""
        span = RangeSet(((chunk.offset, chunk.offset + launch.size_bytes),))
        chunk.transfer.flights.append((span, launch))
        chunk.transfer.todo -= span

    # What the peer says.

    def hear_partials(self, incarnation: Incarnation, partials: Iterable[PartialView]) -> list[Launch]:
        """The peer's hello settles all doubt: it lists what it holds, and holds nothing else.

        Returns the chunks that it held before we sent them."""
        held = {partial.sequence: partial for partial in partials if partial.incarnation == incarnation}
        self._peer_partials = held
        return [
            launch
            for transfer in self._queue
            for launch in transfer.settle(self._held_of(transfer.offer, held))
        ]

    def hear_held(self, handle: int, held: RangeSet) -> tuple[Transfer, list[Launch]] | None:
        """The peer's progress with one bundle; None if that bundle is done with."""
        transfer = self._by_handle.get(handle)
        if transfer is None:
            return None
        held &= RangeSet.whole(transfer.offer.size_bytes)
        return transfer, transfer.settle(transfer.receipted | held)

    def drop(self, sequences: RangeSet) -> list[Transfer]:
        """These need no more sending; what was planned for them."""
        dropped = [transfer for transfer in self._queue if transfer.offer.sequence in sequences]
        for transfer in dropped:
            self._queue.remove(transfer)
            self._forget(transfer)
        return dropped

    def refuse(self, sequence: int) -> Transfer | None:
        """The peer will not take this one in this session."""
        refused = self.drop(RangeSet(((sequence, sequence + 1),)))
        if not refused:
            return None
        self._refused = self._refused.add(sequence, sequence + 1)
        return refused[0]

    def news(self) -> dict[int, RangeSet]:
        """What the peer holds of bundles that were begun before, where custody thought otherwise."""
        return {
            transfer.offer.sequence: transfer.receipted
            for transfer in self._queue
            if transfer.is_begun and transfer.receipted != transfer.bundle.receipted
        }

    def unheard(self) -> dict[Sealing, RangeSet]:
        """For the next session: what may have landed without our hearing of it."""
        return {
            sealing_of(transfer.offer): transfer.in_flight | transfer.doubtful
            for transfer in self._queue
            if transfer.is_begun
        }

    # Inside.

    @property
    def _may_offer(self) -> bool:
        return len(self._by_handle) < PARTIALS_MAX

    def _is_borne(self, bundle: OutgoingBundle) -> bool:
        """Whether a peer that takes emergencies alone has to take this one too; if so, it is counted."""
        if self._peer_floor is not Priority.EMERGENCY:
            return True
        held = bundle.receipted or _NOTHING
        size_bytes = self._emergency_bytes + bundle.offer.size_bytes - len(held)
        if size_bytes > EMERGENCY_BYTES_MAX:
            return False
        self._emergency_bytes = size_bytes
        return True

    def _plan(self, bundle: OutgoingBundle) -> Transfer:
        whole = RangeSet.whole(bundle.offer.size_bytes)
        if bundle.receipted is not None:
            self._begun.add(bundle.offer.bundle_id)
        if self._peer_partials is None:
            doubtful = self._doubts(bundle)
            receipted = bundle.receipted or _NOTHING
            return Transfer(bundle, whole - receipted - doubtful, doubtful, receipted)
        if bundle.offer.bundle_id in self._announced_first:
            return Transfer(bundle, _NOTHING, whole)
        held = self._held_of(bundle.offer, self._peer_partials)
        return Transfer(bundle, whole - held, receipted=held)

    def _doubts(self, bundle: OutgoingBundle) -> RangeSet:
        """What an earlier session may have landed without our hearing of it."""
        if bundle.receipted is None:
            return _NOTHING
        unheard = self._unheard.get(sealing_of(bundle.offer))
        if unheard is None:
            heard_end = bundle.receipted.spans[-1][1] if bundle.receipted.spans else 0
            unheard = RangeSet.whole(min(heard_end + DOUBT_BYTES, bundle.offer.size_bytes))
        return unheard - bundle.receipted

    @staticmethod
    def _held_of(offer: Offer, partials: Mapping[int, PartialView]) -> RangeSet:
        partial = partials.get(offer.sequence)
        if partial is None or partial.seal_tag != offer.seal_tag:
            return _NOTHING
        return partial.held & RangeSet.whole(offer.size_bytes)

    def _trim(self) -> None:
        while len(self._queue) > TRANSFERS_MAX and self._queue[-1].handle is None:
            self._forget(self._queue.pop())
            self.complete = False

    def _forget(self, transfer: Transfer) -> None:
        del self._by_sequence[transfer.offer.sequence]
        if transfer.handle is not None:
            del self._by_handle[transfer.handle]
