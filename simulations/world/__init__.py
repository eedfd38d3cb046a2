"""Worlds: fleets of sites with their links and cases, the people at the hub, weather and outages, as data."""

from .catalogue import DEFAULT_WORLD, load_world, parse_world, world_names
from .errors import WorldError
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
    "load_world",
    "parse_world",
    "world_names",
]
