"""Hundreds of seeded worlds, none of which may break a law; and the same seed is the same world."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulations.seeded import pair_world
from simulations.seeded.consult_schedule import draw_consults
from simulations.seeded.scenarios import check
from simulations.seeded.schedule import draw_schedule
from simulations.seeded.setbacks import draw_setbacks
from simulations.seeded.upheavals import KINDS, kind_of
from simulations.virtual.trace import Trace

from .worlds import counts, replayed

SEEDS = {
    "pair": range(1, 145),
    "recovery": range(1, 55),
    "setbacks": range(1, 61),
    "versions": range(1, 25),
    "consults": range(1, 13),
    "upheavals": range(6, 12),
}
PER_TEST = {"pair": 24, "recovery": 18, "setbacks": 10, "versions": 24}


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


@pytest.mark.parametrize(("scenario", "seeds"), batches("versions"))
def test_software_of_different_versions_keeps_the_laws_together(scenario: str, seeds: range) -> None:
    """And each of them says or passes over what the other version knows."""
    lines: list[str] = []
    for seed in seeds:
        check(scenario, seed, Trace(lines.append))
    bitten = counts(lines, "says a newer frame", "passes over a frame")
    assert min(bitten.values()) >= 50, bitten


@pytest.mark.timeout(240)
def test_no_fault_of_a_machine_breaks_a_law_between_whole_sites() -> None:
    """And each kind of fault bites: one of which nothing comes proves nothing."""
    lines: list[str] = []
    for seed in SEEDS["consults"]:
        check("consults", seed, Trace(lines.append))
    bitten = counts(
        lines,
        "starts again",
        "lost what no sync had confirmed",
        "had no room",
        "goes back to a backup",
        "rots",
        "StepClock(",
        "Blackout(",
    )
    assert min(bitten.values()) >= 2, bitten
    assert bitten["starts again"] >= 12


@pytest.mark.timeout(240)
def test_no_upheaval_breaks_a_law_between_whole_sites() -> None:
    lines: list[str] = []
    for seed in SEEDS["upheavals"]:
        check("upheavals", seed, Trace(lines.append))
    assert {kind_of(seed) for seed in SEEDS["upheavals"]} == set(KINDS)
    assert min(counts(lines, "CopyCard(", "LoseHub(", "FailOver(").values()) >= 1
    assert min(counts(lines, "says a newer frame", "writes a newer record").values()) >= 5
    copied = {line.split()[3] for line in lines if "site-0-copy" in line and "BundleAdded" in line}
    assert copied, "nothing was written on the copy"


def test_three_hundred_schedules_of_faults_are_played() -> None:
    assert sum(map(len, SEEDS.values())) >= 300


@pytest.mark.parametrize(("scenario", "seed"), regressions())
def test_what_failed_once_holds(scenario: str, seed: int) -> None:
    check(scenario, seed)


def test_worlds_see_every_kind_of_fact_that_a_law_is_about() -> None:
    heard: set[str] = set()
    for schedule in (*map(draw_schedule, range(1, 4)), *map(draw_setbacks, range(1, 4))):
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
    for seed in range(1, 13):
        pair_world.play_pair(draw_setbacks(seed), trace=Trace(lines.append))
    bitten = counts(
        lines,
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
    assert min(bitten.values()) >= 6, bitten


@pytest.mark.parametrize(("scenario", "seed"), [("setbacks", 5), ("consults", 5), ("failing-disks", 4)])
def test_one_seed_is_one_world_in_any_process(scenario: str, seed: int) -> None:
    first, second = (replayed(scenario, seed, hash_seed) for hash_seed in ("1", "2"))
    assert first == second


def test_another_seed_is_another_world() -> None:
    assert len({digest(seed) for seed in range(1, 6)}) == 5
    assert digest(1) == digest(1)


def digest(seed: int) -> str:
    trace = Trace()
    pair_world.play_pair(draw_schedule(seed), trace=trace)
    return trace.digest


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
