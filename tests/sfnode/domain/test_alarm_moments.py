"""Whoever looks only when `next_recheck_alarm_in_s` says hears all that one who looks each minute hears, and
never later."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.clinical import Closed, Vitals
from protocol.stamps import Certainty
from sfnode.domain.moments import Moment
from sfnode.domain.rechecks import missed_rechecks, next_recheck_alarm_in_s
from tests.sfnode.domain.chart import NOW_S, Chart, moment

MINUTE_S = 60
SPAN_S = 12 * 3_600


@dataclass
class Watched:
    """A case, and the clocks of the machine that watches it."""

    boot: int = 1
    up_since_s: int = -1_000
    wall_ahead_s: int = 0
    certainty: Certainty = Certainty.SYNCED
    chart: Chart = field(default_factory=Chart)

    def moment(self, at_s: int) -> Moment:
        return Moment(
            boot=f"boot {self.boot}",
            monotonic_s=float(at_s - self.up_since_s),
            wall_s=max(0, NOW_S + at_s + self.wall_ahead_s),
            certainty=self.certainty,
        )

    def subjects(self, at_s: int) -> list[bytes]:
        return [alarm.subject for alarm in missed_rechecks(self.chart.file(), self.moment(at_s))]

    def wait_s(self, at_s: int) -> float:
        return next_recheck_alarm_in_s(self.chart.file(), self.moment(at_s))

    # What may happen.

    def reply(self, every_min: int) -> None:
        self.chart.reply(recheck_every_min=every_min)

    def vitals(self, late_s: int) -> None:
        self.chart.site(Vitals(observed_s=max(0, self.chart.now.wall_s - late_s), spo2_percent=96))

    def restart(self, at_s: int) -> None:
        self.boot += 1
        self.up_since_s = at_s - 10

    def set_clock(self, ahead_s: int) -> None:
        self.wall_ahead_s, self.certainty = ahead_s, Certainty.SYNCED

    def lose_clock(self) -> None:
        self.wall_ahead_s, self.certainty = -NOW_S, Certainty.UNSET

    def close(self) -> None:
        self.chart.site(Closed(outcome="well"))


Happening = tuple[str, int]
HAPPENINGS = st.one_of(
    st.tuples(st.just("reply"), st.sampled_from([1, 5, 30, 240])),
    st.tuples(st.just("vitals"), st.sampled_from([0, 600, 7_200])),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("set clock"), st.sampled_from([0, -86_400, 7_200])),
    st.tuples(st.just("lose clock"), st.just(0)),
    st.tuples(st.just("close"), st.just(0)),
)
STORIES = st.lists(st.tuples(st.integers(0, SPAN_S), HAPPENINGS), max_size=6)


def befall(watched: Watched, at_s: int, happening: Happening) -> None:
    watched.chart.now = watched.moment(at_s)
    what, value = happening
    deeds: dict[str, Callable[[], None]] = {
        "reply": lambda: watched.reply(value),
        "vitals": lambda: watched.vitals(value),
        "restart": lambda: watched.restart(at_s),
        "set clock": lambda: watched.set_clock(value),
        "lose clock": watched.lose_clock,
        "close": watched.close,
    }
    deeds[what]()


def rung(story: list[tuple[int, Happening]], pause_s: Callable[[Watched, int], float]) -> dict[bytes, int]:
    """When each alarm was first found by somebody who looks at all that happens, and after each pause."""
    watched, found = Watched(), dict[bytes, int]()
    at_s = 0
    for happens_at_s, happening in [(0, ("reply", 30)), *sorted(story), (SPAN_S, ("vitals", 0))]:
        while at_s < happens_at_s:
            for subject in watched.subjects(at_s):
                found.setdefault(subject, at_s)
            wait_s = pause_s(watched, at_s)
            at_s = happens_at_s if math.isinf(wait_s) else min(happens_at_s, at_s + math.ceil(wait_s))
        befall(watched, at_s, happening)
    return found


@settings(max_examples=60, deadline=None)
@given(STORIES)
def test_looking_when_told_hears_what_looking_each_minute_hears_and_never_later(
    story: list[tuple[int, Happening]],
) -> None:
    each_minute = rung(story, lambda watched, at_s: MINUTE_S)
    when_told = rung(story, lambda watched, at_s: watched.wait_s(at_s))
    for subject, at_s in each_minute.items():
        assert at_s - MINUTE_S < when_told[subject] <= at_s


@pytest.mark.parametrize(
    ("after_s", "wait_s"), [(0, 1_800), (1_799, 1), (1_800, 1_800), (1_801, 1_799), (5_400, 1_800)]
)
def test_a_recheck_is_looked_at_when_it_is_due_and_after_each_interval(after_s: float, wait_s: float) -> None:
    chart = Chart()
    chart.reply(recheck_every_min=30)
    chart.reply(recheck_every_min=300)
    assert next_recheck_alarm_in_s(chart.file(), moment(after_s)) == wait_s


def test_nothing_is_waited_for_without_a_rule_in_a_closed_case_or_when_nobody_can_tell() -> None:
    chart = Chart()
    chart.reply()
    assert next_recheck_alarm_in_s(chart.file(), moment()) == math.inf
    chart.reply(recheck_every_min=30)
    unset = Moment(boot="boot 2", monotonic_s=20.0, wall_s=20, certainty=Certainty.UNSET)
    assert next_recheck_alarm_in_s(chart.file(), unset) == math.inf
    chart.site(Closed(outcome="well"))
    assert next_recheck_alarm_in_s(chart.file(), moment()) == math.inf
