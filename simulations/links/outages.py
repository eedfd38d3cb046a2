"""Spans without service, as checked data: fixed, in a cycle, at random, or while no satellite is in sight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from .elements import epoch_of, require_element_set
from .ranges import require_range

OUTAGES_MAX = 10_000
DURATION_S_MAX = 10 * 365 * 86_400.0
SATELLITES_MAX = 64
"""Element sets in one profile; each pass is searched for every one of them."""
EPOCH_DAYS_MAX = 60
"""From the epoch of an element set to second 0: after weeks SGP4 is minutes late, after years anywhere."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A span without service, counted from the moment the link is opened."""

    start_s: float
    duration_s: float

    def __post_init__(self) -> None:
        require_range("start_s", self.start_s, 0.0, DURATION_S_MAX)
        if self.duration_s <= 0.0:
            raise ValueError(f"duration_s is {self.duration_s:g}: an outage lasts longer than nothing")
        require_range("duration_s", self.duration_s, 0.0, DURATION_S_MAX)

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Cycle:
    """Service that comes and goes for ever: up for `up_s`, then down for `down_s`."""

    up_s: float
    down_s: float
    phase_s: float = 0.0  # How far the first cycle is in when the link is opened.

    def __post_init__(self) -> None:
        for name in ("up_s", "down_s"):
            value = getattr(self, name)
            if not 0.0 < value <= DURATION_S_MAX:
                raise ValueError(f"{name} is {value:g}: it must be more than 0 and at most ten years")
        require_range("phase_s", self.phase_s, 0.0, DURATION_S_MAX)


@dataclass(frozen=True, slots=True)
class RandomOutages:
    """Service and darkness in turn, each as long as a draw between its bounds, by the seed of the link."""

    up_s_min: float
    up_s_max: float
    down_s_min: float
    down_s_max: float

    def __post_init__(self) -> None:
        for kind in ("up", "down"):
            low, high = getattr(self, f"{kind}_s_min"), getattr(self, f"{kind}_s_max")
            # A second at least: a shorter span is jitter or loss, and a draw of none would never end.
            require_range(f"{kind}_s_min", low, 1.0, DURATION_S_MAX)
            require_range(f"{kind}_s_max", high, low, DURATION_S_MAX)


@dataclass(frozen=True, slots=True)
class Orbit:
    """Service while at least one satellite stands high enough over the site; elements as TLE lines."""

    tles: tuple[tuple[str, str], ...]
    latitude_deg: float
    longitude_deg: float
    elevation_deg_min: float
    opened_at: datetime
    """The instant of second 0, with its zone: elements are good for days around their own epoch."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.tles) <= SATELLITES_MAX:
            raise ValueError(f"tles is {len(self.tles)}: between 1 and {SATELLITES_MAX} satellites are taken")
        require_range("latitude_deg", self.latitude_deg, -90.0, 90.0)
        require_range("longitude_deg", self.longitude_deg, -180.0, 180.0)
        require_range("elevation_deg_min", self.elevation_deg_min, 0.0, 89.0)
        if self.opened_at.tzinfo is None:
            raise ValueError("opened_at is a time without a zone: write 2026-01-01T00:00:00Z")
        for index, lines in enumerate(self.tles, start=1):
            require_element_set(f"tles[{index}]", lines)
            self._require_near(epoch_of(lines))

    def _require_near(self, epoch: datetime) -> None:
        apart_days = abs((self.opened_at - epoch).total_seconds()) / 86_400
        if apart_days > EPOCH_DAYS_MAX:
            raise ValueError(
                f"opened_at is {apart_days:.0f} days from {epoch:%Y-%m-%d}, the epoch of an element set, "
                f"which says nothing beyond {EPOCH_DAYS_MAX}: open the link nearer, or take a newer set"
            )


def require_order(outages: tuple[Outage, ...]) -> None:
    """Raises `ValueError` unless each outage begins after the one before has ended."""
    if len(outages) > OUTAGES_MAX:
        raise ValueError(f"{len(outages)} outages: at most {OUTAGES_MAX} are taken")
    for number, (earlier, later) in enumerate(pairwise(outages), start=2):
        if later.start_s < earlier.end_s:
            raise ValueError(
                f"outages[{number}].start_s is {later.start_s:g}: the outage at {later.start_s:g} s starts "
                f"before the one at {earlier.start_s:g} s ends"
            )
