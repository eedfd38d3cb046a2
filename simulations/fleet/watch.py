"""The hub's watch over sites that have fallen silent: one alarm for one cause.

The product has no such alarm yet; this is the rule that a coordinator would want, and what it would cost in
alarms that need nothing done. Sites of a region that fall silent together share a cause, and so does every
site after an outage of the hub.
"""

from __future__ import annotations

from typing import Final

from simulations.report import AlarmRow
from simulations.world.world import HOUR_S

from .fleet import Fleet
from .site import FleetSite

SILENT_LOOKS: Final = 3
"""So many looks for replies that did not come off."""
SILENT_S_MIN: Final = 2 * HOUR_S


class SilenceWatch:
    """Looks once an hour."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._told: set[str] = set()
        """Regions whose silence was told and goes on."""

    def look(self, now_s: float) -> None:
        """Tell of regions that have fallen silent since the last look, and forget those that speak again."""
        silent: dict[str, int] = {}
        for site in self._fleet.sites:
            if self._is_silent(site, now_s):
                silent[site.group.region] = silent.get(site.group.region, 0) + 1
        for region in sorted(silent.keys() - self._told):
            cause = f"sites of the region {region} are silent"
            # Links that the world takes away come back by themselves: nobody can do anything about weather.
            self._fleet.alarm(AlarmRow(at_s=now_s, site=None, cause=cause, needs_action=False))
        self._told = set(silent)

    def _is_silent(self, site: FleetSite, now_s: float) -> bool:
        if not site.is_looking:
            return False
        patience_s = max(SILENT_S_MIN, SILENT_LOOKS * site.look_s)
        if now_s - site.good_s <= patience_s or site.held is not None:
            return False
        # While the hub was away nobody could be heard: that was told by itself.
        return not self._fleet.hub_was_away(now_s - patience_s, now_s)
