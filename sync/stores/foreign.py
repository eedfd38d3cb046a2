"""Numbers of ours under which the peer holds what is not known here, until it promises it back."""

from __future__ import annotations

from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet

from ..ports import STREAMS_MAX, ForeignNumbers

Foreign = tuple[ForeignNumbers, ...]


def with_noted(foreign: Foreign, incarnation: Incarnation, sequences: RangeSet) -> Foreign:
    """`foreign` with these numbers too, its incarnation first; what is beyond the limits is left out."""
    known = numbers_of(foreign, incarnation) | sequences
    if not known.spans:
        return foreign
    bounded = ForeignNumbers(incarnation=incarnation, sequences=RangeSet(known.spans[:RANGES_MAX]))
    return (bounded, *_beside(foreign, incarnation))[:STREAMS_MAX]


def without_promised(foreign: Foreign, incarnation: Incarnation, sequences: RangeSet) -> Foreign:
    """`foreign` without these numbers."""
    left = numbers_of(foreign, incarnation) - sequences
    if len(left.spans) > RANGES_MAX:
        # More ranges than can be kept: to ask for some once more is better than to forget others.
        return foreign
    return tuple(
        ForeignNumbers(incarnation=each.incarnation, sequences=left)
        if each.incarnation == incarnation
        else each
        for each in foreign
        if each.incarnation != incarnation or left.spans
    )


def numbers_of(foreign: Foreign, incarnation: Incarnation) -> RangeSet:
    """Those of one incarnation."""
    return next((each.sequences for each in foreign if each.incarnation == incarnation), RangeSet())


def _beside(foreign: Foreign, incarnation: Incarnation) -> Foreign:
    return tuple(each for each in foreign if each.incarnation != incarnation)
