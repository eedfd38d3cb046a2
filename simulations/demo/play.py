"""What all acts of the demonstration share: the stage, the case being played, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sfhub.clock import SystemClock
from sfnode.media.layers import PhotoLayers
from simulations.emulator.link import ModeName
from simulations.links import LinkProfile

from .comparison import Posted
from .following import Following
from .screen import Screen
from .stage import Stage
from .timeline import Timeline

STEP_TIMEOUT_S: Final = 600.0
"""For one part to cross the slowest link; past it the demonstration has failed."""


@dataclass(slots=True)
class Play:
    """One run of the demonstration."""

    stage: Stage
    screen: Screen
    following: Following
    timeline: Timeline
    clock: SystemClock
    profile: LinkProfile
    folder: Path
    seed: int
    mode: ModeName
    case: str = ""
    sent_s: float = 0.0
    pictures: tuple[PhotoLayers, ...] = ()
    posted: Posted | None = None

    async def until_arrived(self, part: str, name: str) -> float:
        """Wait until the hub holds a part; the second at which it did, by the hub's clock."""
        if await self.following.until(
            lambda: self.following.arrived_s(part) is not None, name, STEP_TIMEOUT_S
        ):
            second = (self.following.arrived_s(part) or 0.0) - self.sent_s
            self.timeline.reach(name, second)
            return second
        self.timeline.require(False, f"{name} did not arrive")
        return 0.0

    async def until_all_arrived(self, part: str, name: str, count: int) -> list[float]:
        """Wait until the hub holds `count` of a part; the second of each."""
        following = self.following
        if not await following.until(
            lambda: len(following.arrived_all_s(part)) >= count, name, STEP_TIMEOUT_S
        ):
            self.timeline.require(False, f"{name} did not all arrive")
        seconds = sorted(at_s - self.sent_s for at_s in following.arrived_all_s(part))
        for index, second in enumerate(seconds, 1):
            self.timeline.reach(f"{name} {index} of {count}", second)
        return seconds
