"""What one run gave, several runs as one, and the figures that are asked of a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from .scenario import Figure, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One way over one link, once; bytes are IP bytes as they were put on the line, lost ones too."""

    seconds: float | None
    """None when it was not done; then `reason` says why."""
    bound_s: float | None
    up_bytes: int
    down_bytes: int
    twice_bytes: int | None = None
    """Payload that the hub had already; None where nobody can tell."""
    darkness_bytes: int | None = None
    """Into the longest span without service."""
    is_settled: bool = True
    """Whether the bytes are those of the whole session; else the row ended as soon as it knew."""
    is_estimated: bool = False
    """Whether a relay stood in for real IP packets."""
    reason: str = ""
    note: str = ""
    """What a reader should know of how it was done."""


def middle(outcomes: Sequence[Outcome]) -> Outcome:
    """The median of each figure by itself; a run that was not done counts as endless."""
    seconds = median(math.inf if run.seconds is None else run.seconds for run in outcomes)
    bounds = [run.bound_s for run in outcomes if run.bound_s is not None]
    return Outcome(
        seconds=None if math.isinf(seconds) else seconds,
        bound_s=median(bounds) if bounds else None,
        up_bytes=round(median(run.up_bytes for run in outcomes)),
        down_bytes=round(median(run.down_bytes for run in outcomes)),
        twice_bytes=_worst([run.twice_bytes for run in outcomes]),
        darkness_bytes=_worst([run.darkness_bytes for run in outcomes]),
        is_settled=all(run.is_settled for run in outcomes),
        is_estimated=any(run.is_estimated for run in outcomes),
        reason=_said([run.reason for run in outcomes]),
        note=_said([run.note for run in outcomes]),
    )


def figure_of(figure: Figure, outcome: Outcome, scenario: Scenario) -> float | None:
    """The value that is judged; None when the run does not tell it."""
    match figure:
        case Figure.SECONDS:
            return outcome.seconds
        case Figure.TWICE_BYTES:
            return outcome.twice_bytes
        case Figure.DARKNESS_BYTES:
            return outcome.darkness_bytes
        case Figure.MEGABIT_S | Figure.RATE_SHARE:
            return _rate(figure, outcome, scenario)
        case Figure.LINK_BYTES | Figure.OVERHEAD_BYTES | Figure.TIMES_BYTES:
            return _bytes(figure, outcome, scenario) if outcome.is_settled else None


def _bytes(figure: Figure, outcome: Outcome, scenario: Scenario) -> float:
    if figure is Figure.TIMES_BYTES:
        return outcome.up_bytes / scenario.payload_up_bytes
    both_bytes = outcome.up_bytes + outcome.down_bytes
    if figure is Figure.LINK_BYTES:
        return both_bytes
    return both_bytes - scenario.payload_up_bytes - scenario.payload_down_bytes


def _rate(figure: Figure, outcome: Outcome, scenario: Scenario) -> float | None:
    if not outcome.seconds:
        return None
    rate_bit_s = scenario.payload_up_bytes * 8 / outcome.seconds
    return rate_bit_s / 1e6 if figure is Figure.MEGABIT_S else rate_bit_s / scenario.link.up.rate_bit_s


def _said(words: Sequence[str]) -> str:
    return "; ".join(sorted({word for word in words if word}))


def _worst(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None
