"""The node's clocks behind one port: a wall clock that is only a claim, and a monotonic one that says which
boot it is of."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from protocol.stamps import WALL_S_MAX, Certainty
from sfnode.domain.moments import Moment
from sync.ports import Clock
from sync.scheduler import Tick

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_SYNCHRONISED: Final = Path("/run/systemd/timesync/synchronized")
SET_AFTER_S: Final = 1_735_689_600
"""2025-01-01: a clock before this software existed was never set."""


class SiteClock(Clock, Protocol):
    """What the casebook needs to know of time; `monotonic_s` counts on while the machine sleeps."""

    def boot(self) -> str:
        """Changes when the machine starts again: monotonic times of two boots are not comparable."""

    def offset_minutes(self) -> int:
        """Local time minus UTC."""

    def certainty(self) -> Certainty:
        """How far the wall clock can be trusted now."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall_s(self) -> float:
        return time.clock_gettime(time.CLOCK_REALTIME)

    def boot(self) -> str:
        return _boot_id()

    def offset_minutes(self) -> int:
        return time.localtime(self.wall_s()).tm_gmtoff // 60

    def certainty(self) -> Certainty:
        if self.wall_s() < SET_AFTER_S:
            return Certainty.UNSET
        return Certainty.SYNCED if _SYNCHRONISED.exists() else Certainty.DRIFTING


def moment_of(clock: SiteClock) -> Moment:
    """Now, in a form that can be kept and compared after a restart."""
    return Moment(
        boot=clock.boot(),
        monotonic_s=clock.monotonic_s(),
        wall_s=min(max(0, int(clock.wall_s())), WALL_S_MAX),
        certainty=clock.certainty(),
    )


def tick_of(clock: SiteClock) -> Tick:
    """Now, for counting what a day has cost."""
    return Tick(
        boot=clock.boot(),
        monotonic_s=clock.monotonic_s(),
        wall_s=max(0.0, clock.wall_s()),
        is_set=clock.certainty() is not Certainty.UNSET,
    )


@cache
def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


class SetClock:
    """A clock that stands still until it is moved: for tests and simulations."""

    def __init__(self, *, wall_s: float, monotonic_s: float = 1_000.0) -> None:
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._boots = 1
        self.offset = 0
        self.grade = Certainty.SYNCED

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def wall_s(self) -> float:
        return self._wall_s

    def boot(self) -> str:
        return f"boot {self._boots}"

    def offset_minutes(self) -> int:
        return self.offset

    def certainty(self) -> Certainty:
        return self.grade

    def pass_time(self, span_s: float) -> None:
        """Both clocks go on."""
        self._wall_s += span_s
        self._monotonic_s += span_s

    def start_again(self, *, off_s: float, up_s: float = 10.0, grade: Certainty = Certainty.SYNCED) -> None:
        """The machine was off for `off_s` and runs since `up_s`; with `UNSET` its wall clock begins at
        1970."""
        self._boots += 1
        self._monotonic_s = up_s
        self.grade = grade
        self._wall_s = up_s if grade is Certainty.UNSET else self._wall_s + off_s + up_s
