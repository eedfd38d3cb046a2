"""Intervals of arrival: none before enough contacts, honest about what shared one, and true of what comes."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from sync.scheduler import Measured
from sync.scheduler.arrival import CONTACTS_BEFORE_FORECAST, INSIDE_SHARE, Arrivals, Arrived, soonest_s


def alike(count: int, *, waited_s: float = 0.0, longer: float = 1.0) -> list[Arrived]:
    return [
        Arrived(soonest_s=10.0, waited_s=waited_s, actual_s=waited_s + longer * 10.0, contact=number)
        for number in range(count)
    ]


def test_there_is_no_forecast_before_enough_contacts() -> None:
    few = Arrivals(alike(CONTACTS_BEFORE_FORECAST - 1))
    assert (few.interval(10.0), few.contacts) == (None, CONTACTS_BEFORE_FORECAST - 1)
    interval = Arrivals(alike(CONTACTS_BEFORE_FORECAST)).interval(10.0)
    assert interval is not None
    assert interval.contacts == CONTACTS_BEFORE_FORECAST


def test_what_shared_one_contact_counts_as_one() -> None:
    shared = [Arrived(soonest_s=1.0, actual_s=2.0, contact=1) for _ in range(40)]
    assert Arrivals(shared).interval(1.0) is None
    assert Arrivals(shared).contacts == 1


def test_the_wait_for_a_contact_does_not_grow_with_the_size() -> None:
    arrivals = Arrivals(alike(20, waited_s=3_600.0, longer=2.0))
    small, large = arrivals.interval(10.0), arrivals.interval(600.0)
    assert small is not None
    assert large is not None
    assert (small.low_s, small.high_s) == (3_620, 3_620)
    assert (large.low_s, large.high_s) == (4_800, 4_800)


def test_of_a_contact_that_carried_much_the_first_and_the_last_count() -> None:
    spread = [
        Arrived(soonest_s=10.0, actual_s=actual_s, contact=number)
        for number in range(20)
        for actual_s in (10.0, 40.0)
    ]
    interval = Arrivals(spread).interval(10.0)
    assert interval is not None
    assert (interval.low_s, interval.high_s) == (10, 40)


def test_most_of_what_comes_next_comes_inside() -> None:
    chance = random.Random(7)
    inside, told, past = 0, 0, Arrivals()
    for _ in range(600):
        estimated_s, actual_s = chance.uniform(5, 60), 0.0
        interval = past.interval(estimated_s)
        actual_s = estimated_s * chance.lognormvariate(0.3, 0.6)
        if interval is not None:
            told += 1
            inside += interval.holds(actual_s)
        past.learn(estimated_s=estimated_s, actual_s=actual_s)
    assert inside / told >= INSIDE_SHARE


@given(
    st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0, 1e5), st.floats(0, 1e5)), min_size=8, max_size=80),
    st.floats(0.01, 1e5),
)
def test_an_interval_is_never_upside_down(seen: list[tuple[float, float, float]], next_s: float) -> None:
    rows = [
        Arrived(soonest_s=soonest, waited_s=waited, actual_s=waited + longer, contact=number)
        for number, (soonest, waited, longer) in enumerate(seen)
    ]
    interval = Arrivals(rows).interval(next_s)
    assert interval is not None
    assert 0 <= interval.low_s <= interval.high_s


def test_the_soonest_moment_counts_half_a_round_trip_and_all_that_goes_first() -> None:
    measured = Measured(rate_bytes_s=100.0, rtt_s=2.0, overhead_bytes=200)
    assert soonest_s(measured, 1_000) == 1.0 + (1_040 + 100) / 100
