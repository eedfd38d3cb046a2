"""Shipped worlds load; a bad one is refused with its name, the line, the key and the reason."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.header import Priority
from simulations.world import DEFAULT_WORLD, Clinicians, WorldError, load_world, parse_world, world_names
from tests.architecture.checkout import ROOT

TEXT = (ROOT / "simulations" / "worlds" / "small-fleet.toml").read_text(encoding="utf-8")


def test_every_shipped_world_loads_under_its_own_name_and_says_where_its_figures_come_from() -> None:
    assert DEFAULT_WORLD in world_names()
    for name in world_names():
        world = load_world(name)
        assert world.name == name
        assert len(world.source) > 40
        assert "  " not in world.source
        for group in world.groups:
            assert len(group.mix.source) > 40


def test_the_large_world_is_as_large_as_its_name() -> None:
    world = load_world("thousand")
    assert world.site_count == 1_000
    assert world.days == 30
    assert all(link.every_s == 3_600 for group in world.groups for link in group.links)


def test_floors_and_caps_are_read() -> None:
    ship = load_world("small-fleet").groups[0]
    assert [link.profile.name for link in ship.links] == ["certus-100", "iridium-dialup"]
    assert ship.links[1].floor is Priority.URGENT
    assert ship.links[1].usd_per_day_max == 10
    assert ship.links[1].reserve == 0.5


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('mix = "post"', 'mix = "camp"', "sites.mix: there is no [[mixes]] named 'camp'"),
        ('profile = "bgan"', 'profile = "bigan"', "links.profile: There is no link profile named 'bigan'"),
        (
            'profile = "bgan"',
            'profile = "iridium-sbd"',
            "links.every_s: iridium-sbd carries whole messages: what the hub has comes by itself",
        ),
        ('["emergency", 0.1]', '["emergency", 0.2]', "mixes.urgency: urgency is 1.1 in total"),
        ('["emergency", 0.1], ["urgent", 0.3]', '["urgent", 0.3], ["emergency", 0.1]', "in this order"),
        ("days = 7", "days = 0", "line 6: days: days is 0"),
        ('region = "polar"', 'region = "polar"\nweather = 1', "sites.weather: unknown key"),
        ('floor = "urgent"', 'floor = "high"', "links.floor: expected one of emergency, urgent, routine"),
        ("start_s = 300_000", "start_s = -3", "hub_outages.start_s: start_s is -3"),
        (
            "text_bytes = 900\nphotos = 0.8",
            "text_bytes = 9\nphotos = 0.8",
            "mixes.text_bytes: text_bytes is 9",
        ),
        (
            'region = "south sea"\nprofiles',
            'region = "mars"\nprofiles',
            "line 158: storms[1].region: storms[1].region is 'mars': no site lies there",
        ),
        (
            'profiles = "geo-clean',
            'profiles = "geo-claen',
            "line 159: storms.profiles: no link is named 'geo-claen'",
        ),
        ('skills = "skin"', 'skills = "skn"', "clinicians.skills: no [[mixes]] has a complaint named 'skn'"),
        ("usd_per_day_max = 8.0", "usd_per_day_max = -8", "links.usd_per_day_max: usd_per_day_max is -8"),
        ('name = "island"', 'name = "ship"', "mixes[2].name: there are two named 'ship'"),
        (
            'profile = "iridium-dialup"',
            'profile = "certus-100"',
            "links[2].profile is 'certus-100': a site has each",
        ),
        ('name = "small-fleet"', 'name = "../fleet"', "line 1: name: name is '../fleet'"),
        ("count = 3", "count = 0", "line 85: sites.count: count is 0"),
    ],
)
def test_a_bad_world_is_refused_with_its_place_and_the_reason(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(WorldError, match=re.escape(says)):
        parse_world(TEXT.replace(old, new, 1), shown_as="mine.toml")


def test_a_complaint_that_nobody_answers_is_refused() -> None:
    text = TEXT.replace("from_hour = 6", 'skills = "injury"\nfrom_hour = 6')
    text = text.replace("from_hour = 18", 'skills = "injury"\nfrom_hour = 18')
    with pytest.raises(WorldError, match="nobody answers 'chest pain'"):
        parse_world(text, shown_as="mine.toml")


def test_a_world_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TEXT, encoding="utf-8")
    assert load_world(str(tmp_path / "mine.toml")).site_count == 20
    with pytest.raises(WorldError, match=r"gone\.toml cannot be read"):
        load_world(str(tmp_path / "gone.toml"))
    with pytest.raises(WorldError, match="There is no world named 'big'"):
        load_world("big")


def test_a_world_names_profiles_beside_it_and_no_two_under_one_name(tmp_path: Path) -> None:
    profile = (ROOT / "simulations" / "profiles" / "bgan.toml").read_text(encoding="utf-8")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "mine.toml").write_text(profile.replace('name = "bgan"', 'name = "mine"'))
    text = TEXT.replace('profile = "bgan"', 'profile = "links/mine.toml"')
    (tmp_path / "world.toml").write_text(text, encoding="utf-8")
    world = load_world(str(tmp_path / "world.toml"))
    assert "mine" in {link.profile.name for group in world.groups for link in group.links}
    other = profile.replace('name = "bgan"', 'name = "certus-100"')
    (tmp_path / "links" / "mine.toml").write_text(other, encoding="utf-8")
    with pytest.raises(
        WorldError, match=r"links\[1\]\.profile is 'certus-100': another profile of this world"
    ):
        load_world(str(tmp_path / "world.toml"))


def test_a_shift_may_pass_midnight() -> None:
    night = Clinicians(name="n", count=1, skills=(), from_hour=18, until_hour=6, reading_s=600)
    assert [night.is_at_work(hour * 3_600.0) for hour in (0, 5.9, 6, 12, 18, 23, 42)] == [
        True, True, False, False, True, True, True,
    ]  # fmt: skip
    assert night.next_at_work_s(12 * 3_600.0) == 18 * 3_600.0
    assert night.next_at_work_s(20 * 3_600.0) == 20 * 3_600.0
    day = Clinicians(name="d", count=1, skills=(), from_hour=8, until_hour=16, reading_s=600)
    assert day.next_at_work_s(17 * 3_600.0) == 32 * 3_600.0


@given(st.data())
def test_whatever_a_line_is_changed_into_the_outcome_is_a_world_or_a_refusal(data: st.DataObject) -> None:
    lines = TEXT.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    lines[index] = data.draw(st.one_of(st.text(max_size=30), st.sampled_from(TEXT.splitlines())))
    with suppress(WorldError):
        assert parse_world("\n".join(lines), shown_as="fuzzed.toml").site_count >= 1
