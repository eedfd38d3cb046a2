"""NEWS2 of one set of readings, with what it could be at worst while inputs are missing.

Royal College of Physicians: National Early Warning Score (NEWS) 2, 2017; SpO2 scale 1; adults of 16 and over
who are not pregnant. A missing input is never counted as normal. Needs a clinician's review before
use on patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.clinical import Consciousness, Pregnancy, Vitals

SCORE_MAX: Final = 20
INPUTS: Final = 7
ADULT_YEARS: Final = 16

_Bands = tuple[tuple[int, int], ...]
"""(highest value of the band, its points), ascending; above the last one the final entry holds."""
_ABOVE: Final = 10_000

_RESPIRATORY_RATE: Final[_Bands] = ((8, 3), (11, 1), (20, 0), (24, 2), (_ABOVE, 3))
_SPO2: Final[_Bands] = ((91, 3), (93, 2), (95, 1), (_ABOVE, 0))
_SYSTOLIC: Final[_Bands] = ((90, 3), (100, 2), (110, 1), (219, 0), (_ABOVE, 3))
_HEART_RATE: Final[_Bands] = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_ABOVE, 3))
_TEMPERATURE: Final[_Bands] = ((350, 3), (360, 1), (380, 0), (390, 1), (_ABOVE, 2))
_OXYGEN_POINTS: Final = 2
_NOT_ALERT_POINTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Points of the inputs that were measured, and of all seven if the missing ones were at their worst."""

    points: int
    missing: tuple[str, ...]
    """Inputs that were not measured, in words."""
    worst: int
    single_three: bool
    """One input alone scores 3: urgent review whatever the sum."""

    @property
    def text(self) -> str:
        """As it may stand on a screen: a partial score always says that it is one."""
        return f"at least {self.points}" if self.missing else str(self.points)

    @property
    def band(self) -> str:
        """The rule's own words for the points counted so far."""
        if self.points >= 7:
            return "high"
        if self.points >= 5:
            return "medium"
        return "low, one input 3" if self.single_three else "low"


UNKNOWN: Final = Score(points=0, missing=("all inputs",), worst=SCORE_MAX, single_three=False)
"""Nothing measured: it may be anything."""


def applies(age_years: int | None, pregnancy: Pregnancy) -> bool:
    """Whether the score means anything for this patient; an unknown age counts as adult."""
    return pregnancy is not Pregnancy.YES and (age_years is None or age_years >= ADULT_YEARS)


def news2(vitals: Vitals) -> Score:
    """The score of one set of readings."""
    inputs: Sequence[tuple[str, int | None, int]] = (
        ("respiratory rate", _banded(vitals.respiratory_rate_min, _RESPIRATORY_RATE), 3),
        ("SpO2", _banded(vitals.spo2_percent, _SPO2), 3),
        ("air or oxygen", None if vitals.on_oxygen is None else _OXYGEN_POINTS * vitals.on_oxygen, 2),
        ("blood pressure", _banded(vitals.systolic_mmhg, _SYSTOLIC), 3),
        ("heart rate", _banded(vitals.heart_rate_min, _HEART_RATE), 3),
        ("consciousness", _consciousness(vitals.consciousness), 3),
        ("temperature", _banded(vitals.temperature_decicelsius, _TEMPERATURE), 3),
    )
    known = [points for _, points, _ in inputs if points is not None]
    return Score(
        points=sum(known),
        missing=tuple(name for name, points, _ in inputs if points is None),
        worst=sum(worst if points is None else points for _, points, worst in inputs),
        single_three=3 in known,
    )


def stated(points: int, missing: int) -> Score:
    """A score that a headline states without all of its inputs."""
    return Score(
        points=points,
        missing=(f"{missing} of {INPUTS} inputs",) if missing else (),
        worst=min(SCORE_MAX, points + 3 * missing),
        single_three=False,
    )


def _banded(value: int | None, bands: _Bands) -> int | None:
    return None if value is None else next(points for highest, points in bands if value <= highest)


def _consciousness(value: Consciousness | None) -> int | None:
    return None if value is None else _NOT_ALERT_POINTS * (value is not Consciousness.ALERT)
