"""What a link has cost today, by clocks that may be wrong.

Law: a clock set back never begins a new day, and one set forward begins at most one too early.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

DAY_S: Final = 86_400.0
DAY_S_MIN: Final = 23 * 3600.0
"""From one midnight to the next by a clock that only drifts; less than that is a clock being set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Now, by both clocks."""

    boot: str
    """Which boot `monotonic_s` counts from."""
    monotonic_s: float
    wall_s: float
    is_set: bool
    """Whether the wall clock claims anything."""

    @property
    def day(self) -> int | None:
        """Days since 1970, UTC."""
        return int(self.wall_s // DAY_S) if self.is_set else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """What one link has carried and cost since its day began."""

    boot: str = ""
    began_s: float = 0.0
    """Monotonic, of `boot`: the midnight before the first contact, or that contact where no clock was set."""
    day: int | None = None
    """What the wall clock claimed then."""
    usd: float = 0.0
    size_bytes: int = 0
    is_closed: bool = False
    """A contact was ended because all that may be spent was spent: only emergencies go until tomorrow."""

    def plus(self, *, usd: float, size_bytes: int) -> DayCount:
        return replace(self, usd=self.usd + usd, size_bytes=self.size_bytes + size_bytes)


NOTHING_SPENT: Final = DayCount()


def counted(count: DayCount, now: Tick) -> DayCount:
    """The count that holds now: `count` itself, or a fresh one when another day has begun."""
    if not count.boot or _is_another_day(count, now):
        since_midnight_s = now.wall_s % DAY_S if now.is_set else 0.0
        began_s = now.monotonic_s - since_midnight_s
        if count.boot == now.boot:
            # A clock that is set now and then claims midnights: none lies sooner than a day after the last.
            began_s = max(began_s, count.began_s + DAY_S_MIN)
        return DayCount(boot=now.boot, began_s=began_s, day=now.day)
    return count


def _is_another_day(count: DayCount, now: Tick) -> bool:
    same_boot = count.boot == now.boot
    # Of another boot nothing is known but that this one began after it.
    passed_s = now.monotonic_s - count.began_s if same_boot else now.monotonic_s
    if passed_s >= DAY_S:
        return True
    if count.day is None or now.day is None or now.day <= count.day:
        return False
    return not same_boot or passed_s >= DAY_S_MIN
