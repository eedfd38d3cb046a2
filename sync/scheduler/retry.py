"""How long to wait after a failure, by class: pauses grow to a bound and no further. It never gives up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from protocol.header import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """Pauses grow to `longest_s`; jitter keeps a fleet from dialling in step after a power cut."""

    first_s: float = 2.0
    factor: float = 2.0
    longest_s: float = 120.0
    """A satellite that is masked for minutes is met within two; a dial that finds nobody costs no byte."""
    emergency_s: float = 15.0
    """The longest pause while an emergency waits: as long as an operator redials by hand."""
    jitter: float = 0.25
    dials: int = 2
    """Within one attempt: a modem's first dial after a pause often fails."""
    dial_pause_s: float = 1.0

    def pause_s(self, failures: int, chance: float) -> float:
        """Before the next attempt, after so many failures in a row; `chance` is drawn from 0..1."""
        # 2.0 ** 1024 is no float; the pause stopped growing long before.
        steady_s = min(self.longest_s, self.first_s * self.factor ** min(failures - 1, 64))
        return steady_s * (1 + self.jitter * (2 * chance - 1))


RETRY_RULE: Final = RetryRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How dialling one peer over one link went of late; times are monotonic."""

    failures: int = 0
    """In a row."""
    failed_s: float = -math.inf
    pause_s: float = 0.0
    """After the last failure."""
    down_since_s: float = -math.inf
    """The first failure of the row."""

    @property
    def is_failing(self) -> bool:
        return self.failures > 0

    def ready_s(self, priority: Priority, rule: RetryRule = RETRY_RULE) -> float:
        """When it may be dialled again for this class."""
        if not self.is_failing:
            return -math.inf
        longest_s = rule.emergency_s if priority is Priority.EMERGENCY else rule.longest_s * (1 + rule.jitter)
        return self.failed_s + min(self.pause_s, longest_s)

    def failed(self, now_s: float, *, chance: float, rule: RetryRule = RETRY_RULE) -> Attempts:
        """One more failure."""
        failures = self.failures + 1
        return Attempts(
            failures=failures,
            failed_s=now_s,
            pause_s=rule.pause_s(failures, chance),
            down_since_s=self.down_since_s if self.is_failing else now_s,
        )

    def at_least(self, failures: int, now_s: float) -> Attempts:
        """As after so many failures in a row, if there were fewer."""
        if failures <= self.failures:
            return self
        down_since_s = self.down_since_s if self.is_failing else now_s
        return replace(self, failures=failures, down_since_s=down_since_s)

    def hastened(self, now_s: float, rule: RetryRule = RETRY_RULE) -> Attempts:
        """Something new waits: the pause is the shortest one, for every keystroke would dial a dead link."""
        pause_s = min(self.pause_s, rule.first_s)
        return replace(self, pause_s=pause_s) if self.is_failing else self


FRESH: Final = Attempts()
