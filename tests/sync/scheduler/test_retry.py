"""Pauses after failures, and the patience of one dial."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.header import Priority
from sync.ports import LinkError, LinkRefused
from sync.scheduler import FRESH, RETRY_RULE, RetryRule
from sync.scheduler.dialling import dial_patiently


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_pauses_grow_are_bounded_and_never_end_the_trying(failures: int, chance: float) -> None:
    pause_s = RETRY_RULE.pause_s(failures, chance)
    assert 0 < pause_s <= RETRY_RULE.longest_s * (1 + RETRY_RULE.jitter)
    steady = RetryRule(jitter=0.0)
    assert steady.pause_s(failures, chance) <= steady.pause_s(failures + 1, chance)
    assert steady.pause_s(1, chance) == steady.first_s


@given(failures=st.integers(1, 50), chance=st.floats(0, 1), priority=st.sampled_from(Priority))
def test_after_any_number_of_failures_it_is_ready_again(
    failures: int, chance: float, priority: Priority
) -> None:
    attempts = FRESH
    for number in range(failures):
        attempts = attempts.failed(100.0 * number, chance=chance)
    assert (attempts.failures, attempts.down_since_s) == (failures, 0.0)
    wait_s = attempts.ready_s(priority) - attempts.failed_s
    assert 0 < wait_s <= (15.0 if priority is Priority.EMERGENCY else 150.0)
    assert attempts.hastened(0.0).ready_s(priority) - attempts.failed_s <= RETRY_RULE.first_s
    assert FRESH.ready_s(priority) < 0


async def test_one_attempt_dials_as_often_as_the_rule_says() -> None:
    rule, dialled = RetryRule(dials=3, dial_pause_s=0.0), [0]

    async def dial() -> str:
        dialled[0] += 1
        if dialled[0] < 3:
            raise LinkError("no answer")
        return "connected"

    assert await dial_patiently(dial, rule) == "connected"

    async def never() -> str:
        dialled[0] += 1
        raise LinkRefused("unknown site")

    with pytest.raises(LinkRefused):
        await dial_patiently(never, rule)
    assert dialled == [4]
