"""One sync conversation as a pure state machine; both ends run the same one.

Theory of operation. Bytes come in through `receive`, results of effects through `completed`, time through
`wake`; each of them ends in `_pump`, which decides everything that follows from the new situation. What to do
comes out of `effects`, `outgoing`, `events` and `deadline`. `now` is any clock that only runs forward.

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

from enum import Enum

from protocol.errors import ProtocolError
from protocol.frames import Bye, Data, DigestAsk, DigestTell, Frame, Have, Idle, Refused, Rekey, Safe, Stored
from protocol.frames import Offer as OfferFrame
from protocol.hello import Hello

from ..ports import SessionView
from .accord import Accord
from .departure import NOTHING_LEFT, Departure
from .effects import (
    Digest,
    Effect,
    EffectResult,
    Fenced,
    Found,
    LookUnopened,
    MarkLost,
    MarkReceipted,
    MarkStored,
    More,
    NoteRefusal,
    NoteRekey,
    Open,
    PeerDigest,
    Persist,
    Persisted,
    Read,
    Renew,
    Unopened,
)
from .errors import LocalError, RemoteError
from .events import Counters, Ending, Event, SafeReported, SessionEnded
from .greeting import SessionTerms
from .intake import Intake
from .memory import LinkMemory
from .outlet import Outlet
from .patience import GAP_S, KEEPALIVE_MISSED_S, KEEPALIVE_S, PARTING_S, QUIET_S, silence_s
from .rekeying import Rekeying
from .sender import Sender
from .states import ACQUAINTED, EXCHANGING, UNHEARD, Course, Role, State, Trigger
from .wire import SessionChannel, Wire


class IdleSaid(Enum):
    """What the peer was last told of our having no more."""

    NOTHING = 0
    ALL_SENT = 1
    ALL_RECEIPTED = 2


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
        self._terms = terms
        self._memory = memory or LinkMemory()
        self._course = Course(role)
        self._wire = Wire(channel)
        self._outlet = Outlet(self._wire)
        self._sender = Sender(self._memory, self._outlet)
        self._intake = Intake(terms.credit_bytes)
        self._rekeying = Rekeying(self._outlet)
        self._accord = Accord(terms, self._outlet, self._sender)
        self._departure = Departure(self._course, self._outlet, self._sender, self._intake)
        self._peer_idles = 0
        """How often in a row the peer has said that it has no more: once when all was sent, again once it has
        heard the end of it."""
        self._idle_said = IdleSaid.NOTHING
        self._heard_at = self._spoke_at = now
        self._has_concluded = False
        self._custody_moved = False
        if role is Role.DIALER:
            self._outlet.want(Open(None))

    # What comes in.

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the link as they come, b"" when it has ended. Never raises for what the peer did."""
        if self._course.state is State.ENDED:
            return
        self._heard_at = now
        if not data:
            self._departure.lose_link("the link ended")
        try:
            for frame in self._wire.receive(data):
                self._hear(frame, now)
        except (ProtocolError, RemoteError) as error:
            self._departure.end(Ending.PEER_AT_FAULT, str(error))
        self._pump(now)

    def lost(self, reason: str, now: float) -> None:
        """The link broke, for a reason it gave."""
        self._departure.lose_link(reason)
        self._pump(now)

    def completed(self, effect: Effect, result: EffectResult, now: float) -> None:
        """Custody has performed an effect."""
        self._outlet.outstanding -= 1
        if not (
            self._completed_opening(effect, result)
            or self._completed_moving(effect, result, now)
            or self._completed_rekeying(effect, result)
        ):
            raise LocalError(f"{type(effect).__name__} cannot result in {type(result).__name__}")
        self._pump(now)

    def wake(self, now: float) -> None:
        """The deadline has come."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return
        silent_s = now - self._heard_at
        if self._course.state is State.PARTING:
            self._departure.end(self._departure.ending, self._departure.reason)
        elif self._caller_may_have_gone:
            self._departure.end(Ending.DONE, NOTHING_LEFT)
        elif self._awaits_peer or silent_s >= KEEPALIVE_MISSED_S:
            self._departure.end(Ending.PEER_SILENT, f"the other side said nothing for {silent_s:.0f} seconds")
        else:
            self._idle_said = IdleSaid.NOTHING
        self._pump(now)

    def outgoing_changed(self, now: float) -> None:
        """Custody may have more to send than before."""
        self._custody_moved = True
        self._rekeying.custody_moved()
        self._pump(now)

    def part(self, reason: str, now: float) -> None:
        """Stop as soon as the peer is told; what is not receipted stays in custody."""
        self._departure.part(reason, peer_is_known=self._accord.peer is not None)
        self._pump(now)

    # What comes out.

    def effects(self) -> list[Effect]:
        """What custody shall do, in this order; each is to be reported back by `completed`."""
        return self._outlet.take_effects()

    def outgoing(self, now: float) -> bytes:
        """Bytes for the link, with one chunk at most: the next is chosen when the link has taken this one."""
        data = self._wire.take()
        if data:
            self._spoke_at = now
        self._pump(now)
        return data

    @property
    def may_speak(self) -> bool:
        """Whether `outgoing` may be taken before the effects that are due."""
        return self._outlet.may_speak

    def events(self) -> list[Event]:
        """What happened since the last call."""
        return self._outlet.take_events()

    def deadline(self) -> float | None:
        """When to call `wake`, unless something comes first."""
        if self._course.state is State.ENDED:
            return None
        if self._course.state is State.PARTING:
            return self._spoke_at + PARTING_S
        if self._caller_may_have_gone:
            return self._heard_at + QUIET_S
        if self._awaits_peer:
            # A dialer that was never answered goes on to look for another way sooner.
            is_met = self._accord.peer is not None or self._role is Role.LISTENER
            bridges_gaps = self._wire.link_carries_frames and is_met
            patience_s = GAP_S if bridges_gaps else silence_s(self._sender.pacing.rtt_s)
            return max(self._heard_at, self._sender.launched_at) + patience_s
        return min(self._spoke_at + KEEPALIVE_S, self._heard_at + KEEPALIVE_MISSED_S)

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
        )

    @property
    def memory(self) -> LinkMemory:
        """What the next session on this link should know."""
        pacing = self._sender.pacing
        return self._memory.after(pacing.proven_rate_bytes_s, pacing.rtt_s, self._sender.planner.unheard())

    # Frames.

    def _hear(self, frame: Frame, now: float) -> None:
        if self._course.state is State.ENDED:
            return
        match frame:
            case Hello():
                self._hear_hello(frame)
            case Bye():
                self._hear_bye(now)
            case _ if self._accord.peer is None:
                raise RemoteError("the peer spoke before it greeted")
            case OfferFrame() | Data() | Idle():
                self._hear_bundles(frame)
            case DigestAsk():
                self._accord.hear_ask(frame)
            case DigestTell():
                self._accord.hear_tell(frame)
            case _:
                self._hear_receipt(frame, now)

    def _hear_hello(self, hello: Hello) -> None:
        if self._course.state not in UNHEARD:
            raise RemoteError("the peer greeted twice, or before its turn")
        self._accord.hear_hello(hello)
        self._course.advance(Trigger.HELLO_HEARD)
        if self._role is Role.LISTENER:
            self._outlet.want(Open(hello.generation))

    def _hear_bundles(self, frame: OfferFrame | Data | Idle) -> None:
        if isinstance(frame, Idle):
            self._peer_idles += 1
        elif isinstance(frame, OfferFrame):
            self._peer_idles = 0
        if self._course.state is State.PARTING or self._accord.peer is None:
            return  # After goodbye nothing can be receipted; the peer keeps it.
        if isinstance(frame, OfferFrame):
            self._intake.offered(frame, self._accord.peer.incarnation)
        elif isinstance(frame, Data):
            self._intake.received(frame)

    def _hear_receipt(self, frame: Have | Stored | Refused | Rekey | Safe, now: float) -> None:
        match frame:
            case Have():
                self._sender.hear_have(frame, now)
            case Stored():
                self._sender.hear_stored(frame, now)
            case Refused():
                self._sender.hear_refused(frame)
            case Rekey():
                self._rekeying.hear(frame)
            case Safe():
                self._outlet.tell(SafeReported(frame.incarnation, frame.sequence))

    def _hear_bye(self, now: float) -> None:
        self._accord.pump(now, peer_is_fresh=self._wire.peer_is_fresh)  # A goodbye too proves who speaks.
        self._departure.hear_bye()

    # Results.

    def _completed_opening(self, effect: Effect, result: EffectResult) -> bool:
        match effect, result:
            case Open(), SessionView():
                self._intake.open(result)
                self._accord.open(result)
            case Open(), Fenced():
                self._departure.end(Ending.FENCED, "a newer session of the same pair is under way")
            case ((Digest() | PeerDigest()), int()):
                self._accord.summed(effect, result)
            case Renew(), SessionView():
                self._accord.renewed(result)
            case _:
                return False
        return True

    def _completed_moving(self, effect: Effect, result: EffectResult, now: float) -> bool:
        match effect, result:
            case Read(), bytes():
                self._sender.read(effect, result, now)
            case More(), Found():
                self._sender.found(result.bundles)
            case Persist(), Persisted():
                frames, events = self._intake.persisted(effect, result.outcomes)
                for frame in frames:
                    self._outlet.write(frame)
                for event in events:
                    self._outlet.tell(event)
            case ((MarkReceipted() | MarkStored() | MarkLost() | NoteRefusal()), None):
                pass
            case _:
                return False
        return True

    def _completed_rekeying(self, effect: Effect, result: EffectResult) -> bool:
        match effect, result:
            case LookUnopened(), Unopened():
                self._rekeying.found(result.bundles)
            case NoteRekey(), None:
                self._rekeying.noted(effect)
            case _:
                return False
        return True

    # What follows.

    def _pump(self, now: float) -> None:
        if self._accord.has_greeted and (batch := self._intake.next_batch()):
            self._outlet.want(batch)
        if self._course.state is not State.ENDED:
            self._accord.pump(now, peer_is_fresh=self._wire.peer_is_fresh)
            self._advance()
            if self._custody_moved and self._may_send:
                self._custody_moved = False
                self._sender.look()
            self._sender.pump(may_send=self._may_send)
            if self._course.state in ACQUAINTED:
                self._rekeying.pump()
            self._say_what_is_left()
        self._conclude()

    @property
    def _may_send(self) -> bool:
        return self._course.state in EXCHANGING and self._accord.may_send

    def _advance(self) -> None:
        if self._course.state is State.OPENING and self._accord.has_greeted:
            self._course.advance(Trigger.CUSTODY_OPENED)
        if self._course.state is State.COMPARING and self._accord.agreed:
            self._course.advance(Trigger.CUTS_AGREED)
            if self._role is Role.DIALER:
                self._idle_said = IdleSaid.NOTHING  # Said again, it proves to the listener that we speak now.

    def _say_what_is_left(self) -> None:
        if not self._may_send or not self._sender.has_sent_all:
            self._idle_said = IdleSaid.NOTHING
        elif not self._rekeying.idle or (self._role is Role.LISTENER and self._accord.owes_custody):
            return
        elif self._may_leave:
            self._departure.say_bye(Ending.DONE, NOTHING_LEFT)
        elif self._idle_said is not (due := self._idle_due):
            self._outlet.write(Idle(self._sender.sequence_max))
            self._idle_said = due

    @property
    def _may_leave(self) -> bool:
        """The dialer, who pays, hangs up once both sides have nothing left."""
        return self._role is Role.DIALER and self._course.state is State.FLOWING and self._nothing_is_left

    @property
    def _caller_may_have_gone(self) -> bool:
        """Where each word has its price, a caller that both sides have nothing left for goes without one."""
        return (
            self._role is Role.LISTENER
            and self._wire.link_carries_frames
            and self._course.state in (State.COMPARING, State.FLOWING)
            and not self._accord.owes_custody
            and self._nothing_is_left
        )

    @property
    def _nothing_is_left(self) -> bool:
        return (
            self._closes_when_idle
            and self._sender.idle
            and self._intake.idle
            and ((self._peer_idles > 0 and self._intake.nothing_is_open) or self._peer_idles > 1)
        )

    @property
    def _idle_due(self) -> IdleSaid:
        """What is whole at the peer needs no second word; what will never be does."""
        needs_second = self._sender.has_withdrawn and self._sender.idle
        return IdleSaid.ALL_RECEIPTED if needs_second else IdleSaid.ALL_SENT

    @property
    def _closes_when_idle(self) -> bool:
        peer = self._accord.peer
        return not (self._terms.stays_open and peer is not None and peer.stays_open)

    @property
    def _awaits_peer(self) -> bool:
        """The peer owes us something, if only its goodbye."""
        flowing = self._course.state is State.FLOWING
        return not flowing or self._closes_when_idle or self._sender.waits_for_word

    def _conclude(self) -> None:
        if self._departure.is_complete and not self._has_concluded:
            self._has_concluded = True
            self._outlet.tell(SessionEnded(self._departure.ending, self._departure.reason, self.counters))
