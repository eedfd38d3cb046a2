"""What counts as today, by clocks that jump, stop and start again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.scheduler import NOTHING_SPENT, DayCount, Tariff, Tick, as_noted, counted
from sync.scheduler.spending import DAY_S, DAY_S_MIN, LEAP_DAYS_MAX, NOTE_EVERY_S

NOON_S = 20_000 * DAY_S + 12 * 3600


def tick(*, up_s: float = 1_000.0, wall_s: float = NOON_S, is_set: bool = True, boot: str = "one") -> Tick:
    return Tick(boot=boot, monotonic_s=up_s, wall_s=wall_s, is_set=is_set)


def spent(now: Tick) -> DayCount:
    return counted(NOTHING_SPENT, now).plus(usd=3.0, size_bytes=10)


def is_kept(count: DayCount, now: Tick) -> bool:
    return counted(count, now).usd == 3.0


def test_a_day_ends_at_midnight_utc() -> None:
    count = spent(tick())
    assert is_kept(count, tick(up_s=1_000 + 43_199, wall_s=NOON_S + 43_199))
    assert not is_kept(count, tick(up_s=1_000 + 43_201, wall_s=NOON_S + 43_201))


def test_a_clock_set_back_never_fills_a_cap_again() -> None:
    count = spent(tick())
    for back_s in (60, DAY_S, 400 * DAY_S):
        assert is_kept(count, tick(up_s=2_000, wall_s=NOON_S - back_s))
        assert is_kept(count, tick(up_s=10, wall_s=NOON_S - back_s, boot="two"))


def test_a_clock_set_back_for_good_does_not_close_a_link_for_ever() -> None:
    count = spent(tick())
    assert not is_kept(count, tick(up_s=1_000 + DAY_S, wall_s=NOON_S - 400 * DAY_S))


def test_a_clock_set_forward_within_a_day_is_not_believed() -> None:
    assert is_kept(spent(tick()), tick(up_s=1_060, wall_s=NOON_S + 30 * DAY_S))


def test_an_unset_clock_counts_a_day_of_running() -> None:
    count = spent(tick(is_set=False, wall_s=0))
    assert is_kept(count, tick(up_s=1_000 + DAY_S - 1, is_set=False, wall_s=0))
    assert not is_kept(count, tick(up_s=1_000 + DAY_S, is_set=False, wall_s=0))


def test_after_a_restart_only_a_set_clock_or_a_day_of_running_proves_another_day() -> None:
    count = spent(tick())
    assert is_kept(count, tick(boot="two", up_s=60, is_set=False, wall_s=60))
    assert not is_kept(count, tick(boot="two", up_s=60, wall_s=NOON_S + DAY_S))
    assert not is_kept(count, tick(boot="two", up_s=DAY_S, is_set=False, wall_s=DAY_S))


def test_a_day_that_began_without_a_clock_is_dated_once_it_is_set() -> None:
    began = spent(tick(is_set=False, wall_s=0.0))
    noted = as_noted(began, tick(up_s=1_000 + 3_600, wall_s=NOON_S + 3_600))
    assert noted.day == int(NOON_S // DAY_S)
    assert is_kept(noted, tick(boot="two", up_s=60.0, wall_s=NOON_S + 7_200))
    assert not is_kept(noted, tick(boot="two", up_s=60.0, wall_s=NOON_S + DAY_S))
    later_boot = as_noted(began, tick(boot="two", up_s=60.0))
    assert later_boot.day is None, "between two boots nobody knows how long it was"


def test_a_site_that_runs_for_hours_a_day_gets_a_cap_each_day_although_its_clock_is_set_late() -> None:
    days_fresh, count = 0, NOTHING_SPENT
    for number in range(6):
        boot, dawn_s = f"boot {number}", NOON_S + number * DAY_S
        at_start = tick(boot=boot, up_s=30.0, is_set=False, wall_s=0.0)
        count = as_noted(counted(count, at_start), at_start)
        for up_s in (600.0, 4 * 3_600.0):
            now = tick(boot=boot, up_s=up_s, wall_s=dawn_s + up_s)
            days_fresh += counted(count, now).usd == 0.0
            count = as_noted(counted(count, now).plus(usd=1.0, size_bytes=10), now)
    assert days_fresh == 6


YEARS_S = 5 * 365 * DAY_S


def days_until_fresh(count: DayCount, *, up_each_s: float, wall_from_s: float) -> int:
    """On how many days a machine that is switched off at night still counts the old day."""
    for day in range(400):
        boot, up_s = f"night {day}", 0.0
        while up_s <= up_each_s:
            now = tick(boot=boot, up_s=up_s, wall_s=wall_from_s + day * DAY_S + up_s)
            if not is_kept(count, now):
                return day
            count, up_s = as_noted(count, now), up_s + NOTE_EVERY_S
    raise AssertionError("it never ends")


def test_a_clock_that_was_years_ahead_freezes_a_day_for_a_day_of_running() -> None:
    count = as_noted(spent(tick(wall_s=NOON_S + YEARS_S)), tick(wall_s=NOON_S + YEARS_S))
    # Set right: with eight hours of running each day it is the third or fourth one, and not in five years.
    assert days_until_fresh(count, up_each_s=8 * 3600, wall_from_s=NOON_S) in (2, 3)
    assert days_until_fresh(count, up_each_s=16 * 3600, wall_from_s=NOON_S) == 1


def test_a_leap_of_years_over_a_restart_begins_no_day_before_a_day_of_running() -> None:
    now = tick(up_s=2_000)
    count = as_noted(spent(tick()), now)
    for days in (LEAP_DAYS_MAX + 1, 365, 20_000):
        assert is_kept(count, tick(boot="two", up_s=60, wall_s=NOON_S + days * DAY_S))
    assert not is_kept(count, tick(boot="two", up_s=60, wall_s=NOON_S + LEAP_DAYS_MAX * DAY_S))
    assert days_until_fresh(count, up_each_s=16 * 3600, wall_from_s=NOON_S + YEARS_S) == 1


@given(
    st.lists(
        st.tuples(st.floats(1, 40_000), st.floats(-3 * DAY_S, 3 * DAY_S), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_however_a_clock_is_set_days_are_no_shorter_than_days(
    steps: list[tuple[float, float, bool]],
) -> None:
    """Within one boot: at most one fresh count in each 23 hours that passed, and the first."""
    up_s, offset_s = 0.0, 0.0
    count, days = NOTHING_SPENT, 0
    for passed_s, jump_s, is_set in steps:
        up_s, offset_s = up_s + passed_s, offset_s + jump_s
        now = Tick(boot="one", monotonic_s=up_s, wall_s=max(0.0, NOON_S + up_s + offset_s), is_set=is_set)
        fresh = counted(count, now)
        days += fresh is not count
        count = fresh
    # A first day, and one after an unset clock was set, begin in the middle.
    assert days <= 1 + (up_s + 2 * DAY_S) / DAY_S_MIN


def test_a_tariff_rounds_minutes_up_to_its_steps() -> None:
    tariff = Tariff(usd_per_megabyte=2.0, usd_per_minute=1.2, increment_s=20.0, usd_per_message=0.1)
    assert tariff.cost_usd(size_bytes=500_000, connected_s=21.0, messages=3) == 1.0 + 0.8 + 0.3
    assert Tariff(usd_per_minute=1.2).cost_usd(size_bytes=9, connected_s=30.0) == 0.6
    assert Tariff().is_free


@given(
    st.lists(
        st.tuples(
            st.floats(1, 40_000), st.sampled_from(["on", "again"]), st.sampled_from([-YEARS_S, 0.0, YEARS_S])
        ),
        min_size=1,
        max_size=60,
    )
)
def test_over_restarts_too_a_clock_that_leaps_years_earns_no_day_but_its_first(
    steps: list[tuple[float, str, float]],
) -> None:
    """The machine is never off for long, and its clock is right, or years from right."""
    boot, boots, up_s, ran_s = "boot 0", 0, 0.0, 0.0
    count, days = NOTHING_SPENT, 0
    for passed_s, how, wrong_s in steps:
        if how == "again":
            boots, up_s = boots + 1, 0.0
            boot = f"boot {boots}"
        up_s, ran_s = up_s + passed_s, ran_s + passed_s
        now = Tick(boot=boot, monotonic_s=up_s, wall_s=NOON_S + ran_s + wrong_s, is_set=True)
        fresh = counted(count, now)
        days += fresh is not count
        count = as_noted(fresh.plus(usd=1.0, size_bytes=1), now)
    # Its true midnights, and what a first day, begun with a wrong clock, may lack.
    assert days <= 2 + (ran_s + DAY_S) / DAY_S_MIN


def test_a_session_is_billed_as_the_least_that_the_tariff_names() -> None:
    call = Tariff(usd_per_minute=1.2, increment_s=20.0, session_s_min=60.0, usd_per_session=0.5)
    assert call.cost_usd(size_bytes=900, connected_s=3.0) == 1.2 + 0.5
    assert call.cost_usd(size_bytes=900, connected_s=61.0) == pytest.approx(1.6 + 0.5)
    packets = Tariff(usd_per_megabyte=8.0, session_bytes_min=5_000)
    assert packets.cost_usd(size_bytes=900) == packets.cost_usd(size_bytes=5_000) == 0.04
    assert packets.cost_usd(size_bytes=10_000) == 0.08
    # A dial that found nobody is no session.
    assert call.cost_usd(size_bytes=0) == packets.cost_usd(size_bytes=0) == 0.0
    assert not Tariff(usd_per_session=0.5).is_free


@given(
    usd=st.floats(0.0, 50.0),
    per_minute=st.floats(0.01, 10.0),
    increment_s=st.sampled_from([0.0, 1.0, 20.0, 60.0]),
    session_s_min=st.sampled_from([0.0, 60.0]),
    size_bytes=st.integers(0, 1_000_000),
)
def test_what_is_paid_for_lasts_until_the_step_that_is_not(
    usd: float, per_minute: float, increment_s: float, session_s_min: float, size_bytes: int
) -> None:
    tariff = Tariff(
        usd_per_megabyte=2.0,
        usd_per_minute=per_minute,
        increment_s=increment_s,
        session_s_min=session_s_min,
    )
    paid_s = tariff.paid_s(usd, size_bytes=size_bytes)
    if paid_s:
        assert tariff.cost_usd(size_bytes=size_bytes, connected_s=paid_s) <= usd + 1e-6
    assert tariff.cost_usd(size_bytes=size_bytes, connected_s=paid_s + 0.01) > usd - 1e-6


def test_time_that_costs_nothing_is_never_used_up() -> None:
    assert Tariff(usd_per_megabyte=5.0).paid_s(1.0, size_bytes=9) == math.inf
    assert Tariff(usd_per_minute=5.0).paid_s(math.inf, size_bytes=9) == math.inf
    assert Tariff(usd_per_minute=1.44, increment_s=20.0).paid_s(0.48, size_bytes=9) == 20.0
