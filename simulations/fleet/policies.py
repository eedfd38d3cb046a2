"""What an operator might change about a fleet, each as a change to its world: for comparing two runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from protocol.header import Priority
from simulations.world import SiteLink, World
from simulations.world.world import DAY_S

LinkChange = Callable[[SiteLink], SiteLink]
AS_DESCRIBED: Final = "as-described"
"""The policy that changes nothing."""


def _each_link(change: LinkChange) -> Callable[[World], World]:
    def changed(world: World) -> World:
        groups = (replace(each, links=tuple(map(change, each.links))) for each in world.groups)
        return replace(world, groups=tuple(groups))

    return changed


def _is_dear(link: SiteLink) -> bool:
    tariff = link.profile.tariff
    return bool(tariff.usd_per_mb or tariff.usd_per_minute or tariff.usd_per_message)


def _no_photos(link: SiteLink) -> SiteLink:
    return replace(link, floor=min(link.floor, Priority.ROUTINE)) if _is_dear(link) else link


POLICIES: Final[Mapping[str, tuple[str, Callable[[World], World]]]] = MappingProxyType(
    {
        AS_DESCRIBED: ("as the world says", lambda world: world),
        "no-bulk-by-paid-links": ("bulk waits for a link that costs nothing", _each_link(_no_photos)),
        "daily": ("one look a day for replies", _each_link(lambda link: replace(link, every_s=DAY_S))),
        "always-on": ("every link is held open", _each_link(lambda link: replace(link, every_s=0.0))),
        "no-caps": ("no link has a cap", _each_link(lambda link: replace(link, usd_per_day_max=None))),
    }
)
