"""When a link is dark, and what a session that is held open through it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulations.fleet.darkness import Darkness
from simulations.fleet.run import run_world
from simulations.links import LinkProfile, Outage, ServicePlan, load_profile
from simulations.links.capacity import RateStep, RateTrace
from simulations.report import SiteRow
from simulations.world import World
from tests.simulations.fleet.small_worlds import place, small_world

FADING = RateTrace(
    steps=(RateStep(0.0, 64_000.0), RateStep(500.0, 0.0), RateStep(620.0, 64_000.0)), period_s=1_000.0
)


def fading(trace: RateTrace, *outages: Outage) -> LinkProfile:
    profile = load_profile("geo-clean")
    return replace(profile, up=replace(profile.up, trace=trace), outages=outages)


def dark(profile: LinkProfile, from_s: float, until_s: float) -> list[tuple[float, float]]:
    return list(Darkness(profile, ServicePlan.of(profile)).spans(from_s, until_s))


def test_a_recorded_rate_of_nought_is_dark_in_every_period() -> None:
    assert dark(fading(FADING), 0.0, 2_600.0) == [(500.0, 620.0), (1_500.0, 1_620.0), (2_500.0, 2_620.0)]
    assert dark(fading(FADING), 550.0, 1_000.0) == [(550.0, 620.0)]
    assert dark(fading(FADING), 620.0, 1_500.0) == []


def test_darknesses_that_touch_are_one() -> None:
    profile = fading(FADING, Outage(600.0, 300.0), Outage(1_100.0, 10.0))
    assert dark(profile, 0.0, 1_200.0) == [(500.0, 900.0), (1_100.0, 1_110.0)]


def test_a_link_that_is_never_dark_has_no_spans() -> None:
    assert dark(load_profile("geo-clean"), 0.0, 1e6) == []


def held_for_half_a_day(*outages: Outage) -> SiteRow:
    world = small_world(place("geo-clean", every_s=0), days=0.5, cases_per_day=0.0)
    return run_world(_on(world, replace(load_profile("geo-clean"), outages=outages)), seed=1).sites[0]


def _on(world: World, profile: LinkProfile) -> World:
    groups = tuple(
        replace(group, links=tuple(replace(link, profile=profile) for link in group.links))
        for group in world.groups
    )
    return replace(world, groups=groups)


def test_a_session_knocks_through_a_short_fade_and_a_long_one_ends_it() -> None:
    steady = held_for_half_a_day()
    fades = held_for_half_a_day(*(Outage(3_600.0 * hour - 1_000.0, 110.0) for hour in range(1, 11)))
    assert fades.contacts == steady.contacts
    # A knock a second, once the first word in the dark has gone unanswered.
    assert fades.bytes_up - steady.bytes_up == pytest.approx(10 * 80 * 50, rel=0.1)
    broken = held_for_half_a_day(*(Outage(3_600.0 * hour - 1_000.0, 300.0) for hour in range(1, 11)))
    assert broken.contacts_failed >= 10
