"""Notices what no timer can foresee: the machine slept, or somebody set the wall clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from protocol.stamps import Certainty

from .clock import SiteClock

LOOK_EVERY_S: Final = 60.0
"""Four clocks are read then, and nothing else: what waits for a moment learns as soon of a night in a
suitcase."""
STEP_S: Final = 1.0
"""Less is a clock that is led to the right time, not one that was set."""


@dataclass(frozen=True, slots=True)
class _Reading:
    slept_s: float
    """How far the clock that counts while the machine sleeps is ahead of the one that timers run on."""
    wall_ahead_s: float
    boot: str
    certainty: Certainty

    def stepped_since(self, before: _Reading) -> bool:
        return (
            abs(self.slept_s - before.slept_s) >= STEP_S
            or abs(self.wall_ahead_s - before.wall_ahead_s) >= STEP_S
            or (self.boot, self.certainty) != (before.boot, before.certainty)
        )


async def watch_clocks(clock: SiteClock, stepped: Callable[[], None]) -> None:
    """Call `stepped` within a minute of each such step until cancelled."""
    before = _read(clock)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        now = _read(clock)
        if now.stepped_since(before):
            stepped()
        before = now


def _read(clock: SiteClock) -> _Reading:
    monotonic_s = clock.monotonic_s()
    return _Reading(
        slept_s=monotonic_s - asyncio.get_running_loop().time(),
        wall_ahead_s=clock.wall_s() - monotonic_s,
        boot=clock.boot(),
        certainty=clock.certainty(),
    )
