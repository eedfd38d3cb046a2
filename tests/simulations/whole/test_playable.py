"""What the whole product is not played with is refused in words that help."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulations.links import load_profile
from simulations.whole import NotPlayable, require_playable
from simulations.world import SiteLink, World, load_world
from tests.simulations.fleet.small_worlds import place, small_world


def with_link(link: SiteLink) -> World:
    world = small_world(place("geo-clean", name="outpost"))
    return replace(world, groups=tuple(replace(group, links=(link,)) for group in world.groups))


def test_the_shipped_fleet_is_playable() -> None:
    world = load_world("small-fleet")
    assert require_playable(world) is world


def test_too_many_sites_are_refused_with_what_to_do() -> None:
    with pytest.raises(NotPlayable, match=r"thousand has 1000 sites, .* at most 200\. .* --sites 200"):
        require_playable(load_world("thousand"))


def test_too_many_cases_are_refused() -> None:
    with pytest.raises(NotPlayable, match=r"about 100000 cases in 100 days"):
        require_playable(small_world(place("geo-clean"), days=100, cases_per_day=1_000))


def test_texts_that_no_form_takes_are_refused() -> None:
    world = small_world(place("geo-clean", name="outpost"))
    with pytest.raises(NotPlayable, match=r"replies of 5000 bytes"):
        require_playable(replace(world, reply_bytes=5_000))
    mix = replace(world.groups[0].mix, text_bytes=40_000)
    with pytest.raises(NotPlayable, match=r"outpost has cases with 40000 bytes of text"):
        require_playable(replace(world, groups=(replace(world.groups[0], mix=mix),)))


def test_a_link_of_whole_messages_is_refused_by_name() -> None:
    mailbox = SiteLink(profile=load_profile("iridium-sbd"), every_s=3_600)
    with pytest.raises(NotPlayable, match=r"outpost has the link 'iridium-sbd', which"):
        require_playable(with_link(mailbox))


def test_a_link_that_the_node_cannot_name_is_refused() -> None:
    long = replace(load_profile("geo-clean"), name="the-link-of-the-northern-stations")
    with pytest.raises(NotPlayable, match=r"at most 24 letters"):
        require_playable(with_link(SiteLink(profile=long, every_s=3_600)))
