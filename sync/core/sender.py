"""The sending half of a session: the planner's choices become frames, the peer's word becomes custody.

What the peer claims to hold is not sent again, but custody hears of it only once the cuts agreed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from protocol.advice import Await
from protocol.frames import Have, Kept, KeptLast, Refused, Stored
from protocol.header import Priority
from protocol.hello import Hello
from protocol.ids import Incarnation
from protocol.limits import SESSION_CREDIT_BYTES
from protocol.ranges import RangeSet

from ..ports import Offer, OutgoingBundle, SessionView
from .effects import MarkReceipted, MarkStored, More, NoteRefusal, Read
from .events import BundleProgress, BundleSent, Direction, PeerRefused, ReceiptsMoved
from .memory import LinkMemory
from .offering import Offering
from .outlet import Outlet
from .pacing import CHUNK_GUESSED_BYTES_MIN, Pacing
from .planner import SHORT_BYTES_MAX, Planner
from .transfer import Chunk

_NOTHING: Final = RangeSet()
_NOBODY: Final = Incarnation(b"")


class Sender:
    """Everything a session sends."""

    def __init__(self, memory: LinkMemory, outlet: Outlet, floor: Priority = Priority.BULK) -> None:
        self.pacing = Pacing(
            memory.rate_bytes_s,
            memory.rtt_s,
            link_paces=outlet.wire.link_carries_frames,
            link_bounds_queue=memory.link_bounds_queue,
        )
        self.planner = Planner(memory.unheard, floor)
        self.payload_bytes = 0
        self.bundles = 0
        self.sequence_max = 0
        """The highest of our numbers that this session knows of."""
        self.launched_at = float("-inf")
        self.has_withdrawn = False
        """A bundle left custody after it was offered: the peer waits for the rest in vain."""
        self._has_asked = True
        """The peer knows that we wait for word of all that was sent."""
        self._unasked_bytes = 0
        """So much was sent since it was asked for word."""
        self._outlet = outlet
        self._offering = Offering(self.planner, outlet)
        self._incarnation = _NOBODY
        self._credit_bytes = SESSION_CREDIT_BYTES
        self._reading: Chunk | None = None
        self._written_priority = self._handed_priority = Priority.BULK
        self._is_looking = False
        self._custody_has_moved = False
        """Since custody was last asked: what is on its way may be an older answer."""
        self._is_holding = False
        """Until custody has told what is pending anew: it may be more urgent than all that is planned."""
        self._progress: dict[int, RangeSet] = {}
        self._trusts = False
        self._claimed = _NOTHING
        self._claimed_offers: list[Offer] = []

    def open(self, view: SessionView) -> None:
        """Custody is open."""
        self._offering.greeted_as = self._incarnation = view.incarnation
        self._offering.greeted_last = view.sequence_max
        self.sequence_max = view.sequence_max
        self.planner.admit(view.pending)

    @property
    def idle(self) -> bool:
        """Nothing is left to send, and the peer has all that was sent."""
        return self.planner.idle and self._reading is None and self._knows_custody

    @property
    def has_sent_all(self) -> bool:
        """Nothing is left to send."""
        return self.planner.has_sent_all and self._reading is None and self._knows_custody

    @property
    def waits_for_word(self) -> bool:
        """The peer owes us a receipt or the end of a doubt."""
        return self.pacing.in_flight_bytes > 0 or self.planner.waits_for_word

    @property
    def overtakes(self) -> bool:
        """What is written is more urgent than what the link was handed last, and the link sends it first."""
        wire = self._outlet.wire
        is_ahead = self._written_priority < self._handed_priority
        return wire.link_carries_frames and wire.data_is_written and is_ahead

    def handed_over(self) -> None:
        """The link is handed all that is written."""
        self._handed_priority = self._written_priority

    # What the peer says.

    def hear_hello(self, hello: Hello) -> None:
        """The peer's credit, what it wants over this link, and the end of all doubt."""
        self.planner.narrow(hello.floor)
        self._credit_bytes = max(hello.credit_bytes, SESSION_CREDIT_BYTES)
        self.pacing.forget(self.planner.hear_partials(self._incarnation, hello.partials))

    def hear_have(self, frame: Have, now: float) -> None:
        """Progress with one bundle."""
        if (heard := self.planner.hear_held(frame.handle, frame.held)) is None:
            return
        transfer, landed = heard
        self.pacing.land(landed, now)
        self._progress[transfer.offer.sequence] = transfer.receipted
        self._outlet.tell(BundleProgress(Direction.SENDING, transfer.offer, len(transfer.receipted)))

    def hear_stored(self, frame: Stored, now: float) -> None:
        """The peer claims custody; numbers that we have not asked it about are passed over."""
        if frame.incarnation == self._incarnation:
            self.claim(frame.sequences & self.planner.known, now)

    def hear_kept(self, frame: Kept | KeptLast, now: float) -> None:
        """The same of the incarnation that we greeted as."""
        kept = frame if isinstance(frame, Kept) else Kept(self._offering.greeted_last)
        self.hear_stored(Stored(self._offering.greeted_as, kept.sequences), now)

    def hear_refused(self, frame: Refused) -> None:
        """The peer will not take one; the next session offers it again."""
        if frame.incarnation != self._incarnation or not (refused := self.planner.refuse(frame.sequence)):
            return
        self.pacing.forget(launch for _, launch in refused.flights)
        self._outlet.want(NoteRefusal(frame.sequence, frame.reason.name.lower().replace("_", " ")))
        self._outlet.tell(PeerRefused(refused.offer, frame.reason))

    # What the cuts say.

    def claim(self, sequences: RangeSet, now: float) -> None:
        """The peer holds these, it says: send them no more."""
        dropped = self.planner.drop(sequences)
        self.pacing.land((launch for transfer in dropped for _, launch in transfer.flights), now)
        for transfer in dropped:
            self._progress.pop(transfer.offer.sequence, None)
        self._claimed |= sequences
        self._claimed_offers += [transfer.offer for transfer in dropped]
        if self._trusts:
            self._pass_custody()

    def trust(self) -> None:
        """The cuts agreed: what the peer claims is true of our present incarnation."""
        self._trusts = True
        self._progress |= self.planner.news()
        self._pass_custody()

    def restart(self, view: SessionView) -> None:
        """A new incarnation began: claims about the one before are void, every bundle has a new number."""
        self._incarnation = view.incarnation
        self._reading = None
        self._progress.clear()
        self._claimed, self._claimed_offers = _NOTHING, []
        self.pacing.forget(self.planner.restart(view.pending))

    # What custody says.

    def custody_moved(self) -> None:
        """Custody may hold other bundles than before: nothing more is chosen before it has told which."""
        self._custody_has_moved = self._is_holding = True

    def found(self, bundles: Sequence[OutgoingBundle]) -> None:
        """What custody holds besides."""
        self._is_looking, self._is_holding = False, self._custody_has_moved
        self.sequence_max = max(self.sequence_max, *(bundle.offer.sequence for bundle in bundles), 0)
        self.planner.admit(bundles)

    def read(self, request: Read, data: bytes, now: float) -> None:
        """The chunk that was chosen; by now it may have become needless."""
        chunk, self._reading = self._reading, None
        if chunk is None or not self.planner.plans(chunk.transfer):
            return
        if not data:
            self.has_withdrawn |= chunk.transfer.handle is not None
            self.planner.drop(RangeSet(((request.sequence, request.sequence + 1),)))
            return
        self._offering.write(chunk, data)
        self._written_priority = chunk.transfer.offer.priority
        self.planner.sent(chunk, self.pacing.launch(len(data), now))
        self.payload_bytes += len(data)
        self.launched_at = now
        self._has_asked = False
        self._unasked_bytes += len(data)
        if self._will_wait:
            self._ask()

    # What follows.

    def pump(self, *, may_send: bool) -> None:
        """Whatever the new situation allows."""
        self.flush_progress()
        if may_send and (self._custody_has_moved or self.planner.runs_low):
            self._look()
        if may_send and not self._is_holding and not self.planner.idle:
            if announced := list(self.planner.announcements()):
                for transfer in announced:
                    self._offering.offer(transfer)
                self._ask()
            self._read_next()

    def flush_progress(self) -> None:
        """Let custody keep what the peer has told."""
        if not self._progress:
            return
        for sequence, held in self._progress.items():
            self._outlet.want(MarkReceipted(sequence, held))
        self._progress.clear()

    @property
    def _knows_custody(self) -> bool:
        """Nothing can have come that is not planned."""
        return not self._is_looking and not self._custody_has_moved

    def _look(self) -> None:
        if not self._is_looking:
            self._is_looking, self._custody_has_moved = True, False
            # Custody takes for missing what the peer claims to hold, while the cuts have yet to agree.
            self._outlet.want(More(self.planner.known | self._claimed))

    def _read_next(self) -> None:
        if self._reading is not None or self.planner.idle:
            return
        short_bytes = SHORT_BYTES_MAX if self._outlet.wire.link_carries_frames else CHUNK_GUESSED_BYTES_MIN
        whole_bytes = self._offering.whole_bytes_max if self._outlet.wire.link_carries_frames else 0
        chunk = self.planner.next_chunk(
            self.pacing.chunk_bytes, short_bytes=short_bytes, whole_bytes=whole_bytes
        )
        if chunk is not None and not self._may_follow(chunk):
            return
        granted = self.pacing.grant(chunk.size_bytes, self._credit_bytes) if chunk else 0
        if chunk is None or not granted:
            is_due = self.pacing.is_word_due(self._unasked_bytes)
            if is_due and not self._has_asked and self.planner.todo_bytes(1):
                self._ask()
            return
        chunk = replace(chunk, size_bytes=granted)
        offer = chunk.transfer.offer
        if not chunk.transfer.is_begun:
            # Before the first byte leaves: should this process die, the next one must doubt that it landed.
            chunk.transfer.is_begun = True
            self._outlet.want(MarkReceipted(offer.sequence, _NOTHING))
        self._reading = chunk
        self._outlet.want(Read(offer.sequence, chunk.offset, chunk.size_bytes))

    @property
    def _will_wait(self) -> bool:
        """What is left does not fit into what may be on its way: only the peer's word lets us go on."""
        if self.planner.offers_run_out:
            return True
        window_bytes = min(self.pacing.window_bytes, self._credit_bytes)
        room_bytes = window_bytes - self.pacing.in_flight_bytes
        # Where the link paces, the window is the peer's credit alone, and half of it is time enough.
        is_far = self._outlet.wire.link_carries_frames and 2 * room_bytes > window_bytes
        return not is_far and self.planner.todo_bytes(room_bytes + 1) > room_bytes

    def _ask(self) -> None:
        self._has_asked = True
        self._unasked_bytes = 0
        self._outlet.write(Await())

    def _may_follow(self, chunk: Chunk) -> bool:
        """One chunk at a time, unless the link itself sends what is more urgent before what it has."""
        wire = self._outlet.wire
        if not wire.data_is_written:
            return True
        return wire.link_carries_frames and chunk.transfer.offer.priority < self._written_priority

    def _pass_custody(self) -> None:
        if not self._claimed.spans:
            return
        self._outlet.want(MarkStored(self._claimed))
        self._outlet.tell(ReceiptsMoved(self._claimed))
        for offer in self._claimed_offers:
            self.bundles += 1
            self._outlet.tell(BundleSent(offer))
        self._claimed, self._claimed_offers = _NOTHING, []
