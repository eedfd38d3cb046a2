"""Links of whole messages in a fleet: what they bring and cost, and that every law holds over them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import inf

import pytest

from protocol.header import Priority
from simulations.fleet import Faults, run_world, run_world_in_files
from simulations.report import DeliveryRow, RunResults
from simulations.virtual.trace import Trace
from simulations.world import World, load_world
from simulations.world.world import DAY_S
from sync.letters.terms import PAID_BUNDLE_BYTES_MAX

from .small_worlds import place, small_world

PER_LETTER_USD = 0.12


def messages_alone(cases_per_day: float = 4.0) -> World:
    where = place("iridium-sbd", count=2, every_s=None)
    return small_world(where, photos=0.5, cases_per_day=cases_per_day)


@cache
def outposts(seed: int = 1) -> RunResults:
    return run_world(load_world("outposts"), seed=seed)


def of(results: RunResults, link: str, *, up: bool = True) -> list[DeliveryRow]:
    return [row for row in results.deliveries if row.link == link and row.up is up]


def wait_s(row: DeliveryRow) -> float:
    return inf if row.stored_s is None else row.stored_s - row.queued_s


def test_the_same_seed_gives_the_same_letters_in_memory_and_in_files() -> None:
    world = small_world(
        place("iridium-sbd", every_s=None),
        place("iridium-sbd", every_s=None, name="far", region="far", terms='floor = "urgent"')
        + '[[sites.links]]\nprofile = "supply-boat"\n',
        days=12.0,
        cases_per_day=0.5,
    )
    faults = Faults(site_restores=2, hub_restores=1)
    first = run_world(world, seed=3, faults=faults)
    assert {row.link for row in first.deliveries} >= {"iridium-sbd", "supply-boat"}
    assert replace(run_world(world, seed=3, faults=faults), wall_s=0) == replace(first, wall_s=0)
    assert replace(run_world_in_files(world, seed=3, faults=faults), wall_s=0) == replace(first, wall_s=0)
    assert run_world(world, seed=4, faults=faults).trace_hash != first.trace_hash


def test_each_message_is_paid_for_lost_ones_and_answers_too() -> None:
    lines: list[str] = []
    results = run_world(messages_alone(), seed=2, trace=Trace(lines.append))
    letters = [line for line in lines if " letters " in line]
    assert len(letters) > 20
    assert any("copies=0" in line for line in letters), "a seed in which none is lost tests less"
    assert sum(row.usd for row in results.sites) == pytest.approx(PER_LETTER_USD * len(letters))
    by_up = sum(" site " in line for line in letters)
    assert sum(row.contacts for row in results.sites) == by_up
    assert sum(row.bytes_up + row.bytes_down for row in results.sites) == sum(
        int(line.partition("size=")[2].split()[0]) for line in letters
    )


def test_a_case_is_there_within_minutes_for_about_a_dollar_and_photographs_stay_behind() -> None:
    results = run_world(messages_alone(), seed=2)
    headlines = [row for row in results.deliveries if row.what == "headline"]
    assert len(headlines) > 5
    assert sorted(map(wait_s, headlines))[len(headlines) // 2] < 30.0
    short = [row for row in results.deliveries if row.size_bytes <= PAID_BUNDLE_BYTES_MAX]
    assert sum(row.stored_s is not None for row in short) > 0.95 * len(short)
    assert {row.what for row in results.deliveries if row.stored_s is None} <= {"photo", "preview", "seen"}
    # What a case itself costs, beside heads, receipts and what was lost.
    costs = [case.usd for case in results.cases if case.reply_stored_s is not None]
    assert 0.3 < sum(costs) / len(costs) < 2.0


def test_nothing_to_say_is_nothing_paid() -> None:
    results = run_world(messages_alone(cases_per_day=0.0), seed=2)
    assert [(row.contacts, row.usd) for row in results.sites] == [(0, 0.0)] * 2
    assert not results.alarms, "silence of such a site is no alarm"


def test_nothing_is_earlier_than_physics_allows() -> None:
    for results in (outposts(), run_world(messages_alone(), seed=5)):
        arrived = [row for row in results.deliveries if row.stored_s is not None]
        assert all(row.bound_s is not None and wait_s(row) >= row.bound_s - 1e-6 for row in arrived)


def test_what_is_urgent_goes_by_satellite_and_what_is_not_by_the_boat() -> None:
    results = outposts()
    assert results.violations == ()
    by_boat = of(results, "supply-boat")
    assert {row.what for row in by_boat} >= {"photo", "text", "headline", "note"}
    islands = {row.site for row in results.sites if row.kind == "island"}
    urgent = [row for row in by_boat if row.site in islands and row.priority <= Priority.URGENT]
    assert urgent
    assert {row.what for row in urgent} <= {"photo", "preview"}
    by_satellite = of(results, "iridium-sbd")
    assert max(row.size_bytes for row in by_satellite) <= PAID_BUNDLE_BYTES_MAX
    assert max(row.priority for row in by_satellite if row.site in islands) == Priority.URGENT
    assert min(wait_s(row) for row in by_boat) > 0.5 * DAY_S
    replies = [row for row in of(results, "iridium-sbd", up=False) if row.what == "reply"]
    assert replies
    assert sorted(map(wait_s, replies))[len(replies) // 2] < 120.0, "the hub writes without being asked"


def test_where_only_emergencies_go_by_satellite_nothing_else_does() -> None:
    results = outposts()
    keepers = {row.site for row in results.sites if row.kind == "lighthouse"}
    rows = [row for row in results.deliveries if row.site in keepers and row.link == "iridium-sbd"]
    assert rows
    assert {row.priority for row in rows} == {Priority.EMERGENCY}


@pytest.mark.parametrize("seed", range(2))
def test_no_law_is_broken_by_losses_copies_restores_and_outages(seed: int) -> None:
    world = small_world(
        place("iridium-sbd", every_s=None, count=2, terms="usd_per_day_max = 4.0"),
        place("iridium-sbd", every_s=None, count=2, name="far", region="far", terms='floor = "emergency"')
        + '[[sites.links]]\nprofile = "supply-boat"\n',
        place("geo-lossy", name="near", region="near")
        + '[[sites.links]]\nprofile = "iridium-sbd"\nfloor = "urgent"\n',
        days=14.0,
        cases_per_day=0.6,
        more=(
            '[[storms]]\nregion = "near"\nprofiles = "geo-lossy"\nevery_days = 3\n'
            "lasts_s_min = 3_600\nlasts_s_max = 40_000\n"
            "[[hub_outages]]\nstart_s = 700_000\nduration_s = 20_000\n"
        ),
    )
    results = run_world(world, seed=seed, faults=Faults(site_restores=6, hub_restores=2))
    assert results.violations == ()
    near = {row.site for row in results.sites if row.kind == "near"}
    assert any(row.site in near and row.link == "geo-lossy" for row in results.deliveries)


def test_in_a_storm_what_is_urgent_goes_by_messages_and_the_rest_waits() -> None:
    world = small_world(
        place("geo-lossy") + '[[sites.links]]\nprofile = "iridium-sbd"\nfloor = "urgent"\n',
        days=6.0,
        cases_per_day=2.0,
        more=(
            '[[storms]]\nregion = "here"\nprofiles = "geo-lossy"\nevery_days = 1\n'
            "lasts_s_min = 20_000\nlasts_s_max = 40_000\n"
        ),
    )
    results = run_world(world, seed=1)
    assert results.violations == ()
    by_messages = [row for row in results.deliveries if row.link == "iridium-sbd"]
    assert by_messages
    assert max(row.priority for row in by_messages) <= Priority.URGENT
    over_dish = [row for row in results.deliveries if row.link == "geo-lossy"]
    assert len(over_dish) > 2 * len(by_messages)


def test_a_cap_holds_back_all_but_emergencies() -> None:
    world = small_world(
        place("iridium-sbd", every_s=None, terms="usd_per_day_max = 1.2\nreserve = 0.5"),
        days=6.0,
        cases_per_day=3.0,
        urgency=(0.2, 0.8, 0.0, 0.0),
    )
    results = run_world(world, seed=4)
    assert results.violations == ()
    urgent = [row for row in results.deliveries if row.priority == Priority.URGENT and row.what == "headline"]
    emergencies = [
        row for row in results.deliveries if row.priority == Priority.EMERGENCY and row.what == "headline"
    ]
    assert max(map(wait_s, emergencies)) < 900.0
    assert max(map(wait_s, urgent)) > 12 * 3_600.0
