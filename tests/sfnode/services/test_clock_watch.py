"""News of the clocks: a machine that slept, a wall clock that was set, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from protocol.stamps import Certainty
from sfnode.services.clock import SetClock
from sfnode.services.clock_watch import LOOK_EVERY_S, watch_clocks
from tests.sync.virtual_time import run_virtual


class DriftingClock(SetClock):
    """Runs along with the loop, as a machine's clocks do, apart from what a test does to it."""

    def monotonic_s(self) -> float:
        return super().monotonic_s() + asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        return super().wall_s() + asyncio.get_running_loop().time() * (1 + 50e-6)

    def set_wall(self, by_s: float) -> None:
        self._wall_s += by_s

    def lose_trust(self) -> None:
        self.grade = Certainty.UNSET


async def _news(change: Callable[[DriftingClock], None]) -> int:
    clock, told = DriftingClock(wall_s=1_800_000_000), list[None]()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch_clocks(clock, lambda: told.append(None)))
        await asyncio.sleep(10.5 * LOOK_EVERY_S)
        assert not told
        change(clock)
        await asyncio.sleep(LOOK_EVERY_S)
        heard = len(told)
        await asyncio.sleep(10 * LOOK_EVERY_S)
        assert len(told) == heard
        watching.cancel()
    return heard


@pytest.mark.parametrize(
    "change",
    [
        lambda clock: clock.pass_time(8 * 3_600.0),
        lambda clock: clock.set_wall(3_600.0),
        lambda clock: clock.set_wall(-5.0),
        lambda clock: clock.lose_trust(),
    ],
)
def test_a_step_is_told_once_within_a_minute(change: Callable[[DriftingClock], None]) -> None:
    assert run_virtual(_news(change)) == 1


def test_a_clock_that_is_led_to_the_right_time_is_no_news() -> None:
    assert run_virtual(_news(lambda clock: clock.set_wall(0.4))) == 0
