"""Hundreds of seeded worlds, none of which may break a law; and the same seed is the same world."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulations.engine import pair_world
from simulations.engine.consult_schedule import draw_consults
from simulations.engine.scenarios import check
from simulations.engine.schedule import draw_schedule
from simulations.engine.setbacks import draw_setbacks
from simulations.engine.trace import Trace

SEEDS = {"pair": range(1, 169), "recovery": range(1, 61), "setbacks": range(1, 61), "consults": range(1, 13)}
"""Three hundred worlds."""
PER_TEST = {"pair": 24, "recovery": 20, "setbacks": 10, "consults": 1}


def regressions() -> list[tuple[str, int]]:
    lines = (Path(__file__).parent / "regressions.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return [(scenario, int(seed)) for scenario, seed in rows]


def batches(*scenarios: str) -> list[tuple[str, range]]:
    """So many that no worker is left with a long one at the end."""
    return [
        (scenario, SEEDS[scenario][first : first + PER_TEST[scenario]])
        for scenario in scenarios
        for first in range(0, len(SEEDS[scenario]), PER_TEST[scenario])
    ]


@pytest.mark.parametrize(("scenario", "seeds"), batches("pair"))
def test_no_schedule_of_faults_breaks_a_law(scenario: str, seeds: range) -> None:
    for seed in seeds:
        check(scenario, seed)


@pytest.mark.parametrize(("scenario", "seeds"), batches("recovery", "setbacks"))
def test_what_a_place_lost_comes_back_and_pruning_loses_nothing(scenario: str, seeds: range) -> None:
    for seed in seeds:
        check(scenario, seed)


@pytest.mark.parametrize(("scenario", "seeds"), batches("consults"))
def test_no_fault_of_a_machine_breaks_a_law_between_whole_sites(scenario: str, seeds: range) -> None:
    for seed in seeds:
        check(scenario, seed)


@pytest.mark.parametrize(("scenario", "seed"), regressions())
def test_what_failed_once_holds(scenario: str, seed: int) -> None:
    check(scenario, seed)


def test_worlds_see_every_kind_of_fact_that_a_law_is_about() -> None:
    heard: set[str] = set()
    for schedule in (*map(draw_schedule, range(1, 6)), *map(draw_setbacks, range(1, 6))):
        heard |= pair_world.play_pair(schedule).heard.keys()
    assert heard >= {
        "BytesDropped",
        "SafetyBelieved",
        "BundleAdded",
        "BundleDelivered",
        "BytesHandedOut",
        "CustodyPassed",
        "ReceiptWritten",
        "WorldHealed",
    }


def test_the_faults_of_setbacks_bite() -> None:
    """A schedule in which nothing comes of its faults proves nothing."""
    lines: list[str] = []
    for seed in range(1, 21):
        pair_world.play_pair(draw_setbacks(seed), trace=Trace(lines.append))
    bitten = {
        words: sum(words in line for line in lines)
        for words in (
            "starts again",
            "how=link lost",
            "how=peer silent",
            "ForkSeen",
            "RolledBackSeen",
            "BundlesLost",
            "EntriesReturning",
            "RekeyAsked",
            "SafeReported",
        )
    }
    assert min(bitten.values()) >= 10, bitten


@pytest.mark.parametrize("scenario", ["pair", "setbacks", "consults"])
def test_one_seed_is_one_world_in_any_process(scenario: str) -> None:
    first, second = (replayed(scenario, 5, hash_seed) for hash_seed in ("1", "2"))
    assert first == second
    assert replayed(scenario, 8, "1") != first


def replayed(scenario: str, seed: int, hash_seed: str) -> str:
    """The last line of a replay: how many events, and their hash."""
    ran = subprocess.run(
        [sys.executable, "-m", "simulations.cli", "replay", str(seed), "--scenario", scenario, "--quiet"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    return ran.stdout.splitlines()[-1]


def test_a_trace_tells_apart_what_differs_in_one_moment() -> None:
    first, second = Trace(), Trace()
    first.note(1.0, "node", "takes", size=1)
    second.note(1.000001, "node", "takes", size=1)
    assert first.digest != second.digest


def test_a_schedule_follows_from_its_seed_alone() -> None:
    assert draw_schedule(3) == draw_schedule(3)
    assert draw_consults(3) == draw_consults(3)
    assert draw_setbacks(3) == draw_setbacks(3)
    assert draw_schedule(3) != draw_schedule(4)
