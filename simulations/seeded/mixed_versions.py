"""Worlds at the level of custody whose hosts run software of different versions."""

from __future__ import annotations

import random
from dataclasses import replace

from simulations.hosts.skew import Versions

from .schedule import HUB, NODE, Schedule, draw_schedule
from .setbacks import draw_setbacks


def draw_versions(seed: int) -> Schedule:
    """The same for the same seed, whatever ran before. What an older one does not know is mostly about
    backups and restores, so those befall it."""
    versions = random.Random(f"versions/{seed}").choice(
        (Versions(newer=HUB), Versions(newer=NODE), Versions(older=HUB), Versions(older=NODE))
    )
    schedule = draw_schedule(seed) if versions.older is None else draw_setbacks(seed)
    return replace(schedule, versions=versions)
