"""The retry rule: how the node dials again after a failure. It never gives up."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random

from sync.ports import LinkError, LinkRefused

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """Pauses grow to `longest_s`; jitter keeps a fleet from dialling in step after a power cut."""

    first_s: float = 2.0
    factor: float = 2.0
    longest_s: float = 120.0
    """A satellite that is masked for minutes is met within two; a dial that finds nobody costs no byte."""
    jitter: float = 0.25
    dials: int = 2
    """Within one attempt: a modem's first dial after a pause often fails."""
    dial_pause_s: float = 1.0

    def pause_s(self, failures: int) -> float:
        """Before the next attempt, after so many failures in a row."""
        # 2.0 ** 1024 is no float; the pause stopped growing long before.
        steady_s = min(self.longest_s, self.first_s * self.factor ** min(failures - 1, 64))
        return steady_s * random.uniform(1 - self.jitter, 1 + self.jitter)


RETRY_RULE: Final = RetryRule()


async def dial_patiently(dial: Callable[[], Awaitable[Result]], rule: RetryRule) -> Result:
    """One attempt. A hub that says no is not asked twice; otherwise the last `LinkError` is raised."""
    attempts = AsyncRetrying(
        stop=stop_after_attempt(rule.dials),
        wait=wait_random(0, rule.dial_pause_s),
        retry=retry_if_exception(
            lambda error: isinstance(error, LinkError) and not isinstance(error, LinkRefused)
        ),
        reraise=True,
    )
    return await attempts(dial)
