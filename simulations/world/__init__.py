"""Worlds: fleets of sites with their links and cases, the people at the hub, weather and outages, as data."""

from .catalogue import DEFAULT_WORLD, load_world, parse_world, world_names
from .errors import WorldError
from .variants import about_so_many, looking_every, on_link, only_kind
from .world import CaseMix, Clinicians, HubOutage, SiteGroup, SiteLink, Storms, World

__all__ = [
    "DEFAULT_WORLD",
    "CaseMix",
    "Clinicians",
    "HubOutage",
    "SiteGroup",
    "SiteLink",
    "Storms",
    "World",
    "WorldError",
    "about_so_many",
    "load_world",
    "looking_every",
    "on_link",
    "only_kind",
    "parse_world",
    "world_names",
]
