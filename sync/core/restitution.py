"""What a store that was rolled back asks back of its own, and what a peer promises to give back.

Law: nothing is asked before it is noted durably here, nor promised before it is noted durably there. So a
lost word of either side is said again in the next session. What was promised is asked for again only where
the peer may have forgotten; it gives nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        self._noted: dict[Incarnation, RangeSet] = {}
        """What was never promised, asked for or not."""
        self._recalled: dict[Incarnation, RangeSet] = {}
        """Promised in an earlier session, and not asked for in this one."""
        self._asked: dict[Incarnation, RangeSet] = {}
        """Asked for in this session, and not promised."""
        self._has_left_out = False
        self._asked_count = 0
        self._asked_at = float("-inf")
        self._heard: dict[Incarnation, RangeSet] = {}
        self._noting = 0

    # Asking.

    def open(self, foreign: Iterable[ForeignNumbers]) -> None:
        """What earlier sessions noted and nobody promised."""
        for numbers in foreign:
            self._want(numbers.incarnation, numbers.sequences)

    def ask_again(self, promised: Sequence[ForeignNumbers], turn: int) -> None:
        """Both have said everything, as they do when one was restored: has the peer kept what it promised? Of
        more than one session may ask for, one of `turn` after the other asks for another part."""
        turns = -(-sum(len(numbers.sequences) for numbers in promised) // RETURNS_MAX)
        skipped = turn % turns * RETURNS_MAX if turns else 0
        self._has_left_out = turns > 1
        for numbers in promised:
            left = numbers.sequences - numbers.sequences.first(skipped)
            skipped -= len(numbers.sequences) - len(left)
            if left.spans:
                self._recalled[numbers.incarnation] = left

    @property
    def all_is_promised(self) -> bool:
        """The peer has promised in this session all that was to be asked for, or asked for again."""
        is_asking = self._wanted or self._recalled or any(asked.spans for asked in self._asked.values())
        return not is_asking and not self._has_left_out

    def foreign_noted(self, effect: NoteForeign) -> None:
        """Custody knows what to ask for."""
        self._want(effect.incarnation, effect.sequences)

    @property
    def has_to_ask(self) -> bool:
        """Something is noted that this session has not asked for yet."""
        return bool(self._wanted or self._recalled)

    def pump(self, now: float) -> None:
        """Ask, now that the cuts agreed, for as much as one session may: what was never promised first."""
        for wanted in (self._wanted, self._recalled):
            while wanted:
                incarnation = next(iter(wanted))
                self._ask(incarnation, wanted.pop(incarnation), now)

    def hear_promise(self, frame: Returning) -> None:
        """The peer has noted it; a promise of what was not asked for is passed over."""
        asked = self._asked.get(frame.incarnation, _NOTHING)
        promised = asked & frame.sequences
        if promised.spans:
            self._asked[frame.incarnation] = asked - promised
            if (news := promised & self._noted.get(frame.incarnation, _NOTHING)).spans:
                self._outlet.want(MarkPromised(frame.incarnation, news))

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

    def return_noted(self, effect: NoteReturn, new_count: int) -> None:
        """Custody will see to it: that may be promised now, or once more."""
        self._noting -= 1
        self._outlet.write(Returning(effect.incarnation, effect.sequences))
        if new_count:
            self._outlet.tell(EntriesReturning(effect.incarnation, new_count, ours=False))

    def _want(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        news = sequences - self._asked.get(incarnation, _NOTHING)
        if news.spans:
            self._wanted[incarnation] = self._wanted.get(incarnation, _NOTHING) | news
            self._noted[incarnation] = self._noted.get(incarnation, _NOTHING) | news

    def _ask(self, incarnation: Incarnation, sequences: RangeSet, now: float) -> None:
        known = self._asked.get(incarnation)
        asked = RangeSet(sequences.spans[:RANGES_MAX]).first(RETURNS_MAX - self._asked_count)
        if known is None and len(self._asked) >= STREAMS_MAX:
            asked = _NOTHING
        self._has_left_out |= asked != sequences
        if asked.spans:
            self._asked[incarnation] = (known or _NOTHING) | asked
            self._asked_count += len(asked)
            self._asked_at = now
            self._outlet.write(Return(incarnation, asked))
