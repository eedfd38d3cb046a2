"""When a link has service: what is fixed, repeats, is drawn or flies over, as functions of time."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from typing import Protocol

from .orbit import SatellitePasses
from .outages import Cycle, Outage, RandomOutages
from .profile import LinkProfile

TURNS_MAX = 10_000
"""Spans looked at in search of one moment at which every source of outages agrees."""


class Schedule(Protocol):
    """One reason for a link to be up or down."""

    def is_up(self, at_s: float) -> bool:
        """Whether packets pass at this moment."""

    def next_down_s(self, at_s: float) -> float:
        """The first moment from `at_s` on without service; infinity if there is none."""

    def next_up_s(self, at_s: float) -> float:
        """The first moment from `at_s` on with service; infinity if there is none."""


class FixedOutages:
    """Outages at stated seconds."""

    def __init__(self, outages: tuple[Outage, ...]) -> None:
        self._outages = outages
        self._starts = [outage.start_s for outage in outages]

    def is_up(self, at_s: float) -> bool:
        return self._at(at_s) is None

    def next_down_s(self, at_s: float) -> float:
        if self._at(at_s) is not None:
            return at_s
        index = bisect_right(self._starts, at_s)
        return self._starts[index] if index < len(self._starts) else math.inf

    def next_up_s(self, at_s: float) -> float:
        while (outage := self._at(at_s)) is not None:
            at_s = outage.end_s
        return at_s

    def _at(self, at_s: float) -> Outage | None:
        index = bisect_right(self._starts, at_s) - 1
        if index < 0 or at_s >= self._outages[index].end_s:
            return None
        return self._outages[index]


class CyclicOutages:
    """Up and down for ever in the same step."""

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._period_s = cycle.up_s + cycle.down_s

    def is_up(self, at_s: float) -> bool:
        return self._within_s(at_s) < self._cycle.up_s

    def next_down_s(self, at_s: float) -> float:
        return at_s if not self.is_up(at_s) else at_s - self._within_s(at_s) + self._cycle.up_s

    def next_up_s(self, at_s: float) -> float:
        return at_s if self.is_up(at_s) else at_s - self._within_s(at_s) + self._period_s

    def _within_s(self, at_s: float) -> float:
        return math.fmod(at_s + self._cycle.phase_s, self._period_s)


class DrawnOutages:
    """Spans drawn from a seed as far as anybody has asked; the same seed gives the same ones."""

    def __init__(self, bounds: RandomOutages, seed: int | str) -> None:
        self._bounds = bounds
        self._random = random.Random(seed)
        self._changes = [0.0]
        """Service begins at even places and ends at odd ones."""

    def is_up(self, at_s: float) -> bool:
        return self._index(at_s) % 2 == 0

    def next_down_s(self, at_s: float) -> float:
        index = self._index(at_s)
        return at_s if index % 2 else self._changes[index + 1]

    def next_up_s(self, at_s: float) -> float:
        index = self._index(at_s)
        return self._changes[index + 1] if index % 2 else at_s

    def _index(self, at_s: float) -> int:
        bounds = self._bounds
        while self._changes[-1] <= at_s:
            is_up = len(self._changes) % 2 == 1
            low, high = (
                (bounds.up_s_min, bounds.up_s_max) if is_up else (bounds.down_s_min, bounds.down_s_max)
            )
            self._changes.append(self._changes[-1] + self._random.uniform(low, high))
        return bisect_right(self._changes, at_s) - 1


class ServicePlan:
    """Answers, for seconds since the link was opened, whether it works and when that changes."""

    def __init__(self, outages: tuple[Outage, ...] = (), cycle: Cycle | None = None) -> None:
        self._schedules: list[Schedule] = []
        if outages:
            self._schedules.append(FixedOutages(outages))
        if cycle is not None:
            self._schedules.append(CyclicOutages(cycle))

    @classmethod
    def of(cls, profile: LinkProfile, seed: int | str = 0) -> ServicePlan:
        """All that the profile says; `seed` draws what it leaves to chance. Raises `OrbitUnavailable`."""
        plan = cls(profile.outages, profile.cycle)
        if profile.random_outages is not None:
            plan._schedules.append(DrawnOutages(profile.random_outages, f"outages/{seed}"))
        if profile.orbit is not None:
            plan._schedules.append(SatellitePasses(profile.orbit))
        return plan

    def is_up(self, at_s: float) -> bool:
        """True if packets pass at this moment."""
        return all(schedule.is_up(at_s) for schedule in self._schedules)

    def next_down_s(self, at_s: float) -> float:
        """The first moment from `at_s` on without service; infinity if there is none."""
        return min((schedule.next_down_s(at_s) for schedule in self._schedules), default=math.inf)

    def next_up_s(self, at_s: float) -> float:
        """The first moment from `at_s` on with service; infinity if none is found in `TURNS_MAX` spans."""
        for _ in range(TURNS_MAX):
            later_s = max((schedule.next_up_s(at_s) for schedule in self._schedules), default=at_s)
            if later_s == at_s:
                return at_s
            if math.isinf(later_s):
                break
            at_s = later_s
        return math.inf
