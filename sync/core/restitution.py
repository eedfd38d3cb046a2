"""What a store that was rolled back asks back of its own, and what a peer promises to give back.

Law: nothing is asked before it is noted durably here, nor promised before it is noted durably there. So a
lost word of either side is said again in the next session, and what was promised is not asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.advice import Return, Returning
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet

from ..ports import STREAMS_MAX, ForeignNumbers
from .effects import MarkPromised, NoteForeign, NoteReturn
from .errors import RemoteError
from .events import EntriesReturning
from .outlet import Outlet

RETURNS_MAX: Final = 1024
"""Bundles that one session asks back; the next session asks for the others."""
PROMISE_S: Final = 10.0
"""For the peer to note durably what it is asked for; a peer that knows nothing of this says nothing."""
_NOTHING: Final = RangeSet()


class Restitution:
    """What one session asks back and promises."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._wanted: dict[Incarnation, RangeSet] = {}
        """Noted durably, and not asked for in this session."""
        self._asked: dict[Incarnation, RangeSet] = {}
        """Asked for in this session, and not promised."""
        self._asked_count = 0
        self._asked_at = float("-inf")
        self._heard: dict[Incarnation, RangeSet] = {}
        self._noting = 0

    # Asking.

    def open(self, foreign: Iterable[ForeignNumbers]) -> None:
        """What earlier sessions noted and nobody promised."""
        for numbers in foreign:
            self._want(numbers.incarnation, numbers.sequences)

    def foreign_noted(self, effect: NoteForeign) -> None:
        """Custody knows what to ask for."""
        self._want(effect.incarnation, effect.sequences)

    @property
    def has_to_ask(self) -> bool:
        """Something is noted that this session has not asked for yet."""
        return bool(self._wanted)

    def pump(self, now: float) -> None:
        """Ask, now that the cuts agreed, for as much as one session may."""
        for incarnation, sequences in list(self._wanted.items()):
            del self._wanted[incarnation]
            asked = RangeSet(sequences.spans[:RANGES_MAX]).first(RETURNS_MAX - self._asked_count)
            if asked.spans and len(self._asked) < STREAMS_MAX:
                self._asked[incarnation] = asked
                self._asked_count += len(asked)
                self._asked_at = now
                self._outlet.write(Return(incarnation, asked))

    def hear_promise(self, frame: Returning) -> None:
        """The peer has noted it; a promise of what was not asked for is passed over."""
        asked = self._asked.get(frame.incarnation, _NOTHING)
        promised = asked & frame.sequences
        if promised.spans:
            self._asked[frame.incarnation] = asked - promised
            self._outlet.want(MarkPromised(frame.incarnation, promised))

    def promise_marked(self, effect: MarkPromised) -> None:
        """Custody asks for it no more."""
        self._outlet.tell(EntriesReturning(effect.incarnation, len(effect.sequences), ours=True))

    @property
    def patient_until(self) -> float | None:
        """Until when to wait for promises before leaving; None if none is due."""
        is_due = any(asked.spans for asked in self._asked.values())
        return self._asked_at + PROMISE_S if is_due else None

    # Promising.

    @property
    def is_promising(self) -> bool:
        """What the peer asked for is being noted: whoever says that it has nothing left must wait for it."""
        return self._noting > 0

    def hear_ask(self, frame: Return) -> None:
        """The peer asks; a repetition is passed over, more than an honest one ever asks is a fault."""
        known = self._heard.get(frame.incarnation, _NOTHING)
        asked = frame.sequences - known
        if not asked.spans:
            return
        self._heard[frame.incarnation] = known | asked
        asked_count = sum(len(sequences) for sequences in self._heard.values())
        if asked_count > RETURNS_MAX or len(self._heard) > STREAMS_MAX:
            raise RemoteError(f"the peer asks for more than {RETURNS_MAX} of its bundles back at once")
        self._noting += 1
        self._outlet.want(NoteReturn(frame.incarnation, asked))

    def return_noted(self, effect: NoteReturn) -> None:
        """Custody will see to it: that may be promised now."""
        self._noting -= 1
        self._outlet.write(Returning(effect.incarnation, effect.sequences))
        self._outlet.tell(EntriesReturning(effect.incarnation, len(effect.sequences), ours=False))

    def _want(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        asked = self._asked.get(incarnation, _NOTHING)
        wanted = self._wanted.get(incarnation, _NOTHING) | sequences - asked
        if wanted.spans:
            self._wanted[incarnation] = wanted
