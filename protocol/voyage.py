"""Bodies of records about where the patient is and when help can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .schema import Choice, Flag, ListOf, Number, Struct, Text, wire
from .stamps import WALL_S_MAX

PORTS_MAX: Final = 12
_LINE: Final = Text(400)
_WORD: Final = Text(120)
_MOMENT: Final = Number(0, WALL_S_MAX)


class PositionSource(IntEnum):
    """How the position is known."""

    SATELLITE = 1
    DEAD_RECKONING = 2
    OBSERVED = 3
    STATED = 4
    """Read out by somebody, who did not say how it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A place with medical help, and how long it takes to get there."""

    name: str = wire(1, _WORD)
    reach_min: int | None = wire(2, Number(0, 60 * 24 * 60), default=None)
    """Minutes from the moment of the position, if the course is set for it now."""
    has_hospital: bool | None = wire(3, Flag(), default=None)
    remark: str | None = wire(4, _LINE, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where the site is, whither it goes and what the sea is like; a camp or an island leaves out the voyage.

    Degrees are whole numbers of 0.0001 degrees, about eleven metres; north and east are positive.
    """

    observed_s: int = wire(1, _MOMENT)
    latitude_tenthousandths: int | None = wire(2, Number(-900_000, 900_000), default=None)
    longitude_tenthousandths: int | None = wire(3, Number(-1_800_000, 1_800_000), default=None)
    source: PositionSource | None = wire(4, Choice(PositionSource), default=None)
    place: str | None = wire(5, _LINE, default=None)
    """In words, or as a grid reference with the name of its grid."""
    course_degrees: int | None = wire(6, Number(0, 359), default=None)
    speed_deciknots: int | None = wire(7, Number(0, 999), default=None)
    destination: str | None = wire(8, _WORD, default=None)
    arrival_s: int | None = wire(9, _MOMENT, default=None)
    ports: tuple[Port, ...] = wire(10, ListOf(Struct(Port), PORTS_MAX), default=())
    wind_beaufort: int | None = wire(11, Number(0, 12), default=None)
    sea_state: int | None = wire(12, Number(0, 9), default=None)
    """Douglas scale."""
    visibility_decimiles: int | None = wire(13, Number(0, 500), default=None)
    """In 0.1 nautical miles."""
    helicopter: str | None = wire(14, _LINE, default=None)
    """Deck or hoist area, its obstructions, and the range of the nearest one if known."""
