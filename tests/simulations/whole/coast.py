"""A small fleet with one of everything, written as an operator would write it."""

from __future__ import annotations

from functools import cache

from simulations.fleet.run import run_world
from simulations.report import RunResults
from simulations.virtual.trace import Trace
from simulations.whole import run_whole
from simulations.world import World
from tests.simulations.fleet.small_worlds import place, small_world

SEED = 1
DAY_S = 86_400.0
AWAY_S = (58_500.0, 62_100.0)
"""When the hub is down."""
SECOND_LINK = """
usd_per_day_max = 8.0
[[sites.links]]
profile = "iridium-dialup"
every_s = 14400
floor = "urgent"
usd_per_day_max = 10.0
reserve = 0.5
"""
TROUBLE = f"""
[[storms]]
region = "bay"
profiles = "geo-clean"
every_days = 0.5
lasts_s_min = 3600
lasts_s_max = 7200
[[storms]]
region = "sea"
profiles = "certus-100"
every_days = 0.3
lasts_s_min = 3600
lasts_s_max = 7200
[[hub_outages]]
start_s = {AWAY_S[0]:.0f}
duration_s = {AWAY_S[1] - AWAY_S[0]:.0f}
"""


def coast() -> World:
    """A ship with two links, and an island whose link goes with the weather."""
    return small_world(
        place("certus-100", name="ship", region="sea", terms=SECOND_LINK),
        place("geo-clean", name="island", region="bay"),
        days=2.0,
        cases_per_day=3.0,
        more=TROUBLE,
    )


@cache
def played_whole() -> tuple[RunResults, tuple[str, ...]]:
    """On the whole product, and its trace; once for all tests of a process."""
    lines: list[str] = []
    return run_whole(coast(), seed=SEED, trace=Trace(lines.append)), tuple(lines)


@cache
def played_in_events() -> RunResults:
    """The same world in event mode."""
    return run_world(coast(), seed=SEED)
