"""Worlds whose contacts go over HTTP, and worlds on one channel: no law breaks, and each fault bites."""

from __future__ import annotations

import pytest

from simulations.seeded.pair_world import play_pair
from simulations.seeded.proxies import draw_proxies
from simulations.seeded.scenarios import check
from simulations.seeded.schedule import Meet
from simulations.seeded.turns import draw_airwaves, draw_turns
from simulations.virtual.meddling import Meddle
from simulations.virtual.trace import Trace
from sync.links import http_turns
from sync.links.http_request import StreamingRequest, is_answer

from .worlds import counts, replayed

TURNS = range(1, 61)
AIRWAVES = range(1, 17)
PROXIES = (1, 3, 4)
ONE_CHANNEL = 3
PLANTED = range(1, 8)
IN_TURNS, BOTH_AT_ONCE = "http: in turns", "http: both directions at once"


@pytest.mark.timeout(120)
def test_no_law_breaks_over_http() -> None:
    """And whatever may be in between has done all it can to requests, in both ways that sessions have."""
    lines: list[str] = []
    for seed in TURNS:
        check("turns", seed, Trace(lines.append))
    bitten = counts(lines, *(str(meddle) for meddle in Meddle if meddle is not Meddle.PASSES))
    assert min(bitten.values()) >= 5, bitten
    bitten = counts(
        lines,
        IN_TURNS,
        BOTH_AT_ONCE,
        "answers 502",
        "answers 504",
        "finds a request too large",
        "is broken off",
        "dials at once",
        "calls beside the other",
        "how=fenced",
        "how=link lost",
        "how=peer silent",
        "how=peer at fault",
    )
    assert min(bitten.values()) >= 5, bitten
    assert bitten[IN_TURNS] >= 150
    assert bitten[BOTH_AT_ONCE] >= 75


def test_no_law_breaks_where_one_channel_serves_both_ways() -> None:
    lines: list[str] = []
    for seed in AIRWAVES:
        schedule = draw_airwaves(seed)
        assert schedule.profile.half_duplex is not None
        play_pair(schedule, trace=Trace(lines.append)).require(f"airwaves {seed}")
    assert min(counts(lines, "how=done", "how=link lost", "how=peer silent").values()) >= 6


def test_channels_are_drawn_for_datagrams_streams_and_http_alike() -> None:
    meets = [act.datagrams for seed in AIRWAVES for act in draw_airwaves(seed).acts if isinstance(act, Meet)]
    assert {True, False} == set(meets)
    assert sum(draw_turns(seed).profile.half_duplex is not None for seed in TURNS) >= 5


@pytest.mark.timeout(240)
def test_no_law_breaks_between_whole_sites_over_http() -> None:
    lines: list[str] = []
    for seed in PROXIES:
        check("proxies", seed, Trace(lines.append))
    assert sum("between" in line for line in lines) >= 10
    assert draw_proxies(ONE_CHANNEL).half_duplex is not None


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("scenario", "seed"), [("turns", 4), ("proxies", 4)])
def test_one_seed_is_one_world_in_any_process(scenario: str, seed: int) -> None:
    first, second = (replayed(scenario, seed, hash_seed) for hash_seed in ("1", "2"))
    assert first == second


def test_a_session_that_never_goes_on_in_turns_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits_for_ever(request: StreamingRequest, patience_s: float) -> bool:
        return False

    monkeypatch.setattr(StreamingRequest, "is_ignored", waits_for_ever)
    violations = [each for seed in PLANTED for each in play_pair(draw_turns(seed)).violations]
    assert any("Everything arrives once the link heals." in each for each in violations)


def test_forgetting_that_turns_got_through_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_turns, "is_of_a_listener", is_answer)
    violations = play_pair(draw_turns(4)).violations
    assert any("Everything arrives once the link heals." in each for each in violations)
