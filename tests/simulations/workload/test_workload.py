"""Consults come as often and as urgent as their mix says; specialists take them in the hub's order."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from protocol.header import Priority
from simulations.workload import Desk, consults_of
from simulations.world import Clinicians, load_world

DAY_S = 86_400.0
MIX = load_world("small-fleet").groups[0].mix
ANYTHING = Clinicians(name="a", count=1, skills=(), from_hour=0, until_hour=0, reading_s=600)


def test_a_mix_is_kept_over_a_long_time() -> None:
    mix = replace(MIX, cases_per_day=2.0)
    consults = list(consults_of(mix, until_s=2_000 * DAY_S, seed="a"))
    assert len(consults) == pytest.approx(4_000, rel=0.06)
    assert [each.opened_s for each in consults] == sorted(each.opened_s for each in consults)
    for priority in Priority:
        share = sum(each.priority is priority for each in consults) / len(consults)
        assert share == pytest.approx(mix.urgency[priority], abs=0.025)
    photos = [len(each.photos_bytes) for each in consults]
    assert sum(photos) / len(photos) == pytest.approx(mix.photos, rel=0.1)
    sizes = sorted(each.text_bytes for each in consults)
    assert sizes[len(sizes) // 2] == pytest.approx(mix.text_bytes, rel=0.05)
    assert sum(len(each.follow_ups) for each in consults) / len(consults) == pytest.approx(2.5, rel=0.1)


def test_the_seed_decides() -> None:
    assert list(consults_of(MIX, until_s=99 * DAY_S, seed="a")) == list(
        consults_of(MIX, until_s=99 * DAY_S, seed="a")
    )
    assert list(consults_of(MIX, until_s=99 * DAY_S, seed="a")) != list(
        consults_of(MIX, until_s=99 * DAY_S, seed="b")
    )
    assert list(consults_of(replace(MIX, cases_per_day=0.0), until_s=DAY_S, seed="a")) == []


def desk(*people: Clinicians) -> Desk:
    return Desk(people, seed="desk")


def test_the_most_urgent_case_is_read_first_and_an_emergency_gets_advice_early() -> None:
    one = desk(ANYTHING)
    for case, priority in enumerate((Priority.ROUTINE, Priority.EMERGENCY, Priority.URGENT)):
        one.add(case, priority=priority, complaint="skin", at_s=float(case))
    (first,) = one.take(10.0)
    assert first.case == 1
    assert first.advised_s is not None
    assert 10 < first.advised_s < first.answered_s
    assert one.waiting() == (0, 1, 1, 0)
    assert one.take(11.0) == []
    assert one.next_s(11.0) == first.answered_s
    (second,) = one.take(first.answered_s)
    assert (second.case, second.advised_s) == (2, None)


def test_a_case_waits_for_the_skill_it_needs_and_the_narrow_expert_goes_first() -> None:
    skin = replace(ANYTHING, skills=("skin",))
    both = desk(ANYTHING, skin)
    both.add(1, priority=Priority.ROUTINE, complaint="skin", at_s=0.0)
    both.add(2, priority=Priority.ROUTINE, complaint="injury", at_s=1.0)
    assert sorted(reading.case for reading in both.take(2.0)) == [1, 2]
    only = desk(skin)
    only.add(1, priority=Priority.EMERGENCY, complaint="injury", at_s=0.0)
    assert only.take(0.0) == []


def test_nobody_reads_outside_their_shift() -> None:
    day = desk(replace(ANYTHING, from_hour=8, until_hour=16))
    day.add(1, priority=Priority.EMERGENCY, complaint="skin", at_s=0.0)
    assert day.take(3 * 3_600.0) == []
    assert day.next_s(3 * 3_600.0) == 8 * 3_600.0
    assert len(day.take(8 * 3_600.0)) == 1
    assert math.isinf(day.next_s(9 * 3_600.0))


def test_a_case_is_in_the_queue_once() -> None:
    one = desk(ANYTHING)
    for _ in range(3):
        one.add(1, priority=Priority.URGENT, complaint="skin", at_s=0.0)
    assert one.waiting() == (0, 1, 0, 0)
    assert len(one.take(0.0)) == 1
    assert one.take(10_000.0) == []
