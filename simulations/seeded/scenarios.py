"""Every kind of seeded world by name: how to play the world of a seed, and the words that show it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulations.checkers import Court
from simulations.virtual.trace import Trace

from .consult_schedule import draw_consults
from .consult_world import play_consults
from .dear_links import draw_dear_links
from .failing_disks import draw_failing_disks
from .mixed_versions import draw_versions
from .pair_world import play_pair
from .proxies import draw_proxies
from .schedule import draw_schedule
from .setbacks import draw_setbacks
from .strangers import draw_strangers
from .turns import draw_airwaves, draw_turns
from .upheavals import draw_upheavals

Play = Callable[[int, Trace], Court]

SCENARIOS: Final[dict[str, Play]] = {
    "pair": lambda seed, trace: play_pair(draw_schedule(seed), trace=trace),
    "recovery": lambda seed, trace: play_pair(draw_schedule(seed, recovers=True), trace=trace),
    "setbacks": lambda seed, trace: play_pair(draw_setbacks(seed), trace=trace),
    "versions": lambda seed, trace: play_pair(draw_versions(seed), trace=trace),
    "turns": lambda seed, trace: play_pair(draw_turns(seed), trace=trace),
    "airwaves": lambda seed, trace: play_pair(draw_airwaves(seed), trace=trace),
    "consults": lambda seed, trace: play_consults(draw_consults(seed), trace=trace),
    "upheavals": lambda seed, trace: play_consults(draw_upheavals(seed), trace=trace),
    "failing-disks": lambda seed, trace: play_consults(draw_failing_disks(seed), trace=trace),
    "strangers": lambda seed, trace: play_consults(draw_strangers(seed), trace=trace),
    "dear-links": lambda seed, trace: play_consults(draw_dear_links(seed), trace=trace),
    "proxies": lambda seed, trace: play_consults(draw_proxies(seed), trace=trace),
}


def replay_words(scenario: str, seed: int) -> str:
    """How to see it again."""
    return f"seed={seed} replay: sfsim replay {seed} --scenario {scenario}"


def check(scenario: str, seed: int, trace: Trace | None = None) -> None:
    """Raises `PropertyViolated` with the words to replay it."""
    SCENARIOS[scenario](seed, trace or Trace()).require(replay_words(scenario, seed))
