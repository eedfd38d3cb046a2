"""How long a link is likely to stay dark still, by how long it stayed dark before.

Pure: a link's contacts go in, the rest of past outages comes out. An outage lasts from the first attempt that
found nobody to the first contact after it: what nobody has tried, nobody has waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .windows import CLOCK_DRIFT_S, Spell

OUTAGES_BEFORE_FORECAST: Final = 8
"""Fewer past outages that lasted as long say nothing of this one."""
OUTAGE_S_MAX: Final = 30 * 86_400.0
"""A longer one teaches nothing: a clock was set, or the site lay idle."""


@dataclass(frozen=True, slots=True)
class Outages:
    """When a link was dark."""

    lasted_s: tuple[float, ...] = ()
    """Each that is over."""
    since_s: float | None = None
    """When the present one began; None while the link is not known to be dark."""

    def left_s(self, now_s: float) -> tuple[float, ...]:
        """Of each past one that lasted as long as the present one has, how long it went on from there."""
        if self.since_s is None:
            return ()
        age_s = max(0.0, now_s - self.since_s)
        return tuple(each - age_s for each in self.lasted_s if each > age_s)


def outages(spells: Sequence[Spell], *, gap_s_max: float) -> Outages:
    """Oldest spell first. After a longer pause than `gap_s_max` nobody knows when the link came back."""
    lasted: list[float] = []
    since_s: float | None = None
    tried_s = 0.0
    for spell in spells:
        was_watched = -CLOCK_DRIFT_S <= spell.began_s - tried_s <= gap_s_max
        if not spell.reached:
            since_s = since_s if since_s is not None and was_watched else spell.began_s
        else:
            if since_s is not None and was_watched and 0 <= spell.began_s - since_s <= OUTAGE_S_MAX:
                lasted.append(spell.began_s - since_s)
            since_s = None
        tried_s = spell.ended_s
    return Outages(tuple(lasted), since_s)
