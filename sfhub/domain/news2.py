"""NEWS2 as the worklist needs it: with what a score could be at worst while inputs are missing.

The bands are those of `protocol.news2`; a missing input is never counted as normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol import news2 as protocol_news2
from protocol.clinical import Pregnancy, Vitals
from protocol.news2 import ADULT_YEARS, HIGH_MIN, MEDIUM_MIN, OXYGEN_POINTS, SINGLE_MAX, Input

SCORE_MAX: Final = 20
INPUTS: Final = len(Input)


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
        if self.points >= HIGH_MIN:
            return "high"
        if self.points >= MEDIUM_MIN:
            return "medium"
        return "low, one input 3" if self.single_three else "low"


UNKNOWN: Final = Score(points=0, missing=("all inputs",), worst=SCORE_MAX, single_three=False)
"""Nothing measured: it may be anything."""


def applies(age_years: int | None, pregnancy: Pregnancy) -> bool:
    """Whether the score means anything for this patient; an unknown age counts as adult."""
    return pregnancy is not Pregnancy.YES and (age_years is None or age_years >= ADULT_YEARS)


def news2(vitals: Vitals) -> Score:
    """The score of one set of readings."""
    scored = protocol_news2.news2(vitals, None)
    points = scored.total or 0
    return Score(
        points=points,
        missing=tuple(each.value for each in scored.missing),
        worst=points + sum(_worst(each) for each in scored.missing),
        single_three=bool(scored.single_three),
    )


def stated(points: int, missing: int) -> Score:
    """A score that a headline states without all of its inputs."""
    return Score(
        points=points,
        missing=(f"{missing} of {INPUTS} inputs",) if missing else (),
        worst=min(SCORE_MAX, points + 3 * missing),
        single_three=False,
    )


def _worst(each: Input) -> int:
    return OXYGEN_POINTS if each is Input.OXYGEN else SINGLE_MAX
