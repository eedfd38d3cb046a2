"""How fast a fleet is played in event mode: real sessions and policy, with custody in memory or in SQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from simulations.fleet import run_world, run_world_in_files
from simulations.report import RunResults
from simulations.world import World, about_so_many, load_world

from .rows import Row

SITES: Final = 40
DAYS: Final = 10.0
SEED: Final = 1
REPEATS: Final = 2
ASKED_IN_MEMORY: Final = 1_000 * 30 / 180
"""Site-days a second: a thousand sites for thirty days in three minutes."""
ASKED_IN_FILES: Final = 50.0


def fleet_rows() -> list[Row]:
    """Node-days for each second of one core, of the sites of the world `thousand`, in proportion."""
    world = replace(about_so_many(load_world("thousand"), SITES), days=DAYS)
    return [
        _row("a fleet in event mode, custody in memory", world, _in_memory, ASKED_IN_MEMORY),
        _row("a fleet in event mode, custody in SQL files", world, _in_files, ASKED_IN_FILES),
    ]


def _in_memory(world: World) -> RunResults:
    return run_world(world, seed=SEED)


def _in_files(world: World) -> RunResults:
    return run_world_in_files(world, seed=SEED)


def _row(name: str, world: World, play: Callable[[World], RunResults], reach: float) -> Row:
    """The best of several: other work on the machine only ever slows one down."""
    rate = max(_node_days_per_s(world, play) for _ in range(REPEATS))
    return Row(name=name, value=rate, unit="node-days/s", reach=reach, more_is_better=True)


def _node_days_per_s(world: World, play: Callable[[World], RunResults]) -> float:
    began_s = time.process_time()
    results = play(world)
    spent_s = time.process_time() - began_s
    if results.violations:
        raise RuntimeError(
            f"the fleet that speed is measured with broke a law: {results.violations[0].words}"
        )
    return results.site_days / spent_s
