"""Worlds of a few sites, written as an operator would write them."""

from __future__ import annotations

from simulations.world import World, parse_world

PLACE = """
[[sites]]
name = "{name}"
count = {count}
mix = "busy"
region = "{region}"
[[sites.links]]
profile = "{profile}"
{looks}
{terms}
"""


def place(
    profile: str,
    *,
    name: str = "place",
    count: int = 1,
    region: str = "here",
    every_s: int | None = 3_600,
    terms: str = "",
) -> str:
    """Without looks (`every_s` None) for a link of whole messages."""
    looks = "" if every_s is None else f"every_s = {every_s}"
    return PLACE.format(name=name, count=count, region=region, profile=profile, looks=looks, terms=terms)


def small_world(
    *places: str,
    days: float = 1.0,
    cases_per_day: float = 4.0,
    urgency: tuple[float, float, float, float] = (0.1, 0.3, 0.5, 0.1),
    photos: float = 1.0,
    clinicians: int = 2,
    more: str = "",
) -> World:
    """Everybody's cases are of one kind, and specialists are there round the clock."""
    emergency, urgent, routine, bulk = urgency
    return parse_world(
        f"""
name = "small"
title = "A world for one test"
source = "Made up for one test, and for nothing else at all."
days = {days}
reply_bytes = 480
[[mixes]]
name = "busy"
source = "Made up for one test, and for nothing else at all."
cases_per_day = {cases_per_day}
urgency = [["emergency", {emergency}], ["urgent", {urgent}], ["routine", {routine}], ["bulk", {bulk}]]
text_bytes = 800
photos = {photos}
photo_bytes = 20_000
follow_ups = 1.0
complaints = [["general", 1.0]]
[[clinicians]]
name = "general"
count = {clinicians}
from_hour = 0
until_hour = 0
reading_s = 600
{"".join(places)}
{more}
""",
        shown_as="small.toml",
    )


def calls_in_storms(emergencies: float, *, count: int, days: float) -> World:
    """Sites whose only link bills minutes, under a cap that looks alone use up, and that storms take away."""
    storms = """
[[storms]]
region = "here"
profiles = "iridium-dialup"
every_days = 0.3
lasts_s_min = 600
lasts_s_max = 14_400
"""
    return small_world(
        place("iridium-dialup", count=count, terms="usd_per_day_max = 5"),
        days=days,
        cases_per_day=2.0,
        photos=0.0,
        urgency=(emergencies, 0.3, 0.6 - emergencies, 0.1),
        more=storms,
    )
