"""When satellites stand over a site: elements (TLE) propagated by SGP4, turned into spans of service.

Elevation: the site on the WGS-84 ellipsoid, the satellite from the TEME frame of SGP4 turned by Greenwich
mean sidereal time (Vallado, Fundamentals of Astrodynamics, 2013, eq. 3-45); polar motion is left out, which
moves a pass by less than a second.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import UTC, datetime
from typing import Final, Protocol, cast

from .errors import OrbitUnavailable
from .outages import Orbit

_STEP_S: Final = 30.0
"""A pass that shows itself in no step is shorter than that, and carries nothing worth planning for."""
_EDGE_S: Final = 0.5
_AHEAD_S: Final = 30 * 86_400.0
"""How far a pass is looked for before the link counts as dark for ever."""
_EARTH_RADIUS_KM: Final = 6378.137
_FLATTENING_2: Final = 6.69437999014e-3
_JD_2000: Final = 2_451_545.0
_JD_UNIX: Final = 2_440_587.5


class _Satellite(Protocol):
    """What is used of a propagator of the sgp4 package."""

    def sgp4(
        self, jd: float, fraction: float
    ) -> tuple[int, tuple[float, float, float], tuple[float, float, float]]: ...


class SatellitePasses:
    """Up while the highest satellite is above the least elevation; found as far as anybody has asked."""

    def __init__(self, orbit: Orbit) -> None:
        self._satellites = [_propagator(*lines) for lines in orbit.tles]
        self._elevation_deg_min = orbit.elevation_deg_min
        self._opened_s = orbit.opened_at.timestamp()
        latitude, self._longitude = math.radians(orbit.latitude_deg), math.radians(orbit.longitude_deg)
        curvature_km = _EARTH_RADIUS_KM / math.sqrt(1 - _FLATTENING_2 * math.sin(latitude) ** 2)
        self._axis_km = curvature_km * math.cos(latitude)
        self._height_km = curvature_km * (1 - _FLATTENING_2) * math.sin(latitude)
        self._latitude = latitude
        self._changes: list[float] = []
        """Moments at which service changes, the first one a beginning."""
        self._looked_s = 0.0
        self._is_up = self._sees(0.0)
        if self._is_up:
            self._changes.append(0.0)

    def is_up(self, at_s: float) -> bool:
        self._look_until(at_s)
        return bisect_right(self._changes, at_s) % 2 == 1

    def next_down_s(self, at_s: float) -> float:
        return at_s if not self.is_up(at_s) else self._next_change_s(at_s)

    def next_up_s(self, at_s: float) -> float:
        return at_s if self.is_up(at_s) else self._next_change_s(at_s)

    def elevation_deg(self, at_s: float) -> float:
        """Of the highest satellite; -90 when none can be propagated to that moment any more."""
        jd = _JD_UNIX + (self._opened_s + at_s) / 86_400.0
        day = math.floor(jd)
        places = (satellite.sgp4(day, jd - day) for satellite in self._satellites)
        return max(
            (self._elevation_deg(place, jd) for fault, place, _ in places if fault == 0), default=-90.0
        )

    def _next_change_s(self, at_s: float) -> float:
        while (index := bisect_right(self._changes, at_s)) == len(self._changes):
            if self._looked_s > at_s + _AHEAD_S:
                return math.inf
            self._look_until(self._looked_s + _STEP_S)
        return self._changes[index]

    def _look_until(self, at_s: float) -> None:
        while self._looked_s <= at_s:
            ahead_s = self._looked_s + _STEP_S
            if self._sees(ahead_s) != self._is_up:
                self._changes.append(self._edge_s(self._looked_s, ahead_s))
                self._is_up = not self._is_up
            self._looked_s = ahead_s

    def _edge_s(self, before_s: float, after_s: float) -> float:
        while after_s - before_s > _EDGE_S:
            middle_s = (before_s + after_s) / 2
            if self._sees(middle_s) == self._is_up:
                before_s = middle_s
            else:
                after_s = middle_s
        return after_s

    def _sees(self, at_s: float) -> bool:
        return self.elevation_deg(at_s) >= self._elevation_deg_min

    def _elevation_deg(self, place_km: tuple[float, float, float], jd: float) -> float:
        angle = _sidereal_rad(jd) + self._longitude
        x, y, z = place_km
        # Along the site's meridian, across it, and along the axis; then up, as the ellipsoid has it.
        along_km = x * math.cos(angle) + y * math.sin(angle) - self._axis_km
        across_km = y * math.cos(angle) - x * math.sin(angle)
        axial_km = z - self._height_km
        up_km = along_km * math.cos(self._latitude) + axial_km * math.sin(self._latitude)
        return math.degrees(math.asin(up_km / math.hypot(along_km, across_km, axial_km)))


def _sidereal_rad(jd: float) -> float:
    """Greenwich mean sidereal time; UT1 is taken as UTC, which is never a second away."""
    centuries = (jd - _JD_2000) / 36_525.0
    seconds = (
        67_310.54841
        + (876_600 * 3_600 + 8_640_184.812866) * centuries
        + 0.093104 * centuries**2
        - 6.2e-6 * centuries**3
    )
    return math.radians(seconds / 240.0) % math.tau


def _propagator(first: str, second: str) -> _Satellite:
    try:
        from sgp4.api import Satrec  # An extra: only profiles with an orbit need it.
    except ImportError as error:
        raise OrbitUnavailable(
            "This profile takes its outages from satellite orbits, and the package sgp4 is not installed. "
            "Install it with: pip install 'sf-telemed[orbits]'."
        ) from error
    return cast("_Satellite", Satrec.twoline2rv(first, second))


def instant(text: str) -> datetime:
    """An ISO 8601 time with its zone. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment
