"""Times and amounts in words, whatever the clock says."""

from __future__ import annotations

import pytest

from tests.tui.story import NOW_S
from tui.moments import age, brief_moment, clock_face, moment, money, size, span


@pytest.mark.parametrize(("offset", "shown"), [(0, "21:42Z"), (540, "21:42Z 06:42"), (-210, "21:42Z 18:12")])
def test_both_clocks_are_shown_when_they_differ(offset: int, shown: str) -> None:
    assert clock_face(NOW_S, offset) == shown


@pytest.mark.parametrize(
    ("ago_s", "shown"),
    [(0, "21:42Z"), (22 * 3600, "21 Nov 23:42Z"), (365 * 86_400, "22 Nov 2025")],
)
def test_a_moment_says_its_day_when_it_is_not_today(ago_s: int, shown: str) -> None:
    assert moment(NOW_S - ago_s, NOW_S) == shown


@pytest.mark.parametrize(
    ("ago_s", "shown"), [(3600, "20:42Z"), (40 * 3600, "21 Nov"), (365 * 86_400, "22 Nov")]
)
def test_a_narrow_column_gets_the_day_alone(ago_s: int, shown: str) -> None:
    assert brief_moment(NOW_S - ago_s, NOW_S) == shown


def test_just_after_midnight_the_evening_before_needs_no_date() -> None:
    assert moment(NOW_S, NOW_S + 3 * 3600) == "21:42Z"


@pytest.mark.parametrize(
    ("ago_s", "shown"), [(-50, "now"), (59, "now"), (60, "1m"), (3599, "59m"), (3600, "1h"), (200_000, "2d")]
)
def test_an_age_is_short(ago_s: int, shown: str) -> None:
    assert age(NOW_S - ago_s, NOW_S) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "1 s"), (119, "119 s"), (121, "3 min"), (7_100, "119 min"), (7200, "2 h 00 min")],
)
def test_a_span_is_rounded_up(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (2_140, "2.1 kB"),
        (60_800, "61 kB"),
        (999_600, "1.0 MB"),
        (3_400_000, "3.4 MB"),
    ],
)
def test_a_size_has_two_digits(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(("usd", "shown"), [(0, "$0.00"), (0.002, "<$0.01"), (4.1, "$4.10")])
def test_a_little_money_is_not_shown_as_none(usd: float, shown: str) -> None:
    assert money(usd) == shown
