"""One dial, asked more than once: the only attempt that is repeated without a row to show for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import uniform
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random

from ..ports import LinkError, LinkRefused
from .retry import RetryRule

Result = TypeVar("Result")


async def dial_patiently(dial: Callable[[], Awaitable[Result]], rule: RetryRule) -> Result:
    """One attempt. A hub that says no is not asked twice; otherwise the last `LinkError` is raised."""
    try:
        return await dial()  # As a rule it succeeds, and what counts attempts costs more than that.
    except LinkRefused:
        raise
    except LinkError:
        if rule.dials == 1:
            raise
    await asyncio.sleep(uniform(0, rule.dial_pause_s))
    attempts = AsyncRetrying(
        stop=stop_after_attempt(rule.dials - 1),
        wait=wait_random(0, rule.dial_pause_s),
        retry=retry_if_exception(
            lambda error: isinstance(error, LinkError) and not isinstance(error, LinkRefused)
        ),
        reraise=True,
    )
    return await attempts(dial)
