"""The order in which cases wait for a specialist.

Law: of one class and one need, no case goes before another that has waited `HEAD_START_S_MAX` longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.header import Priority

from .news2 import SCORE_MAX

POINT_S: Final = 18 * 60.0
"""What a point of the early warning score is worth in waiting time. Were the score to decide alone, a case
that scores low, or whose readings are complete, would wait for as long as higher ones come in."""
HEAD_START_S_MAX: Final = SCORE_MAX * POINT_S
"""Six hours: the most that the sickest gains on the least sick of its class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the order of one case depends on, and nothing else does."""

    case: str
    urgency: Priority
    needs_answer: bool
    """Nobody has answered, or something has happened since that the answer did not know of."""
    score_worst: int
    """The early warning score if every missing input were at its worst."""
    waiting_since_s: float
    """By the hub's own clock: a site's clock never moves a case."""


def worklist_order(cases: Iterable[Waiting]) -> list[Waiting]:
    """Class first; in it, who needs an answer; then who waits longest, each point of the worst that the score
    may be counting as `POINT_S` of waiting."""
    return sorted(cases, key=_urgency)


def _urgency(case: Waiting) -> tuple[int, bool, float, int, str]:
    return (
        case.urgency,
        not case.needs_answer,
        case.waiting_since_s - case.score_worst * POINT_S,
        -case.score_worst,
        case.case,  # So that two equal cases never change places between two looks.
    )
