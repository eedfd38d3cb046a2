"""Worlds whose disks fail by halves: no law is broken, each failure bites, and people are told."""

from __future__ import annotations

import pytest

from simulations.seeded.failing_disks import disk_kind_of
from simulations.seeded.scenarios import check
from simulations.virtual.trace import Trace


def played(kind: str, *seeds: int) -> list[str]:
    """What these worlds of that kind have left in their traces; whatever breaks a law is raised."""
    lines: list[str] = []
    for seed in seeds:
        assert disk_kind_of(seed) == kind
        check("failing-disks", seed, Trace(lines.append))
    return lines


def has(lines: list[str], words: str) -> int:
    return sum(words in line for line in lines)


@pytest.mark.timeout(120)
def test_a_refused_statement_ends_the_program_or_is_told() -> None:
    """A sync that fails ends the hub, which is started again until its disk confirms something; at a site
    somebody reads that nothing was saved."""
    at_hub, at_site = played("the hub's statements", 1), played("a site's statements", 16)
    assert has(at_hub, "was refused by its disk")
    assert has(at_site, "was refused by its disk")
    assert has(at_hub, "hub        starts again") >= 3
    assert has(at_site, "refused why=Stor")


@pytest.mark.timeout(120)
def test_a_lying_disk_loses_what_it_confirmed_and_its_peer_sends_it_again() -> None:
    """And what a backup of the hub has made safe in between is in that backup."""
    lines = played("lying site", 2)
    assert has(lines, "lost what no sync had confirmed")
    assert has(lines, "SafetyBelieved")
    assert has(played("lying hub", 3), "lost what no sync had confirmed")


@pytest.mark.timeout(120)
def test_a_power_cut_takes_files_and_names_that_were_not_synced() -> None:
    assert has(played("torn files", 4), "lost a file or a name that no sync had confirmed")


@pytest.mark.timeout(120)
def test_a_place_that_refuses_files_costs_no_case_and_no_promise() -> None:
    """Nothing is called safe for a backup that failed or is not what was written; what came with a picture is
    kept until it can be."""
    lines = played("refused files", 5)
    assert has(lines, "could not write a file")
    assert has(lines, "refused why=BackupFailed")
    assert has(lines, "refused why=BackupDamaged")
