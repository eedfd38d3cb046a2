"""The order in which cases wait for a specialist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.header import Priority


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
    """Class first; in it, who needs an answer; then the worst the score may be; then who waits longest."""
    return sorted(cases, key=_urgency)


def _urgency(case: Waiting) -> tuple[int, bool, int, float, str]:
    return (
        case.urgency,
        not case.needs_answer,
        -case.score_worst,
        case.waiting_since_s,
        case.case,  # So that two equal cases never change places between two looks.
    )
