"""How many bits a line has served by any moment, whether its rate is constant or follows a recording."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Protocol

from .ranges import require_range

RATE_BIT_S_MAX = 10_000_000_000.0
STEPS_MAX = 200_000
"""Steps of one recording: an hour in steps of twenty milliseconds."""
PERIOD_S_MAX = 366 * 86_400.0
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class RateStep:
    """From `at_s` on, until the next step, the line serves this rate; 0 is a fade."""

    at_s: float
    rate_bit_s: float

    def __post_init__(self) -> None:
        require_range("at_s", self.at_s, 0.0, PERIOD_S_MAX)
        require_range("rate_bit_s", self.rate_bit_s, 0.0, RATE_BIT_S_MAX)


@dataclass(frozen=True, slots=True)
class RateTrace:
    """A recording of a line's rate that begins again after `period_s`."""

    steps: tuple[RateStep, ...]
    period_s: float

    def __post_init__(self) -> None:
        require_range("period_s", self.period_s, 1e-3, PERIOD_S_MAX)
        if not 1 <= len(self.steps) <= STEPS_MAX:
            raise ValueError(f"steps is {len(self.steps)} long: between 1 and {STEPS_MAX} steps are taken")
        if self.steps[0].at_s != 0.0:
            raise ValueError("the first of the steps begins at 0 s")
        for earlier, later in pairwise(self.steps):
            if later.at_s <= earlier.at_s:
                raise ValueError(
                    f"the step at {later.at_s:g} s does not come after the one at {earlier.at_s:g} s"
                )
        if self.steps[-1].at_s >= self.period_s:
            raise ValueError(f"period_s is {self.period_s:g}: it must lie behind the last of the steps")
        if self.rate_bit_s_mean <= 0.0:
            raise ValueError("the steps carry nothing: every rate is 0")

    @property
    def rate_bit_s_mean(self) -> float:
        """Over one whole period."""
        ends = (*(step.at_s for step in self.steps[1:]), self.period_s)
        bits = sum(step.rate_bit_s * (end - step.at_s) for step, end in zip(self.steps, ends, strict=True))
        return bits / self.period_s

    @property
    def dark_share(self) -> float:
        """Of one whole period, the part in which nothing passes."""
        ends = (*(step.at_s for step in self.steps[1:]), self.period_s)
        dark_s = sum(
            end - step.at_s for step, end in zip(self.steps, ends, strict=True) if not step.rate_bit_s
        )
        return dark_s / self.period_s


class Capacity(Protocol):
    """Service of one line over time."""

    def finish_s(self, start_s: float, size_bits: float) -> float:
        """When so many bits that begin at `start_s` are through."""

    def bits_between(self, start_s: float, end_s: float) -> float:
        """How many bits the line serves in a span."""


class ConstantCapacity:
    """The same rate at all times."""

    def __init__(self, rate_bit_s: float) -> None:
        self._rate_bit_s = rate_bit_s

    def finish_s(self, start_s: float, size_bits: float) -> float:
        return start_s + size_bits / self._rate_bit_s

    def bits_between(self, start_s: float, end_s: float) -> float:
        return (end_s - start_s) * self._rate_bit_s


class MessageCapacity:
    """Whole messages: each as it leaves, and none before the interval behind the last, or the timetable."""

    def __init__(self, message_bytes: int, interval_s: float, first_departure_s: float | None) -> None:
        self._message_bits = message_bytes * 8.0
        self._interval_s = interval_s
        self._first_s = first_departure_s

    def finish_s(self, start_s: float, size_bits: float) -> float:
        messages = max(1, math.ceil(size_bits / self._message_bits * (1 - _ROUNDING)))
        if self._first_s is not None:
            start_s = self._first_s + self._missed(start_s, self._first_s) * self._interval_s
        return start_s + (messages - 1) * self._interval_s

    def bits_between(self, start_s: float, end_s: float) -> float:
        """At best: the medium is free at the start, and what leaves at the very end counts."""
        if self._first_s is not None:
            by_end = max(0, math.floor((end_s - self._first_s) / self._interval_s) + 1)
            return max(0, by_end - self._missed(start_s, self._first_s)) * self._message_bits
        if self._interval_s == 0.0:
            return math.inf
        return (math.floor((end_s - start_s) / self._interval_s) + 1) * self._message_bits

    def _missed(self, at_s: float, first_s: float) -> int:
        return max(0, math.ceil((at_s - first_s) / self._interval_s))


class TracedCapacity:
    """A recording, for ever repeated."""

    def __init__(self, trace: RateTrace) -> None:
        self._starts = [step.at_s for step in trace.steps]
        self._rates = [step.rate_bit_s for step in trace.steps]
        self._period_s = trace.period_s
        ends = [*self._starts[1:], trace.period_s]
        spans = zip(self._starts, ends, self._rates, strict=True)
        self._served = [0.0, *accumulate(rate * (end - start) for start, end, rate in spans)]
        """Bits served within a period by the start of each step, and by its end."""

    def finish_s(self, start_s: float, size_bits: float) -> float:
        wanted = self._served_by(start_s) + size_bits
        # Sums of floats miss a boundary by a hair: a hair's breadth of a bit waits for no next step.
        periods, rest = divmod(wanted * (1 - _ROUNDING), self._served[-1])
        # The step before the first boundary by which so many bits were served has served the last of them.
        index = max(0, bisect_left(self._served, rest) - 1)
        within_s = (rest - self._served[index]) / self._rates[index] if self._rates[index] else 0.0
        return max(start_s, periods * self._period_s + self._starts[index] + within_s)

    def bits_between(self, start_s: float, end_s: float) -> float:
        return self._served_by(end_s) - self._served_by(start_s)

    def _served_by(self, at_s: float) -> float:
        periods = math.floor(at_s / self._period_s)
        within_s = at_s - periods * self._period_s
        index = bisect_right(self._starts, within_s) - 1
        return (
            periods * self._served[-1]
            + self._served[index]
            + (within_s - self._starts[index]) * self._rates[index]
        )
