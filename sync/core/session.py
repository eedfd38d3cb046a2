"""One sync conversation as a pure state machine; both ends run the same one.

Theory of operation. Bytes come in through `receive`, results of effects through `completed`, time through
`wake`; each of them ends in `_pump`, which decides everything that follows from the new situation. What to do
comes out of `effects`, `outgoing`, `events` and `deadline`. `now` is any clock that only runs forward. What a
frame means is said in `hearing`, what a result means in `results`, when a session may end in `leaving`.

    dialer                                    listener
    opens custody
    HELLO, offers, chunks  ---------------->  opens custody
                           <----------------  HELLO, receipts, offers, chunks
    compares cuts                             compares cuts; acts on them once the dialer is proven fresh
    receipts, chunks ...   <--------------->  receipts, chunks ...
                           <----------------  IDLE
    BYE                    ---------------->
                           <----------------  BYE

Custody moves by three rules. A receipt is written only when the store has made the bytes durable. A receipt
is believed only after the cuts agreed in this session. And nothing that matters lives only here: a session
may be dropped at any moment, and the next one finds everything in custody.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocol.errors import ProtocolError
from protocol.frames import Frame

from .departure import NOTHING_LEFT
from .effects import Effect, EffectResult, Open
from .errors import RemoteError
from .events import Counters, Ending, Event, SessionEnded
from .greeting import SessionTerms
from .hearing import Hearing
from .leaving import Leaving
from .memory import LinkMemory
from .parts import assemble
from .patience import GAP_S, KEEPALIVE_MISSED_S, KEEPALIVE_S, PARTING_S, QUIET_S, silence_s
from .results import take_result
from .states import ACQUAINTED, EXCHANGING, Role, State, Trigger
from .wire import SessionChannel


class Session:
    """One end of one conversation with one peer."""

    def __init__(
        self,
        *,
        role: Role,
        channel: SessionChannel,
        terms: SessionTerms,
        now: float,
        memory: LinkMemory | None = None,
    ) -> None:
        self._role = role
        self._memory = memory or LinkMemory()
        self._parts = parts = assemble(role, channel, terms, self._memory)
        self._leaving = Leaving(role, terms, parts)
        self._hearing = Hearing(role, parts, self._leaving)
        self._course, self._wire, self._outlet = parts.course, parts.wire, parts.outlet
        self._sender, self._intake, self._accord = parts.sender, parts.intake, parts.accord
        self._heard_at = self._spoke_at = now
        self._has_concluded = False
        if role is Role.DIALER:
            self._outlet.want(Open(None))

    # What comes in.

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the link as they come, b"" when it has ended. Never raises for what the peer did."""
        if self._course.state is State.ENDED:
            return
        self._heard_at = now
        if not data:
            self._parts.departure.lose_link("the link ended")
        try:
            for frame in self._wire.receive(data):
                self._hearing.hear(frame, now)
        except (ProtocolError, RemoteError) as error:
            self._parts.departure.end(Ending.PEER_AT_FAULT, str(error))
        self._pump(now)

    def lost(self, reason: str, now: float) -> None:
        """The link broke, for a reason it gave."""
        self._parts.departure.lose_link(reason)
        self._pump(now)

    def completed(self, effect: Effect, result: EffectResult, now: float) -> None:
        """Custody has performed an effect."""
        self._outlet.outstanding -= 1
        take_result(self._parts, effect, result, now)
        self._pump(now)

    def wake(self, now: float) -> None:
        """The deadline has come."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return
        patient_until = self._patient_until
        if patient_until is not None and now >= patient_until:
            self._lose_patience(now)
        self._pump(now)

    def outgoing_changed(self, now: float) -> None:
        """Custody may have more to send than before."""
        self._sender.custody_moved()
        self._parts.rekeying.custody_moved()
        self._parts.safekeeping.custody_moved()
        self._pump(now)

    def part(self, reason: str, now: float) -> None:
        """Stop as soon as the peer is told; what is not receipted stays in custody."""
        self._parts.departure.part(reason, peer_is_known=self._accord.peer is not None)
        self._pump(now)

    # What comes out.

    def effects(self) -> list[Effect]:
        """What custody shall do, in this order; each is to be reported back by `completed`."""
        return self._outlet.take_effects()

    def outgoing(self, now: float, *, tells_when_taken: bool = False) -> bytes:
        """Bytes for the link, with one chunk at most: the next is chosen when the link has taken this one.
        That is now, unless the caller promises to say so by `taken`."""
        if self._wire.has_written:
            self._tell_along()
        data = self._wire.take()
        if data:
            self._spoke_at = now
            self._sender.pacing.is_held = tells_when_taken
            self._sender.handed_over()
            self._pump(now)
        return data

    def taken(self, now: float) -> None:
        """The link has taken the last bytes, and has room for more."""
        self._sender.pacing.is_held = False
        self._pump(now)

    @property
    def may_speak(self) -> bool:
        """Whether `outgoing` may be taken before the effects that are due."""
        return self._outlet.may_speak

    @property
    def overtakes(self) -> bool:
        """Whether `outgoing` is to be taken although the link has no room for more of what it took last."""
        return self._sender.overtakes

    def events(self) -> list[Event]:
        """What happened since the last call."""
        return self._outlet.take_events()

    def deadline(self) -> float | None:
        """When to call `wake`, unless something comes first."""
        if self._course.state is State.ENDED:
            return None
        moments = (
            self._patient_until,
            self._parts.receipts.due_at,
            self._leaving.waits_for_promise_until,
        )
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def finished(self) -> bool:
        """Custody has done everything asked, the last bytes are taken, the last event is out."""
        return self._has_concluded and self._wire.flushed

    @property
    def counters(self) -> Counters:
        """What was moved so far."""
        return Counters(
            payload_bytes_sent=self._sender.payload_bytes,
            payload_bytes_received=self._intake.payload_bytes,
            duplicate_bytes_received=self._intake.duplicate_bytes,
            frame_bytes_sent=self._wire.frame_bytes_sent,
            frame_bytes_received=self._wire.frame_bytes_received,
            link_bytes_sent=self._wire.link_bytes_sent,
            link_bytes_received=self._wire.link_bytes_received,
            bundles_sent=self._sender.bundles,
            bundles_received=self._intake.bundles,
            frames_skipped=self._wire.frames_skipped,
            unwanted_bytes_received=self._intake.unwanted_bytes,
        )

    @property
    def memory(self) -> LinkMemory:
        """What the next session on this link should know."""
        pacing = self._sender.pacing
        return self._memory.after(pacing.proven_rate_bytes_s, pacing.rtt_s, self._sender.planner.unheard())

    # How long.

    @property
    def _patient_until(self) -> float | None:
        """When the peer has said nothing for too long, or we have."""
        if self._course.state is State.PARTING:
            return self._spoke_at + PARTING_S
        if self._leaving.caller_may_have_gone:
            return self._heard_at + QUIET_S
        if self._leaving.awaits_peer:
            # A dialer that was never answered goes on to look for another way sooner.
            is_met = self._accord.peer is not None or self._role is Role.LISTENER
            is_bridging = self._wire.link_carries_frames or self._memory.link_bridges_gaps
            bridges_gaps = is_bridging and is_met
            patience_s = GAP_S if bridges_gaps else silence_s(self._sender.pacing.rtt_s)
            return max(self._heard_at, self._sender.launched_at) + patience_s
        return min(self._spoke_at + KEEPALIVE_S, self._heard_at + KEEPALIVE_MISSED_S)

    def _lose_patience(self, now: float) -> None:
        departure = self._parts.departure
        silent_s = now - self._heard_at
        if self._course.state is State.PARTING:
            departure.end(departure.ending, departure.reason)
        elif self._leaving.caller_may_have_gone:
            departure.end(Ending.DONE, NOTHING_LEFT)
        elif self._leaving.awaits_peer or silent_s >= KEEPALIVE_MISSED_S:
            departure.end(Ending.PEER_SILENT, f"the other side said nothing for {silent_s:.0f} seconds")
        else:
            self._leaving.say_again()

    # What follows.

    def _pump(self, now: float) -> None:
        if self._accord.has_greeted and (batch := self._intake.next_batch()):
            self._outlet.want(batch)
        if self._course.state is not State.ENDED:
            self._accord.pump(now, peer_is_fresh=self._wire.peer_is_fresh)
            self._advance()
            may_send = self._may_send
            self._sender.pump(may_send=may_send)
            self._heal(now)
            self._leaving.pump(now, may_send=may_send)
            self._mind_floor()
            self._tell_receipts(now)
        self._conclude()

    @property
    def _may_send(self) -> bool:
        return self._course.state in EXCHANGING and self._accord.may_send

    def _advance(self) -> None:
        if self._course.state is State.OPENING and self._accord.has_greeted:
            self._course.advance(Trigger.CUSTODY_OPENED)
        if self._course.state is State.COMPARING and self._accord.agreed:
            self._course.advance(Trigger.CUTS_AGREED)
            has_receipts = not self._intake.idle or self._parts.receipts.due_at is not None
            if self._role is Role.DIALER and not (has_receipts or self._wire.has_written):
                self._leaving.say_again()  # It proves to the listener that we speak now.

    def _mind_floor(self) -> None:
        """A peer that spends what it may not loses the session, once all else is settled."""
        complaint = self._intake.complaint
        is_settled = self._sender.idle and self._intake.has_all_wanted
        if complaint is not None and is_settled and self._course.state is State.FLOWING:
            self._parts.departure.end(Ending.PEER_AT_FAULT, complaint)

    def _heal(self, now: float) -> None:
        """Ask for what is missing, and tell what is safe."""
        if self._course.state in ACQUAINTED:
            self._parts.rekeying.pump()
            self._parts.safekeeping.look()
        if self._course.state is State.FLOWING:
            self._parts.settling.pump(self._accord.compared)
            self._parts.restitution.pump(now)
            self._parts.safekeeping.pump(now, self._accord.sound)

    def _tell_receipts(self, now: float) -> None:
        receipts, more_may_come = self._parts.receipts, not self._intake.nothing_is_open
        receipts.may_ride = self._leaving.answers_soon
        if receipts.is_due(now, more_may_come=more_may_come):
            self._write_all(receipts.take())

    def _tell_along(self) -> None:
        """What travels with something else costs its own bytes alone. Progress is of no use to a link that
        paces by itself."""
        receipts = self._parts.receipts
        self._write_all(receipts.take_final() if self._wire.link_carries_frames else receipts.take())

    def _write_all(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self._outlet.write(frame)

    def _conclude(self) -> None:
        departure = self._parts.departure
        if departure.is_complete and not self._has_concluded:
            self._has_concluded = True
            self._outlet.tell(SessionEnded(departure.ending, departure.reason, self.counters))
