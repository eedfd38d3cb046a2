"""The state of one run in event mode: its sites, its bundles, the moments to come, and what was observed."""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from protocol.ids import BundleId
from simulations.checkers import (
    AcknowledgedIsDurable,
    CapsAreKept,
    Checker,
    Court,
    CustodyIsNeverLost,
    DeliveredOnce,
    EverythingArrives,
    MostUrgentFirst,
    NobodyStarves,
)
from simulations.checkers.observations import Observation
from simulations.report import AlarmRow
from simulations.virtual.trace import Field, Trace
from simulations.world import World
from simulations.world.world import DAY_S

from .goods import Goods
from .parts import PRODUCT, Parts
from .site import FleetSite
from .weather import storms_of

HUB = "hub"
CHECKED: tuple[type[Checker], ...] = (
    AcknowledgedIsDurable,
    CapsAreKept,
    CustodyIsNeverLost,
    DeliveredOnce,
    EverythingArrives,
    MostUrgentFirst,
    NobodyStarves,
)

Action = Callable[[float], None]


class Fleet:
    """What every part of a run shares."""

    def __init__(self, world: World, seed: int, trace: Trace, parts: Parts = PRODUCT) -> None:
        self.world = world
        self.seed = seed
        self.trace = trace
        self.parts = parts
        self.until_s = world.days * DAY_S
        self.goods = Goods(seed)
        self.court = Court(checker() for checker in CHECKED)
        self.alarms: list[AlarmRow] = []
        self.taken: dict[tuple[int, bool], set[BundleId]] = {}
        """What each application has taken over, by site and whether it is the hub's."""
        self._moments: list[tuple[float, int, Action]] = []
        self._order = count()
        storms = storms_of(world, seed)
        self.sites: list[FleetSite] = []
        for group in world.groups:
            for index in range(group.count):
                name = f"{group.name} {index + 1}"
                self.sites.append(FleetSite(len(self.sites), group, name, storms, seed, parts))

    def close(self) -> None:
        """The run is over: nobody uses the disks any more."""
        for site in self.sites:
            site.close()

    def later(self, at_s: float, action: Action) -> None:
        """Something happens at a moment of the run; at the same moment, in the order of the calls."""
        heappush(self._moments, (at_s, next(self._order), action))

    def next_moment(self) -> tuple[float, Action] | None:
        """The next one before the end of the run."""
        if not self._moments or self._moments[0][0] > self.until_s:
            return None
        at_s, _, action = heappop(self._moments)
        return at_s, action

    def observe(self, observation: Observation) -> None:
        """For the checkers."""
        self.court.observe(observation)

    def alarm(self, alarm: AlarmRow) -> None:
        """Somebody heard an alarm."""
        self.alarms.append(alarm)
        self.note(alarm.at_s, HUB if alarm.site is None else f"site {alarm.site}", "alarm", cause=alarm.cause)

    def note(self, at_s: float, who: str, what: str, **fields: Field) -> None:
        """One line of the trace."""
        self.trace.note(at_s, who, what, **fields)

    def hub_gone_s(self, now_s: float) -> float:
        """From when on the hub answers nobody; infinity if it stays."""
        later = (each.start_s for each in self.world.hub_outages if now_s < each.start_s + each.duration_s)
        return min((max(start_s, now_s) for start_s in later), default=math.inf)

    def hub_was_away(self, from_s: float, until_s: float) -> bool:
        """Whether the hub answered nobody at any moment between."""
        return any(
            each.start_s < until_s and from_s < each.start_s + each.duration_s
            for each in self.world.hub_outages
        )

    def hub_back_s(self, now_s: float) -> float:
        """When the hub answers again; now, if it does."""
        ends = (
            each.start_s + each.duration_s
            for each in self.world.hub_outages
            if each.start_s <= now_s < each.start_s + each.duration_s
        )
        return max(ends, default=now_s)


def who(site: FleetSite) -> str:
    """A site's name in the trace."""
    return f"site {site.number}"
