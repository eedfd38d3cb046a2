"""What a letter says its writer holds, cut to what a short letter has room for."""

from __future__ import annotations

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


async def heard_of(
    store: PairStore,
    view: SessionView,
    number: int,
    life: Incarnation | None,
    newest: Sequence[int],
    letter_bytes_max: int,
) -> Heard | None:
    """Of the life in which the peer wrote its letter of that number; None before any has come. Unfinished
    bundles are told of in the order of `newest`, their numbers: the peer is about to write on at those."""
    if life is None:
        return None
    room_bytes = letter_bytes_max // HEAD_SHARE
    stream = next((each for each in view.received if each.incarnation == life), None)
    held, digest, is_cut = RangeSet(), 0, False
    if stream is not None:
        held, digest = _lowest(stream.held, room_bytes), stream.digest
        if is_cut := held != stream.held:
            digest = await store.received_digest(life, held)
    room_bytes -= len(encode_ranges(held))
    parts = tuple(_parts(view, life, newest, room_bytes))
    return Heard(number=number, incarnation=life, held=held, digest=digest, is_cut=is_cut, parts=parts)


def _lowest(held: RangeSet, room_bytes: int) -> RangeSet:
    """As many spans from the lowest on as there is room for."""
    spans = held.spans[:RANGES_MAX]
    while len(spans) > 1 and len(encode_ranges(RangeSet(spans))) > room_bytes:
        spans = spans[: len(spans) * 3 // 4]
    return RangeSet(spans)


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
