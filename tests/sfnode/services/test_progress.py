"""Rate, time left and pauses: computed from what was receipted, and bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnode.services.progress import RATE_WINDOW_S, RateMeter


def test_nothing_measured_is_not_called_a_rate() -> None:
    meter = RateMeter()
    assert meter.bytes_s is None
    meter.begin(10.0)
    assert meter.bytes_s is None
    meter.add(0, 11.0)
    assert meter.bytes_s is None


def test_the_rate_is_what_became_durable_over_the_time_it_took() -> None:
    meter = RateMeter()
    meter.begin(100.0)
    for second in range(1, 11):
        meter.add(250, 100.0 + second)
    assert meter.bytes_s == pytest.approx(250)


def test_time_between_contacts_does_not_slow_the_rate_down() -> None:
    meter = RateMeter()
    meter.begin(0.0)
    meter.add(1_000, 1.0)
    meter.begin(10_000.0)
    meter.add(1_000, 10_001.0)
    assert meter.bytes_s == pytest.approx(1_000)


def test_a_link_that_fades_shows_within_the_window() -> None:
    meter = RateMeter()
    meter.begin(0.0)
    for second in range(1, 40):
        meter.add(2_000, float(second))
    for second in range(40, 40 + int(RATE_WINDOW_S) + 2):
        meter.add(100, float(second))
    assert meter.bytes_s == pytest.approx(100, rel=0.05)


@given(receipts=st.lists(st.tuples(st.floats(0.001, 60), st.integers(0, 65_536)), min_size=1, max_size=700))
def test_the_rate_never_exceeds_the_fastest_moment(receipts: list[tuple[float, int]]) -> None:
    meter, now_s = RateMeter(), 0.0
    meter.begin(now_s)
    for pause_s, size in receipts:
        now_s += pause_s
        meter.add(size, now_s)
    fastest = max(size / pause_s for pause_s, size in receipts)
    assert meter.bytes_s is None or 0 < meter.bytes_s <= fastest * 1.001
