"""One self-contained page about a run, or about two side by side: no script, no network, prints well."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from .figures import (
    CLASSES,
    alarms_per_site_day,
    calibration,
    case_bytes,
    curve,
    delivery_s,
    of_class,
    spread,
    useful_s,
)
from .pictures import Plot, answers, pictures
from .plots import curves, size_words, span_words
from .results import DeliveryRow, RunResults
from .tables import TableRow, alarm_rows, class_rows, figure_words, kind_rows, price_rows

TIMES_FROM: Final = 10.0
"""Above so much a change is told as a multiple: nobody reads thousands of per cent."""

VIOLATIONS_SHOWN_MAX: Final = 50
_OPENING: Final = "after opening the case"
_QUEUEING: Final = "after queueing"
_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("simulations.report"), autoescape=True, undefined=StrictUndefined
)


def report_page(results: RunResults) -> str:
    """The page of one run."""
    return _ENVIRONMENT.get_template("report.html").render(
        run=results,
        summary=class_rows(results),
        plots=list(pictures(results)),
        kinds=kind_rows(results),
        alarms=alarm_rows(results),
        prices=price_rows(results),
        forecast=_forecast(results),
        violations=results.violations[:VIOLATIONS_SHOWN_MAX],
    )


def comparison_page(first: RunResults, second: RunResults) -> str:
    """What differs between two runs: another link, another policy, another seed."""
    names = _names(first, second)
    pairs = list(zip(names, (first, second), strict=True))
    return _ENVIRONMENT.get_template("comparison.html").render(
        names=names,
        runs=[(name, run_words(run), run.notes) for name, run in pairs],
        unlike=unlike(first, second),
        rows=comparison_rows(first, second),
        plots=[
            _compared(pairs, "Time to the first useful byte", _first_uses, _OPENING),
            _compared(pairs, "Time from opening a case to its reply aboard", answers, _OPENING),
            *(
                _compared(pairs, f"Class {index} {way}: {name}", _deliveries_of(index, up=up), _QUEUEING)
                for index, name in enumerate(CLASSES)
                for up, way in ((True, "to the hub"), (False, "to the site"))
            ),
        ],
    )


def run_words(run: RunResults) -> str:
    """Which run it is, in one line."""
    return (
        f"{run.world}, {len(run.sites)} sites, {run.duration_s / 86_400:g} days, policy {run.policy}, "
        f"seed {run.seed}, {run.played}, trace {run.trace_hash}"
    )


def unlike(one: RunResults, other: RunResults) -> str:
    """In what two runs differ, where it is more than one thing or their extent; empty otherwise."""
    pairs = {
        "world": (one.world, other.world),
        "policy": (one.policy, other.policy),
        "how they were played": (one.played, other.played),
        "seed": (one.seed, other.seed),
        "sites": (len(one.sites), len(other.sites)),
        "days": (f"{one.duration_s / 86_400:g}", f"{other.duration_s / 86_400:g}"),
    }
    differing = [
        f"{name} ({first} and {second})" for name, (first, second) in pairs.items() if first != second
    ]
    extent = ("sites", "days") if one.world == other.world else ("days",)
    if len(differing) < 2 and all(pairs[name][0] == pairs[name][1] for name in extent):
        return ""
    return ", ".join(differing)


def _first_uses(run: RunResults) -> list[float | None]:
    return [useful_s(row) for row in run.cases]


def comparison_rows(first: RunResults, second: RunResults) -> list[TableRow]:
    """The same figures of both, and what the second is to the first."""
    rows = []
    for name, figure, words in _COMPARED:
        before, after = figure(first), figure(second)
        change = "" if not before or after is None else _change_words((after - before) / before)
        rows.append(TableRow(name, (figure_words(before, words), figure_words(after, words), change)))
    return rows


def _compared(
    pairs: Sequence[tuple[str, RunResults]],
    heading: str,
    values: Callable[[RunResults], list[float | None]],
    since: str,
) -> Plot:
    drawn = [curve(name, values(run)) for name, run in pairs]
    return Plot(heading, f"Share that had come so long {since}.", curves(heading, drawn, x_words=since))


def _forecast(results: RunResults) -> str:
    told = calibration(results.deliveries)
    if told.share is None:
        return "No arrival was forecast in this run."
    return (
        f"{told.share:.0%} of {told.told} arrivals lay inside the interval that was told; "
        f"{told.early} came earlier, {told.late} later or not at all."
    )


def _deliveries_of(priority: int, *, up: bool) -> Callable[[RunResults], list[float | None]]:
    def values(run: RunResults) -> list[float | None]:
        return [delivery_s(row) for row in of_class(run.deliveries, priority, up=up)]

    return values


def _names(first: RunResults, second: RunResults) -> tuple[str, str]:
    """What tells the two apart, in as few words as do."""
    if first.played != second.played:
        return first.played, second.played
    for name in ("policy", "world", "seed"):
        one, other = str(getattr(first, name)), str(getattr(second, name))
        if one != other:
            return f"{name} {one}", f"{name} {other}"
    return "first", "second"


def _change_words(share: float) -> str:
    if math.isnan(share):
        return ""
    if share > TIMES_FROM:
        return f"{1 + share:,.0f}-fold"
    return f"{share:+.0%}" if abs(share) >= 0.005 else "same"


def _median_of(priority: int, *, up: bool) -> Callable[[RunResults], float | None]:
    def figure(run: RunResults) -> float | None:
        return spread(_deliveries_of(priority, up=up)(run)).median

    return figure


def _usd_a_case(run: RunResults) -> float:
    return sum(row.usd for row in run.sites) / len(run.cases) if run.cases else math.nan


def _never_arrived(rows: Sequence[DeliveryRow]) -> float:
    return float(sum(row.stored_s is None for row in rows))


_COMPARED: Final[tuple[tuple[str, Callable[[RunResults], float | None], Callable[[float], str]], ...]] = (
    ("cases", lambda run: float(len(run.cases)), "{:.0f}".format),
    ("first useful byte, median", lambda run: spread(_first_uses(run)).median, span_words),
    ("reply at the site, median", lambda run: spread(answers(run)).median, span_words),
    ("reply at the site, 9 in 10", lambda run: spread(answers(run)).tenth_worst, span_words),
    ("emergency to the hub, median", _median_of(0, up=True), span_words),
    ("emergency to the site, median", _median_of(0, up=False), span_words),
    ("routine to the hub, median", _median_of(2, up=True), span_words),
    ("routine to the site, median", _median_of(2, up=False), span_words),
    ("bundles under way at the end", lambda run: _never_arrived(run.deliveries), "{:.0f}".format),
    ("bytes of a case, median", lambda run: spread(map(case_bytes, run.cases)).median, size_words),
    (
        "bytes on all links",
        lambda run: float(sum(row.bytes_up + row.bytes_down for row in run.sites)),
        size_words,
    ),
    ("USD", lambda run: sum(row.usd for row in run.sites), "{:.2f}".format),
    ("USD a case, looks included", _usd_a_case, "{:.2f}".format),
    ("alarms per site and day", lambda run: alarms_per_site_day(run, needing_action=True), "{:.3f}".format),
    (
        "needless alarms per site and day",
        lambda run: alarms_per_site_day(run, needing_action=False),
        "{:.3f}".format,
    ),
    ("violated properties", lambda run: float(len(run.violations)), "{:.0f}".format),
)
