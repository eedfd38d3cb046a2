"""The lines around every screen: what they keep when there is little room, and what they never cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui import story
from tui.lines import Tone, text_of, width_of
from tui.sheets.frame import FOOTER_KEYS_MAX, KeyHint, alarm_lines, key_line, status_line, unacknowledged
from tui.site import Site

WIDTHS = [40, 60, 80, 120]


def site(**changes: object) -> Site:
    return Site(status=story.status(**changes), cases=story.rows())


@pytest.mark.parametrize("width", WIDTHS)
def test_the_status_fits_and_keeps_site_and_clock(width: int) -> None:
    content = status_line(site(), story.NOW_S, 540, width)
    assert width_of(content) == width
    assert "MV EXAMPLE" in text_of(content)
    assert "21:42Z 06:42" in text_of(content)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_link_and_what_waits_go_last(width: int) -> None:
    text = text_of(status_line(site(), story.NOW_S, 540, width))
    assert "link up, certus-100"[: width - 40] in text
    if width >= 80:
        assert "unsent 3 items 41 kB" in text


@pytest.mark.parametrize("width", [80, 100])
def test_a_long_reason_does_not_hide_what_waits(width: int) -> None:
    down = site(
        link="down since 21:40Z: the hub's address does not answer, for a reason nobody knows", link_up=False
    )
    text = text_of(status_line(down, story.NOW_S, 540, width))
    assert "link down since 21:40Z" in text
    assert "unsent 3 items 41 kB" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_hub_that_is_not_reached_does_not_hide_behind_one_that_is(width: int) -> None:
    duty, burns = story.HUBS
    apart = site(hubs=(duty, replace(burns, link="no link to Burns centre", link_up=False)))
    line = status_line(apart, story.NOW_S, 540, width)
    assert "1 of 2 hubs reached" in text_of(line)
    (said,) = [span for span in line if "hubs reached" in span.text]
    assert said.tone is Tone.WARNING
    together = status_line(site(hubs=story.HUBS), story.NOW_S, 540, width)
    (said,) = [span for span in together if "2 of 2 hubs reached" in span.text]
    assert said.tone is Tone.GOOD


def test_a_locked_vault_and_a_missing_hub_are_said() -> None:
    assert "LOCKED" in text_of(status_line(site(vault="locked"), story.NOW_S, 0, 80))
    assert "no hub yet" in text_of(status_line(site(hub=None), story.NOW_S, 0, 80))


def test_a_lost_daemon_takes_the_place_of_the_link() -> None:
    known = site()
    known.trouble = "sfnode does not answer: trying again"
    text = text_of(status_line(known, story.NOW_S, 0, 80))
    assert "sfnode does not answer" in text
    assert "link up" not in text


def test_before_anything_is_known_nothing_is_claimed() -> None:
    text = text_of(status_line(Site(), story.NOW_S, 0, 80))
    assert "connecting" in text
    assert "unsent" not in text


@pytest.mark.parametrize("width", WIDTHS)
def test_an_alarm_is_whole_names_its_patient_and_says_how_to_acknowledge(width: int) -> None:
    known = site()
    known.alarms = (story.alarm(),)
    lines = alarm_lines(known, story.NOW_S, width, typing=False)
    text = " ".join(text_of(content).strip() for content in lines)
    joined = " ".join(text.split())
    for words in ("!! ALARM", "P-0917 54 M", "give oxygen 10 l/min (order 3)", "a: acknowledge"):
        assert words in joined
    assert all(width_of(content) == width for content in lines)
    assert {span.tone for content in lines for span in content} == {Tone.ALARM}


def test_while_a_field_has_the_keyboard_the_alarm_says_to_leave_it_first() -> None:
    known = site()
    known.alarms = (story.alarm(),)
    assert "Esc, then a" in text_of(alarm_lines(known, story.NOW_S, 80, typing=True)[-1])


def test_the_worst_alarm_stands_first_then_the_oldest() -> None:
    warning = story.alarm(1, severity="warning", since_s=0)
    young, old = story.alarm(2, since_s=200), story.alarm(3, since_s=100)
    seen = story.alarm(4, since_s=0, acknowledged_by="J. Medic")
    assert [alarm.alarm for alarm in unacknowledged((warning, young, old, seen))] == [3, 2, 1]


def test_an_acknowledged_alarm_leaves_the_banner() -> None:
    known = site()
    known.alarms = (story.alarm(acknowledged_by="J. Medic"),)
    assert alarm_lines(known, story.NOW_S, 80, typing=False) == ()


def test_an_endless_alarm_does_not_push_the_plan_off_the_screen() -> None:
    known = site()
    known.alarms = (story.alarm(text="word " * 500),)
    lines = alarm_lines(known, story.NOW_S, 80, typing=False)
    assert len(lines) <= 6
    assert "~" in text_of(lines[-1])


def test_the_footer_has_six_keys_and_dims_what_cannot_be_done() -> None:
    hints = [KeyHint(str(number), f"act {number}", enabled=number != 2) for number in range(9)]
    content = key_line(hints, 120)
    assert text_of(content).count("act") == FOOTER_KEYS_MAX
    assert [span.tone for span in content if span.text.strip() == "2"] == [Tone.FAINT]
