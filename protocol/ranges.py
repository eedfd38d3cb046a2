"""Sets of whole numbers kept as sorted, disjoint, non-touching half-open ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import MalformedInput
from .limits import RANGES_MAX
from .varint import decode_varint, encode_varint


@dataclass(frozen=True, slots=True)
class RangeSet:
    """Immutable set of non-negative integers; used for bytes of a bundle and for sequence numbers."""

    spans: tuple[tuple[int, int], ...] = ()
    """Sorted (start, end) pairs, end excluded, with a gap between neighbours."""

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> RangeSet:
        """The union of any spans, in any order, overlapping or empty."""
        filled = [span for span in spans if span[0] < span[1]]
        if len(filled) < 2:
            return cls(tuple(filled))
        merged: list[tuple[int, int]] = []
        for start, end in sorted(filled):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return cls(tuple(merged))

    @classmethod
    def of_numbers(cls, numbers: Iterable[int]) -> RangeSet:
        """Exactly these numbers."""
        spans: list[tuple[int, int]] = []
        start = end = -1
        for number in sorted(numbers):
            if number > end:
                if end > start:
                    spans.append((start, end))
                start = number
            end = number + 1
        if end > start:
            spans.append((start, end))
        return cls(tuple(spans))

    @classmethod
    def whole(cls, size: int) -> RangeSet:
        """The numbers 0..size-1."""
        return cls(((0, size),)) if size else cls()

    def __contains__(self, number: int) -> bool:
        if len(self.spans) == 1:  # Of numbers without a gap, which most sets are.
            ((start, end),) = self.spans
            return start <= number < end
        index = bisect_right(self.spans, (number, float("inf"))) - 1
        return index >= 0 and number < self.spans[index][1]

    def __iter__(self) -> Iterator[int]:
        for start, end in self.spans:
            yield from range(start, end)

    def __len__(self) -> int:
        return sum(end - start for start, end in self.spans)

    def __or__(self, other: RangeSet) -> RangeSet:
        if not other.spans:
            return self
        return RangeSet.of((*self.spans, *other.spans)) if self.spans else other

    def __sub__(self, other: RangeSet) -> RangeSet:
        if not self.spans or not other.spans:
            return self
        left: list[tuple[int, int]] = []
        for start, end in self.spans:
            for cut_start, cut_end in other.spans:
                if cut_end <= start or cut_start >= end:
                    continue
                if cut_start > start:
                    left.append((start, cut_start))
                start = max(start, cut_end)
            if start < end:
                left.append((start, end))
        return RangeSet(tuple(left))

    def __and__(self, other: RangeSet) -> RangeSet:
        return self - (self - other) if self.spans and other.spans else RangeSet()

    def add(self, start: int, end: int) -> RangeSet:
        """This set and start..end-1; the spans that it neither meets nor touches are not looked at."""
        if start >= end:
            return self
        first = bisect_left(self.spans, start, key=_end_of)
        last = bisect_right(self.spans, end, key=_start_of)
        if first < last:
            start = min(start, self.spans[first][0])
            end = max(end, self.spans[last - 1][1])
        return RangeSet((*self.spans[:first], (start, end), *self.spans[last:]))

    def below(self, end: int) -> RangeSet:
        """The members smaller than `end`."""
        return self & RangeSet.whole(end)

    def first(self, count: int) -> RangeSet:
        """Its `count` smallest members, or all of them."""
        spans: list[tuple[int, int]] = []
        for start, end in self.spans:
            if count <= 0:
                break
            spans.append((start, min(end, start + count)))
            count -= end - start
        return RangeSet(tuple(spans))

    def covers(self, size: int) -> bool:
        """Whether 0..size-1 are all members."""
        return size == 0 or (len(self.spans) > 0 and self.spans[0][0] == 0 and self.spans[0][1] >= size)


def _start_of(span: tuple[int, int]) -> int:
    return span[0]


def _end_of(span: tuple[int, int]) -> int:
    return span[1]


def encode_ranges(ranges: RangeSet) -> bytes:
    """Count, then gap and length of each span as varints; spans past `RANGES_MAX` are left out."""
    spans = ranges.spans[:RANGES_MAX]
    out = bytearray(encode_varint(len(spans)))
    cursor = 0
    for start, end in spans:
        out += encode_varint(start - cursor)
        out += encode_varint(end - start)
        cursor = end
    return bytes(out)


def decode_ranges(data: bytes, position: int = 0) -> tuple[RangeSet, int]:
    """The set at `position` and the position after it; `MalformedInput` unless canonical and bounded."""
    count, position = decode_varint(data, position)
    if count > RANGES_MAX:
        raise MalformedInput(f"{count} ranges, more than {RANGES_MAX}")
    spans: list[tuple[int, int]] = []
    cursor = 0
    for index in range(count):
        gap, position = decode_varint(data, position)
        length, position = decode_varint(data, position)
        if length == 0 or (gap == 0 and index):
            raise MalformedInput("ranges are not in canonical form")
        start = cursor + gap
        cursor = start + length
        spans.append((start, cursor))
    return RangeSet(tuple(spans)), position
