"""Hundreds of seeded worlds, none of which may break a law; and the same seed is the same world."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulations.engine import consult_world, pair_world
from simulations.engine.consult_schedule import draw_consults
from simulations.engine.schedule import draw_schedule
from simulations.engine.trace import Trace

PAIR_SEEDS = range(1, 301)
PER_TEST = 20
RECOVERY_SEEDS = range(1, 101)
CONSULT_SEEDS = range(1, 7)
CHECKS = {
    "pair": pair_world.check_seed,
    "recovery": pair_world.check_recovery,
    "consults": consult_world.check_seed,
}


def regressions() -> list[tuple[str, int]]:
    lines = (Path(__file__).parent / "regressions.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return [(scenario, int(seed)) for scenario, seed in rows]


@pytest.mark.parametrize("first", PAIR_SEEDS[::PER_TEST])
def test_no_schedule_of_faults_breaks_a_law(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        pair_world.check_seed(seed)


@pytest.mark.parametrize("first", RECOVERY_SEEDS[::PER_TEST])
def test_what_a_place_lost_comes_back_and_pruning_loses_nothing(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        pair_world.check_recovery(seed)


@pytest.mark.parametrize("seed", CONSULT_SEEDS)
def test_no_fault_of_a_machine_breaks_a_law_between_whole_sites(seed: int) -> None:
    consult_world.check_seed(seed)


@pytest.mark.parametrize(("scenario", "seed"), regressions())
def test_what_failed_once_holds(scenario: str, seed: int) -> None:
    CHECKS[scenario](seed)


def test_worlds_see_every_kind_of_fact_that_a_law_is_about() -> None:
    heard: set[str] = set()
    for seed in range(1, 11):
        heard |= pair_world.play_pair(draw_schedule(seed)).heard.keys()
    assert heard >= {
        "BundleAdded",
        "BundleDelivered",
        "BytesHandedOut",
        "CustodyPassed",
        "ReceiptWritten",
        "WorldHealed",
    }


@pytest.mark.parametrize("scenario", ["pair", "consults"])
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
    assert draw_schedule(3) != draw_schedule(4)
