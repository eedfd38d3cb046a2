"""The spans in which a link carries nothing at all: without service, or at a recorded rate of nought."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from simulations.links import LinkProfile, ServicePlan
from simulations.links.capacity import RateTrace

TURNS_MAX: Final = 10_000
"""Spans looked at in search of one moment at which nothing is in the way."""


class Fades:
    """The steps of a recording at which its rate is nought, for ever repeated; a `service.Schedule`."""

    def __init__(self, trace: RateTrace) -> None:
        ends_s = [*(step.at_s for step in trace.steps[1:]), trace.period_s]
        self._spans = [
            (step.at_s, end_s)
            for step, end_s in zip(trace.steps, ends_s, strict=True)
            if step.rate_bit_s == 0.0
        ]
        self._period_s = trace.period_s

    def is_up(self, at_s: float) -> bool:
        return self.next_up_s(at_s) == at_s

    def next_down_s(self, at_s: float) -> float:
        begun_s = at_s - at_s % self._period_s
        for period_s in (begun_s, begun_s + self._period_s):
            for start_s, end_s in self._spans:
                if period_s + end_s > at_s:
                    return max(at_s, period_s + start_s)
        return math.inf

    def next_up_s(self, at_s: float) -> float:
        within_s = at_s % self._period_s
        for start_s, end_s in self._spans:
            if start_s <= within_s < end_s:
                return at_s - within_s + end_s
        return at_s


class Darkness:
    """Of one link; it is lit when both directions carry something."""

    def __init__(self, profile: LinkProfile, service: ServicePlan) -> None:
        traces = [each.trace for each in (profile.up, profile.down) if each.trace is not None]
        self._schedules: list[ServicePlan | Fades] = [service, *map(Fades, traces)]

    def spans(self, from_s: float, until_s: float) -> Iterator[tuple[float, float]]:
        """Those that begin in between, the last one to its end; one under way begins at `from_s`."""
        at_s = from_s
        for _ in range(TURNS_MAX):
            dark_s = min(schedule.next_down_s(at_s) for schedule in self._schedules)
            if dark_s >= until_s:
                return
            at_s = self._next_lit_s(dark_s)
            yield dark_s, at_s
            if math.isinf(at_s):
                return

    def _next_lit_s(self, at_s: float) -> float:
        for _ in range(TURNS_MAX):
            later_s = max(schedule.next_up_s(at_s) for schedule in self._schedules)
            if later_s == at_s or math.isinf(later_s):
                return later_s
            at_s = later_s
        return math.inf
