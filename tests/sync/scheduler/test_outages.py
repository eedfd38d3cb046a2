"""How long links stayed dark, and what that says of an outage under way."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.scheduler.arrival import CONTACTS_BEFORE_FORECAST, Arrivals, Arrived
from sync.scheduler.outages import OUTAGE_S_MAX, OUTAGES_BEFORE_FORECAST, Outages, outages
from sync.scheduler.windows import Spell

GAP_S_MAX = 150.0


def spells(*each: tuple[float, float, bool]) -> list[Spell]:
    return [
        Spell(began_s=began_s, ended_s=ended_s, lasted_s=ended_s - began_s, reached=reached)
        for began_s, ended_s, reached in each
    ]


def seen(*each: tuple[float, float, bool]) -> Outages:
    return outages(spells(*each), gap_s_max=GAP_S_MAX)


def test_an_outage_lasts_from_the_first_attempt_in_vain_to_the_next_contact() -> None:
    assert seen((0, 50, True), (60, 70, False), (90, 500, False), (600, 620, True)) == Outages((540.0,), None)


def test_the_one_under_way_began_with_its_first_attempt() -> None:
    assert seen((0, 50, True), (60, 70, False), (90, 500, False)) == Outages((), 60.0)


def test_an_end_that_nobody_watched_teaches_nothing() -> None:
    assert seen((60, 70, False), (70 + GAP_S_MAX + 1, 300, True)) == Outages((), None)


def test_what_was_not_watched_may_be_another_outage() -> None:
    assert seen((60, 70, False), (5_000, 5_001, False)).since_s == 5_000.0


def test_a_clock_that_leaps_in_an_outage_teaches_nothing() -> None:
    late_s = 70 + OUTAGE_S_MAX
    assert seen((60, late_s, False), (late_s + 10, late_s + 20, True)) == Outages((), None)
    assert seen((1_000, 1_010, False), (900, 910, True)) == Outages((), None)


def test_only_outages_that_lasted_as_long_say_how_long_this_one_goes_on() -> None:
    known = Outages((100.0, 200.0, 300.0), since_s=1_000.0)
    assert known.left_s(1_000.0) == (100.0, 200.0, 300.0)
    assert known.left_s(1_150.0) == (50.0, 150.0)
    assert known.left_s(1_300.0) == ()
    assert known.left_s(500.0) == (100.0, 200.0, 300.0)  # A clock that was set back.
    assert Outages((100.0,)).left_s(1_000.0) == ()


@given(st.lists(st.tuples(st.floats(0, 400), st.booleans()), max_size=30))
def test_what_was_watched_is_never_longer_than_the_diary(steps: Sequence[tuple[float, bool]]) -> None:
    found, at_s = [], 0.0
    for length_s, reached in steps:
        found.append((at_s, at_s + length_s / 2, reached))
        at_s += length_s
    known = seen(*found)
    assert sum(known.lasted_s) <= at_s
    assert (known.since_s is not None) == (bool(steps) and not steps[-1][1])


def learnt(wait_s: float = 5.0) -> Arrivals:
    return Arrivals(
        Arrived(soonest_s=10.0, actual_s=wait_s + 10.0, waited_s=wait_s)
        for _ in range(CONTACTS_BEFORE_FORECAST)
    )


def test_in_an_outage_its_rest_is_waited_for_and_not_what_others_have_waited() -> None:
    left_s = [600.0 + 60.0 * number for number in range(OUTAGES_BEFORE_FORECAST)]
    interval = learnt().interval(10.0, left_s)
    assert interval is not None
    assert (interval.low_s, interval.high_s) == (610, 600 + 60 * (OUTAGES_BEFORE_FORECAST - 1) + 10)
    assert (interval.contacts, interval.outages) == (CONTACTS_BEFORE_FORECAST, OUTAGES_BEFORE_FORECAST)


@pytest.mark.parametrize("count", [0, OUTAGES_BEFORE_FORECAST - 1])
def test_an_outage_that_few_have_outlasted_has_no_forecast(count: int) -> None:
    assert learnt().interval(10.0, [60.0] * count) is None
    assert learnt().interval(10.0) is not None
