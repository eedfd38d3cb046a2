"""The figures of a report, computed from a run's results: distributions, waits, prices, calibration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .results import CaseRow, DeliveryRow, RunResults

CLASSES: Final = ("emergency", "urgent", "routine", "bulk")
CURVE_POINTS_MAX: Final = 200
"""Points of one curve: more than a printed page resolves."""
SITE_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution in a few numbers; `missing` of them never came, which counts as infinite.

    Of nothing at all, each of the three is not a number."""

    count: int
    missing: int
    median: float | None
    tenth_worst: float | None
    """Nine in ten are no worse; None when more than one in ten never came."""
    worst: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """A cumulative distribution: by which value which share has come, missing ones included in the whole."""

    name: str
    points: tuple[tuple[float, float], ...]
    is_bound: bool = False
    """What physics allows of the curve before it, and drawn as that."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Where the time of answered cases went, in mean seconds."""

    cases: int
    link_up_s: float
    people_s: float
    link_down_s: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often an arrival lay inside the interval that was told."""

    told: int
    inside: int
    early: int
    late: int

    @property
    def share(self) -> float | None:
        """Of those told; None when none was."""
        return self.inside / self.told if self.told else None


def spread(values: Iterable[float | None]) -> Spread:
    """Of values among which None stands for what never came."""
    listed = list(values)
    if not listed:
        return Spread(count=0, missing=0, median=math.nan, tenth_worst=math.nan, worst=math.nan)
    come = sorted(value for value in listed if value is not None)
    return Spread(
        count=len(listed),
        missing=len(listed) - len(come),
        median=_quantile(come, len(listed), 0.5),
        tenth_worst=_quantile(come, len(listed), 0.9),
        worst=come[-1] if come and len(come) == len(listed) else None,
    )


def curve(name: str, values: Iterable[float | None], *, is_bound: bool = False) -> Curve:
    """Steps of a cumulative distribution, thinned to what can be seen."""
    listed = list(values)
    come = sorted(value for value in listed if value is not None)
    if not come:
        return Curve(name, (), is_bound)
    stride = max(1, math.ceil(len(come) / CURVE_POINTS_MAX))
    chosen = [*range(0, len(come), stride), len(come) - 1]
    return Curve(name, tuple((come[at], (at + 1) / len(listed)) for at in chosen), is_bound)


def delivery_s(row: DeliveryRow) -> float | None:
    """From queueing to durable at the other end."""
    return None if row.stored_s is None else row.stored_s - row.queued_s


def useful_s(row: CaseRow) -> float | None:
    """From opening to the first byte that a specialist can act on."""
    return None if row.useful_s is None else row.useful_s - row.opened_s


def answer_s(row: CaseRow) -> float | None:
    """From opening to a reply that is at the site."""
    return None if row.reply_stored_s is None else row.reply_stored_s - row.opened_s


def of_class(rows: Iterable[DeliveryRow], priority: int, *, up: bool | None = None) -> list[DeliveryRow]:
    """Those of one class; to the hub (up), to a site, or both."""
    return [row for row in rows if row.priority == priority and up in (None, row.up)]


def case_bytes(row: CaseRow) -> float:
    """Both directions together."""
    return float(row.bytes_up + row.bytes_down)


def waits(cases: Sequence[CaseRow]) -> Waits:
    """Link and people apart, over the cases whose reply is at the site."""
    way_up, people, way_down = [], [], []
    for case in cases:
        if case.text_stored_s is None or case.answered_s is None or case.reply_stored_s is None:
            continue
        # First advice may be given on a headline, before the text is there.
        arrived_s = min(case.text_stored_s, case.answered_s)
        way_up.append(arrived_s - case.opened_s)
        people.append(case.answered_s - arrived_s)
        way_down.append(case.reply_stored_s - case.answered_s)
    return Waits(len(people), _mean(way_up), _mean(people), _mean(way_down))


def calibration(rows: Iterable[DeliveryRow]) -> Calibration:
    """Of all that were told an interval; what never came was late."""
    told = inside = early = late = 0
    for row in rows:
        if row.forecast_low_s is None or row.forecast_high_s is None:
            continue
        told += 1
        taken_s = delivery_s(row)
        if taken_s is None or taken_s > row.forecast_high_s:
            late += 1
        elif taken_s < row.forecast_low_s:
            early += 1
        else:
            inside += 1
    return Calibration(told, inside, early, late)


def alarms_per_site_day(results: RunResults, *, needing_action: bool) -> float:
    """Alarms that somebody heard, by whether anything was to be done."""
    heard = sum(alarm.needs_action is needing_action for alarm in results.alarms)
    return heard / results.site_days if results.site_days else 0.0


def _quantile(come: Sequence[float], total: int, share: float) -> float | None:
    """The value that this share of all, missing ones included, does not exceed."""
    rank = math.ceil(share * total) - 1
    return come[max(0, rank)] if come and rank < len(come) else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
