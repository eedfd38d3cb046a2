"""Validity and rechecks on a clock that runs on through restarts, and honest when it cannot tell."""

from __future__ import annotations

import dataclasses

import pytest

from protocol.clinical import Closed, Vitals
from protocol.records import Record
from protocol.stamps import Certainty
from sfnode.domain.moments import Moment
from sfnode.domain.rechecks import missed_rechecks, recheck_due_in_s, recheck_text, validity_text
from tests.sfnode.domain.chart import NOW_S, Chart, moment


def replied(
    *, recheck_every_min: int | None = None, valid_for_min: int | None = None
) -> tuple[Chart, Record]:
    chart = Chart()
    return chart, chart.reply(recheck_every_min=recheck_every_min, valid_for_min=valid_for_min)


def restarted(after_s: float, *, up_s: float = 20.0, certainty: Certainty = Certainty.SYNCED) -> Moment:
    """A moment after a restart, `after_s` later by a wall clock of that certainty."""
    wall_s = int(NOW_S + after_s) if certainty is not Certainty.UNSET else int(up_s)
    return Moment(boot="boot 2", monotonic_s=up_s, wall_s=wall_s, certainty=certainty)


@pytest.mark.parametrize(
    ("after_s", "text"),
    [
        (0, "valid for 6 h more"),
        (3_600, "valid for 5 h more"),
        (5.25 * 3_600, "valid for 45 min more"),
        (6 * 3_600 - 1, "valid for 0 min more"),
        (6 * 3_600, "NO LONGER VALID"),
        (1e6, "NO LONGER VALID"),
    ],
)
def test_validity_runs_from_when_the_reply_was_first_seen(after_s: float, text: str) -> None:
    chart, reply = replied(valid_for_min=360)
    assert validity_text(reply, chart.file(), moment(after_s)) == text
    assert validity_text(reply, chart.file(), restarted(after_s)) in (text, "cannot tell: confirm")


def test_validity_survives_a_restart_and_an_unset_clock_cannot_tell() -> None:
    chart, reply = replied(valid_for_min=360)
    assert validity_text(reply, chart.file(), restarted(3_600)) == "valid for 5 h more"
    unset = restarted(3_600, certainty=Certainty.UNSET)
    assert validity_text(reply, chart.file(), unset) == "cannot tell: confirm"


def test_the_wall_clock_may_jump_within_a_boot() -> None:
    chart, reply = replied(valid_for_min=360)
    jumped = dataclasses.replace(moment(3_600), wall_s=NOW_S + 10**8)
    assert validity_text(reply, chart.file(), jumped) == "valid for 5 h more"


def test_no_limit_is_no_limit() -> None:
    chart, reply = replied()
    assert validity_text(reply, chart.file(), restarted(0, certainty=Certainty.UNSET)) == "no limit stated"
    assert recheck_due_in_s(reply, chart.file(), moment(1e6)) is None
    assert recheck_text(reply, chart.file(), moment(1e6)) == ""


def test_a_recheck_is_due_after_the_interval_and_vitals_begin_it_anew() -> None:
    chart, reply = replied(recheck_every_min=30)
    assert recheck_due_in_s(reply, chart.file(), moment(600)) == 1_200
    assert recheck_text(reply, chart.file(), moment(600)) == "recheck in 20 min"
    chart.pass_time(1_500)
    chart.vitals(spo2_percent=96)
    assert recheck_due_in_s(reply, chart.file(), moment(1_800)) == 1_500
    assert recheck_text(reply, chart.file(), moment(1_500 + 2_400)) == "RECHECK MISSED by 10 min"


def test_vitals_written_down_late_are_as_old_as_they_say() -> None:
    chart, reply = replied(recheck_every_min=30)
    chart.pass_time(3_600)
    chart.site(Vitals(observed_s=NOW_S + 600, spo2_percent=96))
    assert recheck_due_in_s(reply, chart.file(), moment(3_600)) == -1_200
    chart.site(Vitals(observed_s=NOW_S + 99_999, spo2_percent=96))
    assert recheck_due_in_s(reply, chart.file(), moment(3_600)) == 1_800


def test_a_recheck_survives_a_restart() -> None:
    chart, reply = replied(recheck_every_min=30)
    assert recheck_due_in_s(reply, chart.file(), restarted(600)) == 1_200
    unset = restarted(600, certainty=Certainty.UNSET)
    assert recheck_due_in_s(reply, chart.file(), unset) is None
    assert recheck_text(reply, chart.file(), unset) == "cannot tell: confirm"


def test_vitals_taken_since_an_unset_clock_can_be_told_again() -> None:
    chart, reply = replied(recheck_every_min=30)
    chart.now = restarted(600, certainty=Certainty.UNSET)
    chart.vitals(spo2_percent=96)
    later = dataclasses.replace(chart.now, monotonic_s=chart.now.monotonic_s + 600)
    assert recheck_due_in_s(reply, chart.file(), later) == 1_200
    # But once that interval is over, an older set of unknown age proves nothing.
    overdue = dataclasses.replace(chart.now, monotonic_s=chart.now.monotonic_s + 3_600)
    assert recheck_due_in_s(reply, chart.file(), overdue) is None


def test_an_unset_clock_does_not_make_new_values_old() -> None:
    chart, reply = replied(recheck_every_min=30)
    chart.now = restarted(0, up_s=20_000, certainty=Certainty.UNSET)
    chart.site(Vitals(observed_s=100, spo2_percent=96))
    assert recheck_due_in_s(reply, chart.file(), chart.now) == 1_800


def test_a_missed_recheck_alarms_once_for_each_interval() -> None:
    chart, _ = replied(recheck_every_min=30)
    assert missed_rechecks(chart.file(), moment(1_799)) == ()
    (first,) = missed_rechecks(chart.file(), moment(1_801))
    (same,) = missed_rechecks(chart.file(), moment(3_599))
    (second,) = missed_rechecks(chart.file(), moment(3_601))
    assert first.subject == same.subject != second.subject
    assert "RECHECK MISSED by 30 min" in second.text
    assert "nothing is watched until values are entered" in second.text


def test_when_nobody_can_tell_a_person_is_asked_once() -> None:
    chart, _ = replied(recheck_every_min=30)
    (alarm,) = missed_rechecks(chart.file(), restarted(600, certainty=Certainty.UNSET))
    assert "take them now" in alarm.text


def test_a_closed_case_and_a_reply_without_a_rule_do_not_ring() -> None:
    chart, _ = replied(recheck_every_min=30)
    chart.site(Closed(outcome="well"))
    assert missed_rechecks(chart.file(), moment(10_000)) == ()
    chart, _ = replied()
    assert missed_rechecks(chart.file(), restarted(0, certainty=Certainty.UNSET)) == ()
