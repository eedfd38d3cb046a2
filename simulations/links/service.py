"""When a link has service: fixed outages, a repeating cycle, or both, as pure functions of time."""

from __future__ import annotations

import math
from bisect import bisect_right

from .profile import Cycle, LinkProfile, Outage


class ServicePlan:
    """Answers, for seconds since the link was opened, whether it works and when it next fails."""

    def __init__(self, outages: tuple[Outage, ...] = (), cycle: Cycle | None = None) -> None:
        self._outages = outages
        self._starts = [outage.start_s for outage in outages]
        self._cycle = cycle

    @classmethod
    def of(cls, profile: LinkProfile) -> ServicePlan:
        return cls(profile.outages, profile.cycle)

    def is_up(self, at_s: float) -> bool:
        """True if packets pass at this moment."""
        return self._outage_at(at_s) is None and not self._cycle_is_down(at_s)

    def next_down_s(self, at_s: float) -> float:
        """The first moment from `at_s` on without service; infinity if there is none."""
        if not self.is_up(at_s):
            return at_s
        index = bisect_right(self._starts, at_s)
        by_outage = self._starts[index] if index < len(self._starts) else math.inf
        if self._cycle is None:
            return by_outage
        period_s = self._cycle.up_s + self._cycle.down_s
        by_cycle = at_s - math.fmod(at_s, period_s) + self._cycle.up_s
        return min(by_outage, by_cycle)

    def _outage_at(self, at_s: float) -> Outage | None:
        index = bisect_right(self._starts, at_s) - 1
        if index < 0 or at_s >= self._outages[index].end_s:
            return None
        return self._outages[index]

    def _cycle_is_down(self, at_s: float) -> bool:
        if self._cycle is None:
            return False
        return math.fmod(at_s, self._cycle.up_s + self._cycle.down_s) >= self._cycle.up_s
