"""How a session ends: who says goodbye, what still counts after it, and when all is done."""

from __future__ import annotations

from typing import Final

from protocol.frames import Bye

from .events import Ending
from .intake import Intake
from .outlet import Outlet
from .sender import Sender
from .states import EXCHANGING, Course, State, Trigger

NOTHING_LEFT: Final = "nothing was left to do"
_NOTHING_COUNTS: Final = frozenset({Ending.PEER_AT_FAULT, Ending.FENCED})
"""Endings after which what came and is not durable yet is dropped."""


class Departure:
    """The end of one session, decided once."""

    def __init__(self, course: Course, outlet: Outlet, sender: Sender, intake: Intake) -> None:
        self.ending = Ending.DONE
        self.reason = NOTHING_LEFT
        self._course = course
        self._outlet = outlet
        self._sender = sender
        self._intake = intake

    @property
    def is_complete(self) -> bool:
        """Over, and custody has done all it was asked: bytes that were paid for are not fetched twice."""
        return self._course.state is State.ENDED and self._outlet.settled

    def say_bye(self, ending: Ending, reason: str) -> None:
        """Tell the peer that we send nothing more; it answers in kind."""
        self.ending, self.reason = ending, reason
        for receipt in self._intake.receipts.take():
            self._outlet.write(receipt)
        self._outlet.write(Bye())
        self._course.advance(Trigger.BYE_SAID)

    def part(self, reason: str, *, peer_is_known: bool) -> None:
        """We were asked to stop."""
        if self._course.state in EXCHANGING and peer_is_known:
            self.say_bye(Ending.PARTED, reason)
        elif self._course.state is not State.PARTING:
            # In a first flight a goodbye could be a recording: it would say nothing.
            self.end(Ending.PARTED, reason)

    def hear_bye(self, *, all_came: bool) -> None:
        """The peer sends nothing more: answer, unless ours was first. `all_came`: of what it has offered, it
        holds nothing back."""
        if self._course.state is not State.PARTING:
            done = self._sender.idle and self._intake.idle and all_came
            self.say_bye(
                Ending.DONE if done else Ending.PARTED,
                NOTHING_LEFT if done else "the other side ended the session",
            )
        self.end(self.ending, self.reason)

    def lose_link(self, reason: str) -> None:
        """The link is gone; after goodbye that is no loss."""
        if self._course.state is State.PARTING:
            self.end(self.ending, self.reason)
        else:
            self.end(Ending.LINK_LOST, f"{reason}; what was not receipted goes on at the next contact")
        self._outlet.close()

    def end(self, ending: Ending, reason: str) -> None:
        """It is over; only a goodbye that is already written still goes out."""
        if self._course.state is State.ENDED:
            return
        if self._course.state is not State.PARTING:
            self._outlet.close()
        if ending in _NOTHING_COUNTS:
            self._intake.discard()
        self.ending, self.reason = ending, reason
        self._course.advance(Trigger.OVER)
        self._sender.flush_progress()
