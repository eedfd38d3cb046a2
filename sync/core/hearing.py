"""What each frame of the peer's means to which part of a session."""

from __future__ import annotations

from protocol.advice import Advice, Await, Rekey, Return, Returning, Safe
from protocol.frames import (
    Bye,
    Data,
    DigestAsk,
    DigestTell,
    Frame,
    Greeting,
    Have,
    Idle,
    Kept,
    KeptLast,
    Refused,
    Stored,
    Whole,
)
from protocol.frames import Offer as OfferFrame
from protocol.hello import Account, Hello
from protocol.short_hello import Answer, Hail

from .effects import Open
from .errors import RemoteError
from .leaving import Leaving
from .parts import Parts
from .states import UNHEARD, Role, State, Trigger


class Hearing:
    """The ear of one session; `RemoteError` for a frame out of its turn."""

    def __init__(self, role: Role, parts: Parts, leaving: Leaving) -> None:
        self._role = role
        self._parts = parts
        self._leaving = leaving

    def hear(self, frame: Frame, now: float) -> None:
        """One frame."""
        parts = self._parts
        if parts.course.state is State.ENDED:
            return
        match frame:
            case Hello() | Hail() | Answer():
                self._hear_greeting(frame)
            case _ if parts.accord.peer is None:
                raise RemoteError("the peer spoke before it greeted")
            case Bye():
                self._hear_bye(now)
            case OfferFrame() | Whole() | Data() | Idle():
                self._hear_bundles(frame)
            case Account():
                parts.accord.hear_account(frame)
            case Have() | Stored() | Kept() | KeptLast() | Refused() | DigestAsk() | DigestTell():
                self._hear_receipt(frame, now)
            case _:
                self._hear_advice(frame)

    def _hear_greeting(self, frame: Greeting) -> None:
        parts = self._parts
        if parts.course.state not in UNHEARD:
            raise RemoteError("the peer greeted twice, or before its turn")
        parts.accord.hear_greeting(frame)
        parts.course.advance(Trigger.HELLO_HEARD)
        if (peer := parts.accord.peer) is not None:
            parts.receipts.peer_greets(peer.incarnation, peer.sequence_max)
            if self._role is Role.LISTENER:
                parts.outlet.want(Open(peer.generation))

    def _hear_bundles(self, frame: OfferFrame | Whole | Data | Idle) -> None:
        parts = self._parts
        if isinstance(frame, Idle):
            self._leaving.peer_is_idle()
            parts.receipts.peer_is_idle()
            return
        if not isinstance(frame, Data):
            parts.receipts.peer_goes_on()
            self._leaving.peer_goes_on()
        if parts.course.state is State.PARTING or parts.accord.peer is None:
            return  # After goodbye nothing can be receipted; the peer keeps it.
        match frame:
            case OfferFrame():
                parts.intake.offered(frame, parts.accord.peer.incarnation)
            case Whole():
                parts.intake.received_whole(frame, parts.accord.peer.incarnation)
            case Data():
                parts.intake.received(frame)

    def _hear_receipt(
        self, frame: Have | Stored | Kept | KeptLast | Refused | DigestAsk | DigestTell, now: float
    ) -> None:
        match frame:
            case Have():
                self._parts.sender.hear_have(frame, now)
            case Stored():
                self._parts.sender.hear_stored(frame, now)
            case Kept() | KeptLast():
                self._parts.sender.hear_kept(frame, now)
            case Refused():
                self._parts.sender.hear_refused(frame)
            case DigestAsk():
                self._parts.accord.hear_ask(frame)
            case DigestTell():
                self._parts.accord.hear_tell(frame)

    def _hear_advice(self, frame: Advice) -> None:
        parts = self._parts
        match frame:
            case Await():
                parts.intake.peer_awaits()
            case Rekey():
                parts.rekeying.hear(frame)
            case Safe():
                parts.safekeeping.hear(frame)
            case Return():
                parts.restitution.hear_ask(frame)
            case Returning():
                parts.restitution.hear_promise(frame)

    def _hear_bye(self, now: float) -> None:
        parts = self._parts
        # A goodbye too proves who speaks.
        parts.accord.pump(now, peer_is_fresh=parts.wire.peer_is_fresh)
        if parts.accord.agreed:
            parts.safekeeping.pump(now, parts.accord.sound)
            parts.settling.pump(parts.accord.compared)
        parts.departure.hear_bye(all_came=self._leaving.all_came)
