"""The clocks of one simulated machine: a wall clock that people set, and one that only counts."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable
from typing import Final

from protocol.stamps import Certainty

WALL_FROM_S: Final = 1_800_000_000.0
"""2027-01-15 08:00Z, at the beginning of every world."""
NEVER_SET_S: Final = 0.0
YEAR_S: Final = 365.25 * 86_400.0


class MachineClock:
    """Runs along with the world, a little fast or slow; steps of the wall clock move nothing else."""

    def __init__(self, *, drift_ppm: float = 0.0) -> None:
        self._drift = 1.0 + drift_ppm / 1e6
        self._step_s = 0.0
        self._boots = 1
        self._booted_s = 0.0
        """When, by a clock that has run since the world began."""
        self.grade = Certainty.SYNCED
        self._listeners: list[Callable[[], None]] = []

    def monotonic_s(self) -> float:
        """Since the machine was switched on."""
        # As `_counted_s`, in one call less: everything that a world does asks for it.
        return get_running_loop().time() * self._drift - self._booted_s

    def wall_s(self) -> float:
        return WALL_FROM_S + get_running_loop().time() * self._drift + self._step_s

    def boot(self) -> str:
        return f"boot {self._boots}"

    def offset_minutes(self) -> int:
        return 0

    def certainty(self) -> Certainty:
        return self.grade

    def step(self, by_s: float) -> None:
        """Somebody, or a battery, sets the wall clock."""
        self._step_s += by_s
        self._tell_listeners()

    def forget(self) -> None:
        """A dead battery: the wall begins at 1970, and says so."""
        self._step_s = NEVER_SET_S - WALL_FROM_S - self._counted_s()
        self.grade = Certainty.UNSET
        self._tell_listeners()

    def start_again(self) -> None:
        """The machine, not only a program on it, was off."""
        self._boots += 1
        self._booted_s = self._counted_s()

    async def tell_steps(self, _: object, stepped: Callable[[], None]) -> None:
        """Call `stepped` at each step until cancelled: what `sfnode.services.clock_watch` finds out by
        looking."""
        self._listeners.append(stepped)
        try:
            await get_running_loop().create_future()
        finally:
            self._listeners.remove(stepped)

    def _counted_s(self) -> float:
        return get_running_loop().time() * self._drift

    def _tell_listeners(self) -> None:
        for stepped in self._listeners:
            stepped()
