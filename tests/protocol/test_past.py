"""The sum over lives that ended: of any two that differ in anything it differs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import Incarnation
from protocol.past import PastLife, fork_of, past_digest
from protocol.ranges import RangeSet

NUMBERS = st.sets(st.integers(1, 9)).map(lambda chosen: RangeSet.of((each, each + 1) for each in chosen))
LIVES = st.lists(
    st.builds(
        PastLife,
        incarnation=st.sampled_from([Incarnation(bytes([each]) * 4) for each in range(4)]),
        held=NUMBERS,
        digest=st.integers(0, 3),
        owed=NUMBERS,
    ),
    unique_by=lambda life: life.incarnation,
    max_size=4,
)


def told(lives: list[PastLife]) -> set[PastLife]:
    return {life for life in lives if life.held.spans or life.owed.spans}


@given(LIVES, LIVES)
def test_it_is_the_same_just_for_the_same_lives_in_whatever_order(
    one: list[PastLife], other: list[PastLife]
) -> None:
    assert past_digest(one) == past_digest(reversed(one))
    assert (past_digest(one) == past_digest(other)) is (told(one) == told(other))


@given(LIVES)
def test_a_promise_that_was_forgotten_is_seen(lives: list[PastLife]) -> None:
    for life in told(lives):
        if life.owed.spans:
            others = [each for each in lives if each != life]
            assert past_digest(lives) != past_digest([*others, replace(life, owed=RangeSet())])


def test_where_nothing_is_past_it_is_nothing() -> None:
    assert past_digest(()) == 0


def test_known_sums() -> None:
    """For whoever writes a second implementation."""
    life = Incarnation(b"past")
    held, owed = RangeSet.of([(1, 4)]), RangeSet.of([(2, 3)])
    assert fork_of(life).hex() == "dc09cc98"
    assert (
        f"{past_digest([PastLife(incarnation=life, held=held, digest=5, owed=owed)]):016x}"
        == "7073991326468d01"
    )
