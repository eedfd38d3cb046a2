"""Where a session stands, as a table: role, state and what happened give the next state.

Everything that moves a session from one state to another goes through `Course`; whatever else a part of the
core remembers refines a state and never contradicts it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from .errors import LocalError


class Role(Enum):
    """Who opened the link."""

    DIALER = "dialer"
    LISTENER = "listener"


class State(Enum):
    """What a session waits for."""

    AWAITING = "awaiting the peer's hello before custody is opened"
    OPENING = "opening custody"
    GREETED = "greeted: the first flight goes out, the peer's hello is not here yet"
    COMPARING = "comparing cuts: no receipt counts yet"
    FLOWING = "flowing: both know what the other holds, receipts move custody"
    PARTING = "parting: we have said goodbye"
    ENDED = "ended"


class Trigger(Enum):
    """What moves a session."""

    HELLO_HEARD = "the peer's hello came"
    CUSTODY_OPENED = "our hello is written"
    CUTS_AGREED = "the peer's cuts are taken over into custody"
    BYE_SAID = "our goodbye is written"
    OVER = "nothing more will be sent or heard"


_BREAKING: Final = {Trigger.OVER: State.ENDED}
_LEAVING: Final = {Trigger.BYE_SAID: State.PARTING, **_BREAKING}

TRANSITIONS: Final[dict[Role, dict[State, dict[Trigger, State]]]] = {
    Role.DIALER: {
        State.OPENING: {Trigger.CUSTODY_OPENED: State.GREETED, **_BREAKING},
        State.GREETED: {Trigger.HELLO_HEARD: State.COMPARING, **_BREAKING},
        State.COMPARING: {Trigger.CUTS_AGREED: State.FLOWING, **_LEAVING},
        State.FLOWING: _LEAVING,
        State.PARTING: _BREAKING,
        State.ENDED: {},
    },
    Role.LISTENER: {
        State.AWAITING: {Trigger.HELLO_HEARD: State.OPENING, **_BREAKING},
        State.OPENING: {Trigger.CUSTODY_OPENED: State.COMPARING, **_LEAVING},
        State.COMPARING: {Trigger.CUTS_AGREED: State.FLOWING, **_LEAVING},
        State.FLOWING: _LEAVING,
        State.PARTING: _BREAKING,
        State.ENDED: {},
    },
}
INITIAL: Final = {Role.DIALER: State.OPENING, Role.LISTENER: State.AWAITING}

UNHEARD: Final = frozenset({State.AWAITING, State.GREETED})
"""The peer's next frame must be its hello."""
ACQUAINTED: Final = (State.COMPARING, State.FLOWING)
"""Both have greeted: what we say from here on is no recording of an earlier first flight."""
EXCHANGING: Final = (State.GREETED, State.COMPARING, State.FLOWING)
"""Custody is open and our goodbye is not said: bundles may move."""


class Course:
    """The state of one session."""

    def __init__(self, role: Role) -> None:
        self._transitions = TRANSITIONS[role]
        self.state = INITIAL[role]

    def advance(self, trigger: Trigger) -> None:
        """Take the step the table allows; `LocalError` if it allows none, which no peer can bring about."""
        try:
            self.state = self._transitions[self.state][trigger]
        except KeyError:
            raise LocalError(f"a session that is {self.state.value} cannot take: {trigger.value}") from None
