"""Whether anything is left between two ends: what the peer is told of it, and who may go.

The dialer, who pays, hangs up once both sides have nothing left; the listener tells it so, and waits.
"""

from __future__ import annotations

from enum import Enum

from protocol.frames import Idle

from .departure import NOTHING_LEFT
from .events import Ending
from .greeting import SessionTerms
from .parts import Parts
from .states import Role, State


class IdleSaid(Enum):
    """What the peer was last told of our having no more."""

    NOTHING = 0
    ALL_SENT = 1
    ALL_RECEIPTED = 2


class Leaving:
    """When one session has nothing left."""

    def __init__(self, role: Role, terms: SessionTerms, parts: Parts) -> None:
        self._role = role
        self._terms = terms
        self._parts = parts
        self._peer_idles = 0
        """How often in a row the peer has said that it has no more: once when all was sent, again once it has
        heard the end of it."""
        self._said = IdleSaid.NOTHING

    # What the peer says.

    def peer_is_idle(self) -> None:
        """It has sent all it has."""
        self._peer_idles += 1

    def peer_goes_on(self) -> None:
        """It has begun another bundle."""
        self._peer_idles = 0

    # What we say.

    def say_again(self) -> None:
        """Tell the peer once more if we have nothing: as a sign of life, or to prove that we speak now."""
        self._said = IdleSaid.NOTHING

    def pump(self, now: float, *, may_send: bool) -> None:
        """Say what follows from what is left."""
        parts = self._parts
        if not may_send or not parts.sender.has_sent_all:
            self._said = IdleSaid.NOTHING
        elif self._has_yet_to_speak:
            return
        elif self._may_leave:
            patient_until = parts.restitution.patient_until
            if patient_until is None or now >= patient_until:
                parts.departure.say_bye(Ending.DONE, NOTHING_LEFT)
        elif self._said is not (due := self._due):
            parts.outlet.write(Idle())
            self._said = due

    @property
    def waits_for_promise_until(self) -> float | None:
        """Until when a dialer stays although nothing is left, so that what it asked back may be promised."""
        return self._parts.restitution.patient_until if self._may_leave else None

    @property
    def answers_soon(self) -> bool:
        """A dialer that waits for nothing but the peer's receipts answers them at once, if only with its
        goodbye. Links that carry frames know by themselves what to join."""
        parts = self._parts
        return (
            self._role is Role.DIALER
            and parts.course.state is State.FLOWING
            and not parts.wire.link_carries_frames
            and parts.sender.has_sent_all
            and not parts.sender.idle
        )

    @property
    def caller_may_have_gone(self) -> bool:
        """Where each word has its price, a caller that both sides have nothing left for goes without one."""
        parts = self._parts
        return (
            self._role is Role.LISTENER
            and parts.wire.link_carries_frames
            and parts.course.state in (State.COMPARING, State.FLOWING)
            and not parts.accord.owes_custody
            and self._nothing_is_left
        )

    @property
    def awaits_peer(self) -> bool:
        """The peer owes us something, if only its goodbye."""
        flowing = self._parts.course.state is State.FLOWING
        return not flowing or self._closes_when_idle or self._parts.sender.waits_for_word

    @property
    def all_came(self) -> bool:
        """Nothing of what the peer offered is still to come: it says twice that it has no more when the rest
        of a bundle never will."""
        return self._parts.intake.nothing_is_open or self._peer_idles > 1

    # Inside.

    @property
    def _has_yet_to_speak(self) -> bool:
        parts = self._parts
        # A caller that hears that nothing is left is gone before its listener has agreed, and may ask.
        has_to_agree = self._role is Role.LISTENER and (
            parts.accord.owes_custody or parts.restitution.has_to_ask
        )
        is_noting = parts.accord.is_noting or parts.restitution.is_promising
        return not parts.rekeying.idle or is_noting or has_to_agree

    @property
    def _may_leave(self) -> bool:
        flows = self._parts.course.state is State.FLOWING
        return self._role is Role.DIALER and flows and self._nothing_is_left

    @property
    def _nothing_is_left(self) -> bool:
        parts = self._parts
        return (
            self._closes_when_idle
            and parts.sender.idle
            and parts.intake.idle
            and self._peer_idles > 0
            and self.all_came
        )

    @property
    def _due(self) -> IdleSaid:
        """What is whole at the peer needs no second word; what will never be does."""
        needs_second = self._parts.sender.has_withdrawn and self._parts.sender.idle
        return IdleSaid.ALL_RECEIPTED if needs_second else IdleSaid.ALL_SENT

    @property
    def _closes_when_idle(self) -> bool:
        peer = self._parts.accord.peer
        return not (self._terms.stays_open and peer is not None and peer.stays_open)
