"""The order of the queue: each rule decides only what the rules before it leave open."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from protocol.header import Priority
from sfhub.domain.worklist import HEAD_START_S_MAX, Waiting, worklist_order

BASE = Waiting(case="m", urgency=Priority.URGENT, needs_answer=True, score_worst=10, waiting_since_s=1000.0)
WAITING = st.builds(
    Waiting,
    case=st.text("abc", min_size=1, max_size=3),
    urgency=st.sampled_from(Priority),
    needs_answer=st.booleans(),
    score_worst=st.integers(0, 20),
    waiting_since_s=st.floats(0, 1e9),
)


def first_of(*cases: Waiting) -> str:
    return worklist_order(cases)[0].case


def test_class_goes_before_everything() -> None:
    emergency = replace(
        BASE,
        case="e",
        urgency=Priority.EMERGENCY,
        needs_answer=False,
        score_worst=0,
        waiting_since_s=2000.0,
    )
    assert first_of(BASE, emergency) == "e"


def test_who_needs_an_answer_goes_before_who_has_one() -> None:
    answered = replace(BASE, case="a", needs_answer=False, score_worst=20, waiting_since_s=0.0)
    assert first_of(answered, BASE) == "m"


def test_the_worst_that_a_score_may_be_counts() -> None:
    """Two inputs measured and five missing may be worse than a full score of 12."""
    partial = replace(BASE, case="p", score_worst=17, waiting_since_s=2000.0)
    assert first_of(replace(BASE, score_worst=12), partial) == "p"


def test_then_who_waits_longest() -> None:
    assert first_of(BASE, replace(BASE, case="z", waiting_since_s=999.0)) == "z"


def test_a_low_score_does_not_wait_for_as_long_as_higher_ones_come_in() -> None:
    """As when each day brings another case of which nothing was measured."""
    mild = replace(BASE, case="mild", score_worst=1, waiting_since_s=0.0)
    sick = [
        replace(BASE, case=f"sick {hour}", score_worst=20, waiting_since_s=hour * 3600.0)
        for hour in range(24)
    ]
    assert [case.case for case in worklist_order([*sick, mild])].index("mild") == 6


@given(WAITING, WAITING)
def test_nobody_of_a_class_is_passed_over_by_one_who_came_much_later(
    older: Waiting, younger: Waiting
) -> None:
    came_s = older.waiting_since_s + HEAD_START_S_MAX + 1.0
    late = replace(older, case="late", score_worst=younger.score_worst, waiting_since_s=came_s)
    assert worklist_order([late, older])[0] == older


@given(st.lists(WAITING, max_size=8), st.randoms(use_true_random=False))
def test_the_order_depends_on_the_cases_alone(cases: list[Waiting], random: Random) -> None:
    shuffled = list(cases)
    random.shuffle(shuffled)
    assert worklist_order(shuffled) == worklist_order(cases)
