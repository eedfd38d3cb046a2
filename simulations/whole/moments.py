"""The time of a run: seconds since its first midnight, on the clock of the virtual loop."""

from __future__ import annotations

import asyncio

from simulations.hosts.clock import WALL_FROM_S
from simulations.virtual.loop import virtual_loop
from simulations.world.world import DAY_S


class RunTime:
    """Begins at a midnight of every machine's wall clock: caps and shifts count days from there."""

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s

    @classmethod
    def after(cls, prelude_s: float) -> RunTime:
        """From the first midnight that is so far off; until then its seconds are negative."""
        wall_s = WALL_FROM_S + virtual_loop().time() + prelude_s
        return cls(virtual_loop().time() + prelude_s + DAY_S - wall_s % DAY_S)

    def now_s(self) -> float:
        return virtual_loop().time() - self._began_s

    async def wait_s(self, at_s: float) -> None:
        """Until that second of the run, or not at all."""
        await asyncio.sleep(max(0.0, at_s - self.now_s()))

    def of_wall_s(self, wall_s: float) -> float:
        """Which second of the run a machine's clock means."""
        return wall_s - WALL_FROM_S - self._began_s

    def of_loop_s(self, loop_s: float) -> float:
        """Which second of the run an observation means."""
        return loop_s - self._began_s
