"""What a medic types for a time or a list means one thing."""

from __future__ import annotations

import pytest

from tests.tui.story import NOW_S
from tui.spoken import BadMoment, means_none_known, read_list, read_moment


@pytest.mark.parametrize(
    ("typed", "ago_s"),
    [
        ("now", 0),
        ("20m", 1200),
        ("20 min ago", 1200),
        ("2h ago", 7200),
        ("3d", 259_200),
        ("21:30", 720),
        ("2130", 720),
        ("21:30Z", 720),
        ("9:00", 45_720),
        ("2026-11-22T21:30Z", 720),
        ("2026-11-22T22:30+01:00", 720),
    ],
)
def test_a_time_is_read(typed: str, ago_s: int) -> None:
    assert read_moment(typed, NOW_S) == NOW_S - ago_s


def test_a_clock_time_that_is_still_to_come_was_yesterday() -> None:
    assert read_moment("21:50", NOW_S) == NOW_S + 480 - 86_400


@pytest.mark.parametrize("typed", ["25:00", "12:61", "soon", "", "2026-13-01", "20 weeks ago"])
def test_what_is_no_time_is_refused_with_examples(typed: str) -> None:
    with pytest.raises(BadMoment, match="40m ago"):
        read_moment(typed, NOW_S)


def test_a_list_has_commas_or_semicolons() -> None:
    assert read_list("aspirin 75 mg; metformin , ") == ["aspirin 75 mg", "metformin"]


@pytest.mark.parametrize("typed", ["none", "None known", "NKDA", "no", "-"])
def test_asked_and_none_is_an_answer(typed: str) -> None:
    assert means_none_known(typed)


@pytest.mark.parametrize("typed", ["", "penicillin", "not sure", "nonoxynol"])
def test_everything_else_is_not_none_known(typed: str) -> None:
    assert not means_none_known(typed)
