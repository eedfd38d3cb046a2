"""A service plan knows when a link works and when it next fails."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from simulations.links import Cycle, Outage, RandomOutages, ServicePlan
from simulations.links.service import DrawnOutages


def test_without_outages_a_link_never_fails() -> None:
    plan = ServicePlan()
    assert plan.is_up(0.0)
    assert plan.next_down_s(5.0) == math.inf


def test_an_outage_includes_its_start_and_excludes_its_end() -> None:
    plan = ServicePlan((Outage(10, 5), Outage(30, 1)))
    assert [plan.is_up(at) for at in (9.9, 10.0, 14.9, 15.0, 30.5, 31.0)] == [
        True, False, False, True, False, True,
    ]  # fmt: skip
    assert plan.next_down_s(0.0) == 10
    assert plan.next_down_s(12.0) == 12.0
    assert plan.next_down_s(15.0) == 30
    assert plan.next_down_s(31.0) == math.inf


def test_a_cycle_repeats() -> None:
    plan = ServicePlan(cycle=Cycle(up_s=300, down_s=60))
    assert [plan.is_up(at) for at in (0.0, 299.0, 300.0, 359.0, 360.0, 660.0)] == [
        True, True, False, False, True, False,
    ]  # fmt: skip
    assert plan.next_down_s(0.0) == 300
    assert plan.next_down_s(361.0) == 660


@given(
    at_s=st.floats(0, 5_000),
    up_s=st.floats(1, 500),
    down_s=st.floats(1, 500),
    start_s=st.floats(0, 4_000),
)
def test_between_now_and_the_next_failure_the_link_is_up(
    at_s: float, up_s: float, down_s: float, start_s: float
) -> None:
    plan = ServicePlan((Outage(start_s, 50),), Cycle(up_s, down_s))
    fails_at_s = plan.next_down_s(at_s)
    if not plan.is_up(at_s):
        assert fails_at_s == at_s
        return
    assert fails_at_s > at_s
    assert plan.is_up(at_s + (fails_at_s - at_s) * 0.5)
    assert not plan.is_up(fails_at_s + 1e-6)
    returns_at_s = plan.next_up_s(fails_at_s + 1e-6)
    assert returns_at_s > fails_at_s
    assert plan.is_up(returns_at_s + 1e-6)


def test_a_cycle_may_be_under_way_when_the_link_is_opened() -> None:
    plan = ServicePlan(cycle=Cycle(up_s=300, down_s=60, phase_s=310))
    assert not plan.is_up(0.0)
    assert plan.next_up_s(0.0) == 50


def test_service_returns_when_every_reason_for_its_absence_is_over() -> None:
    plan = ServicePlan((Outage(0, 30), Outage(30, 10), Outage(90, 400)), Cycle(up_s=50, down_s=50))
    assert plan.next_up_s(0.0) == 40
    assert plan.next_up_s(60.0) == 500


@given(seed=st.integers(0, 1_000), asked=st.lists(st.floats(0, 100_000), min_size=1, max_size=20))
def test_drawn_outages_depend_on_the_seed_and_not_on_who_asks_when(seed: int, asked: list[float]) -> None:
    bounds = RandomOutages(up_s_min=30, up_s_max=90, down_s_min=10, down_s_max=40)
    plan = DrawnOutages(bounds, seed)
    answers = [plan.is_up(at_s) for at_s in asked]
    other = DrawnOutages(bounds, seed)
    assert [other.is_up(at_s) for at_s in reversed(asked)] == answers[::-1]
    for at_s in asked:
        down_s = plan.next_down_s(plan.next_up_s(at_s))
        up_s = plan.next_up_s(down_s)
        assert 10 <= up_s - down_s <= 40
        assert 30 <= plan.next_down_s(up_s) - up_s <= 90
