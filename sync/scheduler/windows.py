"""Whether what waits can finish before the link goes dark again, by how long it stayed up before.

Pure: a link's contacts go in, counts of past windows come out. A window lasts at least from its first contact
to the end of its last; what lies between that and the next failure nobody knows, and is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WINDOWS_BEFORE_FORECAST: Final = 5
"""Fewer windows that came to an end say nothing of this one."""
CLOCK_DRIFT_S: Final = 5.0
"""A contact whose two clocks differ by more saw its wall clock set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """One contact over a link, or a run of attempts that found nobody; by the wall clock."""

    began_s: float
    ended_s: float
    lasted_s: float
    """By the monotonic clock."""
    reached: bool


@dataclass(frozen=True, slots=True)
class Windows:
    """When a link was up."""

    ended_s: tuple[float, ...] = ()
    """How long each window lasted at least that is over."""
    open_since_s: float | None = None
    """When the present one began; None while the link is not known to be up."""

    def chance(self, need_s: float, now_s: float) -> Chance | None:
        """To finish within the present window; None while there is none."""
        if self.open_since_s is None:
            return None
        age_s = max(0.0, now_s - self.open_since_s)
        as_old = [each for each in self.ended_s if each >= age_s]
        return Chance(sum(each >= age_s + need_s for each in as_old), len(as_old), len(self.ended_s))


@dataclass(frozen=True, slots=True)
class Chance:
    """Of the windows that lasted as long as this one has, how many lasted long enough."""

    long_enough: int
    as_old: int
    seen: int
    """All that are over."""

    @property
    def is_forecast(self) -> bool:
        return self.as_old >= WINDOWS_BEFORE_FORECAST


def windows(spells: Sequence[Spell], *, gap_s_max: float) -> Windows:
    """Oldest spell first. A longer gap than `gap_s_max` was not watched: what it cut is not counted."""
    ended: list[float] = []
    began_s: float | None = None
    last_s = 0.0
    for place, spell in enumerate(spells):
        gap_s = spell.began_s - spells[place - 1].ended_s if place else 0.0
        if not -CLOCK_DRIFT_S <= gap_s <= gap_s_max:
            began_s = None
        if not spell.reached:
            if began_s is not None:
                ended.append(last_s - began_s)
            began_s = None
        elif abs(spell.ended_s - spell.began_s - spell.lasted_s) > CLOCK_DRIFT_S:
            began_s = None  # Its clock was set, or the program was ended in the middle of it.
        else:
            began_s = spell.began_s if began_s is None else began_s
            last_s = spell.ended_s
    return Windows(tuple(ended), began_s)
