"""Passes follow the geometry of the orbit, and a profile without usable elements is refused."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from simulations.links import (
    Orbit,
    OrbitUnavailable,
    Outage,
    ProfileError,
    SatellitePasses,
    ServicePlan,
    load_profile,
    parse_profile,
)
from simulations.links.orbit import _sidereal_rad
from tests.architecture.checkout import ROOT

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
GEO_RADIUS_KM = 42_164.2
EARTH_RADIUS_KM = 6_378.137


def element_set(*, inclination: float, node: float, anomaly: float, turns_a_day: float) -> tuple[str, str]:
    """Two lines with the epoch `OPENED` and a circular orbit."""
    first = "1 90001U 26001A   26001.00000000  .00000000  00000-0  00000-0 0  999"
    second = (
        f"2 90001 {inclination:8.4f} {node:8.4f} 0000001   0.0000 {anomaly:8.4f} {turns_a_day:11.8f}    1"
    )
    return summed(first), summed(second)


def summed(line: str) -> str:
    line = line.ljust(68)
    return line + str(sum(int(mark) if mark.isdigit() else mark == "-" for mark in line) % 10)


def over_the_equator_at(longitude_deg: float) -> tuple[str, str]:
    """A geostationary satellite: it keeps the place over which it stands at its epoch."""
    greenwich_deg = math.degrees(_sidereal_rad(2_440_587.5 + OPENED.timestamp() / 86_400))
    return element_set(
        inclination=0.0,
        node=0.0,
        anomaly=(greenwich_deg + longitude_deg) % 360,
        turns_a_day=1.00273791,
    )


def elevation_deg(latitude_deg: float, apart_deg: float) -> float:
    """Of a geostationary satellite, on a round earth."""
    central = math.acos(math.cos(math.radians(latitude_deg)) * math.cos(math.radians(apart_deg)))
    share = EARTH_RADIUS_KM / GEO_RADIUS_KM
    return math.degrees(math.atan2(math.cos(central) - share, math.sin(central)))


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg"), [(0, 10), (0, 40), (45, 10), (-37.1, -12.3), (60, 70)]
)
def test_a_geostationary_satellite_stands_where_geometry_puts_it(
    latitude_deg: float, longitude_deg: float
) -> None:
    passes = SatellitePasses(Orbit((over_the_equator_at(10),), latitude_deg, longitude_deg, 5.0, OPENED))
    for at_s in (0.0, 20_000.0, 80_000.0):
        assert passes.elevation_deg(at_s) == pytest.approx(
            elevation_deg(latitude_deg, longitude_deg - 10), abs=0.4
        )
    assert passes.is_up(50_000)
    assert math.isinf(passes.next_down_s(0.0))


def test_a_low_satellite_passes_for_minutes_and_its_edges_lie_at_the_least_elevation() -> None:
    orbit = load_profile("leo-passes").orbit
    assert orbit is not None
    passes = SatellitePasses(orbit)
    at_s, seen = 0.0, 0
    while (begins_s := passes.next_up_s(at_s)) < 86_400:
        at_s = passes.next_down_s(begins_s)
        seen += 1
        # A circle of 560 km is crossed, at most, in eight minutes above fifteen degrees.
        assert 30 < at_s - begins_s < 520
        for edge_s in (begins_s, at_s):
            assert passes.elevation_deg(edge_s) == pytest.approx(15, abs=0.1)
        assert passes.elevation_deg((begins_s + at_s) / 2) > 15
    assert 6 <= seen <= 18


def test_a_satellite_that_never_rises_leaves_the_link_dark() -> None:
    passes = SatellitePasses(Orbit((over_the_equator_at(10),), 0.0, -170.0, 5.0, OPENED))
    assert math.isinf(passes.next_up_s(0.0))


def test_an_outage_is_joined_to_the_passes() -> None:
    profile = load_profile("leo-passes")
    plan = ServicePlan.of(profile)
    first_s = plan.next_up_s(0.0)
    darker = ServicePlan.of(replace(profile, outages=(Outage(first_s - 10, 620),)))
    assert darker.next_up_s(0.0) > first_s + 600


TEXT = (ROOT / "simulations" / "profiles" / "leo-passes.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "0  9998",
            "0  9997",
            r"mine\.toml, line 30: orbit\.tles\[1\]: tles\[1\] is damaged: the checksum of",
        ),
        (
            '"2 90003',
            '"3 90003',
            r"line 38: orbit\.tles\[3\]: .* is no element set: its line 2 begins with 2",
        ),
        # The sum of the digits is the same, and still it is no number.
        ("97.6000  60.0000", "97.6000  6O.0000", r"orbit\.tles\[2\]: .* has not the columns of the format"),
        ('"2 90003', '"2 90012', r"orbit\.tles\[3\]: tles\[3\] is of two satellites: 90003 and 90012"),
        ("2026-01-01T00:00:00Z", "2031-01-01T00:00:00Z", r"opened_at is 1826 days from 2026-01-01"),
        ("elevation_deg_min = 15", "elevation_deg_min = 95", r"orbit\.elevation_deg_min: .* is 95"),
        (
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00",
            r"orbit\.opened_at: opened_at is a time without a zone",
        ),
        ("2026-01-01T00:00:00Z", '"soon"', r"orbit\.opened_at: expected a date and time, found text"),
    ],
)
def test_elements_that_cannot_be_are_refused_with_their_place(old: str, new: str, says: str) -> None:
    assert TEXT.count(old) == 1, "the fault must be planted exactly once"
    with pytest.raises(ProfileError, match=says):
        parse_profile(TEXT.replace(old, new), shown_as="mine.toml")


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sgp4.api", None)
    with pytest.raises(OrbitUnavailable, match=r"the package sgp4 is not installed\. Install it with"):
        ServicePlan.of(load_profile("leo-passes"))
