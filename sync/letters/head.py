"""What a letter says its writer holds, cut to what a short letter has room for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from protocol.ids import Incarnation
from protocol.letters import PARTIALS_MAX, Heard, HeldPart
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet, encode_ranges

from ..ports import PairStore, SessionView

HEAD_SHARE: Final = 4
"""A fourth of a letter at most tells what is held, beside the sum of it."""
PART_SPANS_MAX: Final = 16
"""Spans told of one unfinished bundle; bytes beyond them are written again."""
_PART_BYTES: Final = 8
"""Number and seal tag of an unfinished bundle, at their longest."""
_CUT_BYTES: Final = 4
"""The number from which on all is told, at its longest."""
_ONE_PART_BYTES: Final = 16
"""Kept for an unfinished bundle where not all that is held can be told."""


async def heard_of(
    store: PairStore,
    view: SessionView,
    number: int,
    life: Incarnation | None,
    newest: Sequence[int],
    letter_bytes_max: int,
) -> Heard | None:
    """Of the life in which the peer wrote its letter of that number; None before any has come. Where there is
    no room for all, bundles are told of in the order of `newest`, their numbers: those the peer waits for."""
    if life is None:
        return None
    room_bytes = letter_bytes_max // HEAD_SHARE
    stream = next((each for each in view.received if each.incarnation == life), None)
    held, digest, complete_from = RangeSet(), 0, 1
    if stream is not None:
        held, digest = stream.held, stream.digest
        if not _fits(held, room_bytes):
            held = _latest(stream.held, newest, room_bytes - _CUT_BYTES - _ONE_PART_BYTES)
            digest = await store.received_digest(life, held)
            complete_from = (stream.held - held).spans[-1][1]
            room_bytes -= _CUT_BYTES
    room_bytes -= len(encode_ranges(held))
    return Heard(
        number=number,
        incarnation=life,
        held=held,
        digest=digest,
        complete_from=complete_from,
        parts=tuple(_parts(view, life, newest, room_bytes)),
    )


def _fits(held: RangeSet, room_bytes: int) -> bool:
    return len(held.spans) <= RANGES_MAX and len(encode_ranges(held)) <= room_bytes


def _latest(held: RangeSet, newest: Sequence[int], room_bytes: int) -> RangeSet:
    """As many spans as there is room for: with what came last, else the peer would write that for ever; then
    from the highest on, where a disk that went back to a backup lacks them."""
    ends = [end for _, end in held.spans]
    came = [bisect_right(ends, number) for number in newest if number in held]
    told = RangeSet()
    for index in dict.fromkeys((*came, *reversed(range(len(ends))))):
        more = told.add(*held.spans[index])
        if not _fits(more, room_bytes):
            break
        told = more
    return told


def _parts(
    view: SessionView, life: Incarnation, newest: Sequence[int], room_bytes: int
) -> Iterator[HeldPart]:
    places = {number: place for place, number in enumerate(newest)}
    partials = [each for each in view.partials if each.offer.incarnation == life and each.held.spans]
    partials.sort(key=lambda each: places.get(each.offer.sequence, len(places)))
    for partial in partials[:PARTIALS_MAX]:
        told = _first(partial.held, room_bytes - _PART_BYTES)
        if not told.spans:
            return
        room_bytes -= _PART_BYTES + len(encode_ranges(told))
        yield HeldPart(partial.offer.sequence, partial.offer.seal_tag, told)


def _first(held: RangeSet, room_bytes: int) -> RangeSet:
    """As many spans of one unfinished bundle as there is room for."""
    spans = held.spans[:PART_SPANS_MAX]
    while spans and len(encode_ranges(RangeSet(spans))) > room_bytes:
        spans = spans[:-1]
    return RangeSet(spans)
