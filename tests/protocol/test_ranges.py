"""Sets of numbers: they behave as sets, stay canonical, and decode nothing unbounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import MalformedInput
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet, decode_ranges, encode_ranges
from protocol.varint import encode_varint

MEMBERS = st.frozensets(st.integers(0, 60), max_size=40)


def of(members: frozenset[int]) -> RangeSet:
    return RangeSet.of((member, member + 1) for member in members)


def is_canonical(ranges: RangeSet) -> bool:
    ends = [end for _, end in ranges.spans]
    starts = [start for start, _ in ranges.spans]
    return all(start < end for start, end in ranges.spans) and all(
        end < start for end, start in zip(ends, starts[1:], strict=False)
    )


@given(MEMBERS, MEMBERS)
def test_it_computes_as_sets_do(left: frozenset[int], right: frozenset[int]) -> None:
    for computed, expected in (
        (of(left) | of(right), left | right),
        (of(left) - of(right), left - right),
        (of(left) & of(right), left & right),
    ):
        assert frozenset(computed) == expected
        assert len(computed) == len(expected)
        assert is_canonical(computed)
        assert computed == of(expected)


@given(st.lists(st.integers(0, 60), max_size=40))
def test_of_numbers_holds_them_and_no_others(numbers: list[int]) -> None:
    ranges = RangeSet.of_numbers(numbers)
    assert ranges == of(frozenset(numbers))
    assert {number for number in range(62) if number in ranges} == frozenset(numbers)


@given(MEMBERS, st.integers(0, 60), st.integers(0, 60))
def test_single_members_and_spans(members: frozenset[int], start: int, end: int) -> None:
    ranges = of(members)
    assert [number in ranges for number in range(61)] == [number in members for number in range(61)]
    assert ranges.add(start, end) == of(members | frozenset(range(start, end)))
    assert frozenset(ranges.below(end)) == {member for member in members if member < end}
    assert ranges.covers(end) == (frozenset(range(end)) <= members)
    assert frozenset(RangeSet.whole(end)) == frozenset(range(end))


@given(MEMBERS, st.binary(max_size=3))
def test_every_set_comes_back(members: frozenset[int], before: bytes) -> None:
    encoded = encode_ranges(of(members))
    assert decode_ranges(before + encoded, len(before)) == (of(members), len(before) + len(encoded))
    for end in range(len(encoded)):
        with pytest.raises(MalformedInput):
            decode_ranges(encoded[:end])


def test_what_does_not_fit_is_left_out_from_the_end() -> None:
    many = of(frozenset(range(0, 4 * RANGES_MAX, 2)))
    decoded, _ = decode_ranges(encode_ranges(many))
    assert decoded.spans == many.spans[:RANGES_MAX]


@pytest.mark.parametrize("malformed", ["010000", "020101" + "0001", "01"])
def test_other_than_canonical_forms_are_refused(malformed: str) -> None:
    with pytest.raises(MalformedInput):
        decode_ranges(bytes.fromhex(malformed))


def test_more_ranges_than_allowed_are_refused_before_any_is_read() -> None:
    with pytest.raises(MalformedInput, match=str(RANGES_MAX + 1)):
        decode_ranges(encode_varint(RANGES_MAX + 1))
