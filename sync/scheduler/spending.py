"""What a link has cost today, by clocks that may be wrong.

Law: a clock set back never begins a new day, one set forward begins at most one too early, and whatever
clocks claim, a day ends when the machine has run for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400.0
DAY_S_MIN: Final = 23 * 3600.0
"""From one midnight to the next by a clock that only drifts; less than that is a clock being set."""
LEAP_DAYS_MAX: Final = 30
"""So many days a machine may have been off. A clock that claims more after a restart is not believed: a day
of running has to pass."""
NOTE_EVERY_S: Final = 1_800.0
"""How often running time is put down where no spending is: what a restart loses of it only makes the day
longer."""


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
    ran_s: float = 0.0
    """How long the machine had run since the first contact of the day, when that was put down last."""
    noted_boot: str = ""
    """In which boot that was."""
    noted_s: float = 0.0
    """Monotonic, of that boot."""

    def plus(self, *, usd: float, size_bytes: int) -> DayCount:
        """So much more. Written out: `replace` takes four times as long, and each contact asks for it."""
        return DayCount(
            boot=self.boot,
            began_s=self.began_s,
            day=self.day,
            usd=self.usd + usd,
            size_bytes=self.size_bytes + size_bytes,
            is_closed=self.is_closed,
            ran_s=self.ran_s,
            noted_boot=self.noted_boot,
            noted_s=self.noted_s,
        )


NOTHING_SPENT: Final = DayCount()


def counted(count: DayCount, now: Tick) -> DayCount:
    """The count that holds now: `count` itself, or a fresh one when another day has begun."""
    if not count.boot or _is_another_day(count, now):
        since_midnight_s = now.wall_s % DAY_S if now.is_set else 0.0
        began_s = now.monotonic_s - since_midnight_s
        if count.boot == now.boot:
            # A clock that is set now and then claims midnights: none lies sooner than a day after the last.
            began_s = max(began_s, count.began_s + DAY_S_MIN)
        return DayCount(
            boot=now.boot, began_s=began_s, day=now.day, noted_boot=now.boot, noted_s=now.monotonic_s
        )
    return count


def as_noted(count: DayCount, now: Tick) -> DayCount:
    """The same, as it is to be put down: a later boot goes on counting from here."""
    return DayCount(  # Written out, as in `plus`.
        boot=count.boot,
        began_s=count.began_s,
        day=_day_begun(count, now),
        usd=count.usd,
        size_bytes=count.size_bytes,
        is_closed=count.is_closed,
        ran_s=_ran_s(count, now),
        noted_boot=now.boot,
        noted_s=now.monotonic_s,
    )


def should_note(count: DayCount, now: Tick) -> bool:
    """Whether running time would be lost at a restart that no spending has put down."""
    return _ran_s(count, now) >= count.ran_s + NOTE_EVERY_S


def _day_begun(count: DayCount, now: Tick) -> int | None:
    """What the wall clock claimed when the day began, or would have claimed, once it is set in that boot.

    Without a date a site that runs for some hours a day would wait days for the end of one."""
    if count.day is not None or not now.is_set or count.boot != now.boot:
        return count.day
    return int((now.wall_s - (now.monotonic_s - count.began_s)) // DAY_S)


def _ran_s(count: DayCount, now: Tick) -> float:
    """For how long the machine is known to have run since the first contact of the day."""
    if count.noted_boot == now.boot:
        return count.ran_s + now.monotonic_s - count.noted_s
    # Of another boot nothing is known but that this one began after it.
    return count.ran_s + now.monotonic_s


def _is_another_day(count: DayCount, now: Tick) -> bool:
    if _ran_s(count, now) >= DAY_S:
        return True
    if count.day is None or now.day is None or now.day <= count.day:
        return False
    if count.boot == now.boot:
        return now.monotonic_s - count.began_s >= DAY_S_MIN
    return now.day - count.day <= LEAP_DAYS_MAX
