"""The pictures of one run, each with the sentence that says what to see in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from sync.scheduler.arrival import INSIDE_SHARE

from .figures import (
    CLASSES,
    answer_s,
    calibration,
    case_bytes,
    curve,
    delivery_s,
    of_class,
    useful_s,
    waits,
)
from .plots import PRICES, SIZES, Bar, bars, curves, over_time, span_words
from .results import CaseRow, RunResults

KINDS_DRAWN_MAX: Final = 5
"""Curves that a reader still tells apart."""


_DELIVERY: Final = (
    "Share of bundles that were durable at the other end so long after they were queued, beside the physical "
    "bound of the same bundles: each alone on all links of its site, dark time included, no header, no loss. "
    "The distance is queueing and protocol, and to a site the wait for its next look."
)


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture, its heading and its sentence."""

    heading: str
    caption: str
    svg: Markup


def pictures(results: RunResults) -> Iterator[Plot]:
    """All of them, in the order of the page."""
    yield from _deliveries(results)
    yield _first_use(results)
    yield _waits(results)
    yield _sizes(results)
    yield _prices(results)
    yield _forecasts(results)
    yield _queue(results)


def answers(run: RunResults) -> list[float | None]:
    """Of every case, from its opening until the reply is aboard."""
    return [answer_s(row) for row in run.cases]


def _deliveries(results: RunResults) -> Iterator[Plot]:
    for index, name in enumerate(CLASSES):
        drawn = []
        for up, way in ((True, "to the hub"), (False, "to the site")):
            rows = of_class(results.deliveries, index, up=up)
            drawn.append(curve(way, [delivery_s(row) for row in rows]))
            drawn.append(curve(f"bound {way}", [row.bound_s for row in rows], is_bound=True))
        heading = f"Delivery, class {index}: {name}"
        picture = curves(heading, drawn, x_words="after queueing")
        yield Plot(heading, _DELIVERY if index == 0 else "As above, of this class.", picture)


def _first_use(results: RunResults) -> Plot:
    drawn = [
        curve("first useful byte", [useful_s(row) for row in results.cases]),
        curve("reply at the site", answers(results)),
    ]
    return Plot(
        "First useful byte, and the answer",
        "Share of cases that a specialist could begin to act on, and whose reply was at the site, so long "
        "after the medic opened them.",
        curves("Time to first useful byte and to the reply", drawn, x_words="after opening the case"),
    )


def _waits(results: RunResults) -> Plot:
    rows = []
    for kind, cases in _cases_by_kind(results):
        split = waits(cases)
        if split.cases:
            parts = (split.link_up_s, split.people_s, split.link_down_s)
            rows.append(Bar(kind, parts, " + ".join(span_words(part) for part in parts)))
    return Plot(
        "Where the time goes",
        "Mean time of answered cases by kind of site: the link to the hub, specialists, the link back.",
        bars("Waits by kind of site", rows, parts_words=("link, to the hub", "people", "link, back")),
    )


def _sizes(results: RunResults) -> Plot:
    drawn = [
        curve(name, [case_bytes(row) for row in results.cases if row.priority == index])
        for index, name in enumerate(CLASSES)
    ]
    return Plot(
        "Bytes of a case",
        "Share of cases whose bundles came to no more than so many bytes, both directions together; what "
        "contacts cost beyond them is in the tables.",
        curves("Bytes of a case by class", drawn, x_words="bytes of the case", scale=SIZES),
    )


def _prices(results: RunResults) -> Plot:
    paid = [
        (kind, [case.usd for case in cases])
        for kind, cases in _cases_by_kind(results)
        if any(case.usd for case in cases)
    ]
    dearest = sorted(paid, key=lambda each: -max(each[1]))[:KINDS_DRAWN_MAX]
    return Plot(
        "Money of a case",
        "Share of cases whose own bytes cost no more than so much, at the dearest kinds of site that pay at "
        "all. Looks that found nothing are not in it: the tables have the whole bill.",
        curves(
            "Money of a case by kind of site",
            [curve(kind, values) for kind, values in dearest],
            x_words="price of the case",
            scale=PRICES,
        ),
    )


def _forecasts(results: RunResults) -> Plot:
    rows = []
    for index, name in enumerate(CLASSES):
        told = calibration(of_class(results.deliveries, index))
        if told.share is not None:
            parts = tuple(100 * part / told.told for part in (told.inside, told.late, told.early))
            rows.append(Bar(name, parts, f"{told.share:.0%} of {told.told} inside"))
    return Plot(
        "Forecasts",
        "Share of arrivals that came inside, after and before the interval that the medic was told when it "
        f"was queued; intervals are made so that {INSIDE_SHARE:.0%} of contacts end inside.",
        bars("Forecasts by class", rows, parts_words=("inside", "later, or never", "earlier")),
    )


def _queue(results: RunResults) -> Plot:
    layers = [(name, [(row.at_s, float(getattr(row, name))) for row in results.queue]) for name in CLASSES]
    return Plot(
        "Queue at the hub",
        "The most cases that waited for a specialist at once in each hour, by class.",
        over_time("Queue at the hub", layers, x_words="simulated time", y_words="cases that wait"),
    )


def _cases_by_kind(results: RunResults) -> Iterator[tuple[str, Sequence[CaseRow]]]:
    kinds = {row.site: row.kind for row in results.sites}
    cases: dict[str, list[CaseRow]] = {kind: [] for kind in sorted(set(kinds.values()))}
    for case in results.cases:
        if case.site in kinds:
            cases[kinds[case.site]].append(case)
    yield from cases.items()
