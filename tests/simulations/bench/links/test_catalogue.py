"""The rows are what they say: each link's bound is the one that its figures were asked against."""

from __future__ import annotations

import pytest

from simulations.bench.consult import carriage_of
from simulations.bench.links.catalogue import scenarios
from simulations.bench.links.scenario import HTTP, UDP, Figure, Scenario

CONSULT = carriage_of(None, None, None)
ROWS = {row.name: row for row in scenarios(CONSULT)}


def test_each_row_has_a_name_of_its_own() -> None:
    assert len(ROWS) == len(scenarios(CONSULT))


@pytest.mark.parametrize(
    ("name", "bound_s"),
    [
        ("sync-2k", 8.17),
        ("answer-2k", 8.83),
        ("bulk-100k", 12.8),
        ("geo-20m-loss-1", 16.3),
        ("case-c-512k", 9.7),
        ("case-c-dark", 57.0),
    ],
)
def test_the_bound_of_a_row(name: str, bound_s: float) -> None:
    assert ROWS[name].bound_s(1) == pytest.approx(bound_s, rel=0.01)


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_what_is_asked_can_be_had(row: Scenario) -> None:
    """No goal lies beyond physics, and a stretch is never easier than its reach."""
    for goal in row.goals:
        assert goal.way in (UDP, HTTP)
        if goal.stretch is not None and goal.figure is Figure.SECONDS:
            assert goal.stretch <= goal.reach
        bound_s = max(row.bound_s(seed) or 0.0 for seed in row.seeds[:1])
        if goal.figure is Figure.SECONDS and row.gaps is None:
            assert goal.reach > bound_s


def test_each_seed_has_gaps_of_its_own() -> None:
    row = ROWS["case-c-gaps"]
    first, again, second = (row.profile(seed).outages for seed in (1, 1, 2))
    assert first == again != second
    assert all(10 <= outage.duration_s <= 40 for outage in first)


def test_peers_carry_the_same_case_in_their_own_words() -> None:
    case = ROWS["case-c-512k"].peer_case
    assert case is not None
    assert case.photographs == CONSULT.plain_photographs
    assert len(case.text) > len(CONSULT.text)
