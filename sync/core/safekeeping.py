"""How far a verified backup reaches: what is said of the peer's bundles, and what is heard of ours.

It is cumulative and harmless when it comes twice. Law: nothing heard reaches custody before the cuts agreed,
and no further than both sides mean the same bundles by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from protocol.advice import Safe
from protocol.ids import Incarnation
from protocol.ranges import RangeSet

from ..ports import STREAMS_MAX, SafeMark
from .effects import LookSafe, MarkSafe
from .errors import RemoteError
from .events import SafeReported
from .outlet import Outlet
from .receipts import Receipts

MARKS_MAX: Final = 64
"""Times that one session hears how far a backup reaches; an honest peer makes a few of them in a day."""
Soundness = Callable[[Incarnation, RangeSet], RangeSet]
"""Those of the numbers by which both sides mean the same bundles."""


class Safekeeping:
    """What one session says and hears of backups."""

    def __init__(self, outlet: Outlet, receipts: Receipts) -> None:
        self._outlet = outlet
        self._receipts = receipts
        self._must_look = False
        self._is_looking = False
        self._unsaid: dict[Incarnation, RangeSet] = {}
        self._said: dict[Incarnation, RangeSet] = {}
        self._heard: dict[Incarnation, RangeSet] = {}
        self._unmarked: dict[Incarnation, RangeSet] = {}
        self._heard_count = 0

    def open(self, marks: Sequence[SafeMark]) -> None:
        """So far our backup reaches as the session begins."""
        self._know(marks)

    def custody_moved(self) -> None:
        """One more backup may have been verified."""
        self._must_look = True

    def look(self) -> None:
        """Look how far our backup reaches by now, if that may be news."""
        if self._must_look and not self._is_looking:
            self._must_look, self._is_looking = False, True
            self._outlet.want(LookSafe())

    def found(self, marks: Sequence[SafeMark]) -> None:
        """So far it reaches."""
        self._is_looking = False
        self._know(marks)

    def hear(self, frame: Safe) -> None:
        """The peer's backup reaches so far, it says."""
        heard = self._heard.get(frame.incarnation, RangeSet())
        news = frame.sequences - heard
        if not news.spans:
            return
        self._heard_count += 1
        if self._heard_count > MARKS_MAX:
            raise RemoteError(f"the peer tells of its backups more than {MARKS_MAX} times in one session")
        self._heard[frame.incarnation] = heard | news
        self._unmarked[frame.incarnation] = self._unmarked.get(frame.incarnation, RangeSet()) | news

    def pump(self, now: float, sound: Soundness) -> None:
        """The cuts agreed: say what is not said yet, and let custody have what was heard."""
        for incarnation, sequences in self._unsaid.items():
            self._said[incarnation] = sequences
            self._receipts.other(Safe(incarnation, sequences), now)
        self._unsaid.clear()
        for incarnation, sequences in self._unmarked.items():
            if (believed := sound(incarnation, sequences)).spans:
                self._outlet.want(MarkSafe(incarnation, believed))
        self._unmarked.clear()

    def marked(self, effect: MarkSafe) -> None:
        """Custody knows."""
        self._outlet.tell(SafeReported(effect.incarnation, effect.sequences))

    def _know(self, marks: Sequence[SafeMark]) -> None:
        for mark in marks[:STREAMS_MAX]:
            if (mark.sequences - self._said.get(mark.incarnation, RangeSet())).spans:
                self._unsaid[mark.incarnation] = mark.sequences
