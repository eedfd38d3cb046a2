"""One self-contained page about a run, or about two side by side: no script, no network, prints well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .figures import (
    CLASSES,
    alarms_per_site_day,
    answer_s,
    calibration,
    curve,
    delivery_s,
    of_class,
    spread,
    useful_s,
    waits,
)
from .plots import bars, curves, over_time, span_words
from .results import DeliveryRow, RunResults
from .tables import TableRow, alarm_rows, class_rows, kind_rows, price_rows, size_words

VIOLATIONS_SHOWN_MAX: Final = 50
_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("simulations.report"), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture with the sentence that says what to see in it."""

    heading: str
    caption: str
    svg: Markup


def report_page(results: RunResults) -> str:
    """The page of one run."""
    return _ENVIRONMENT.get_template("report.html").render(
        run=results,
        summary=class_rows(results),
        plots=[
            _deliveries(results),
            _first_use(results),
            _waits(results),
            _queue(results),
        ],
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
        rows=comparison_rows(first, second),
        plots=[
            _compared(
                pairs, "Time to the first useful byte", lambda run: [useful_s(row) for row in run.cases]
            ),
            _compared(pairs, "Time from opening a case to its reply aboard", _answers),
            *(
                _compared(pairs, f"Delivery of class {index}: {name}", _deliveries_of(index))
                for index, name in enumerate(CLASSES)
            ),
        ],
    )


def comparison_rows(first: RunResults, second: RunResults) -> list[TableRow]:
    """The same figures of both, and what the second is to the first."""
    rows = []
    for name, figure, words in _COMPARED:
        before, after = figure(first), figure(second)
        change = "" if not before or after is None else _change_words((after - before) / before)
        rows.append(TableRow(name, (_worded(before, words), _worded(after, words), change)))
    return rows


def _deliveries(results: RunResults) -> Plot:
    drawn = [
        curve(name, [delivery_s(row) for row in of_class(results.deliveries, index)])
        for index, name in enumerate(CLASSES)
    ]
    drawn.append(curve("physical bound, all classes", [row.bound_s for row in results.deliveries]))
    return Plot(
        "Delivery by class",
        "Share of bundles that were durable at the other end so long after they were queued. The bound is "
        "each bundle alone on its links, dark time included; the distance is queueing and protocol, and "
        "for what goes to a site the wait for its next look.",
        curves("Delivery time by class", [each for each in drawn if each.points], x_words="after queueing"),
    )


def _first_use(results: RunResults) -> Plot:
    drawn = [
        curve("first useful byte", [useful_s(row) for row in results.cases]),
        curve("reply at the site", _answers(results)),
    ]
    return Plot(
        "First useful byte, and the answer",
        "Share of cases that a specialist could begin to act on, and whose reply was at the site, so long "
        "after the medic opened them.",
        curves("Time to first useful byte and to the reply", drawn, x_words="after opening the case"),
    )


def _waits(results: RunResults) -> Plot:
    kinds = sorted({row.kind for row in results.sites})
    by_kind = {kind: {row.site for row in results.sites if row.kind == kind} for kind in kinds}
    rows = []
    for kind in kinds:
        split = waits([case for case in results.cases if case.site in by_kind[kind]])
        if split.cases:
            rows.append((kind, (split.link_up_s, split.people_s, split.link_down_s)))
    words = ("link, to the hub", "people", "link, back")
    return Plot(
        "Where the time goes",
        "Mean time of answered cases by kind of site: the link to the hub, specialists, the link back.",
        bars("Waits by kind of site", rows, parts_words=words),
    )


def _queue(results: RunResults) -> Plot:
    layers = [
        (name, [(row.at_s, float(getattr(row, name))) for row in results.queue]) for name in CLASSES[:3]
    ]
    return Plot(
        "Queue at the hub",
        "The most cases that waited for a specialist at once in each hour, by class.",
        over_time("Queue at the hub", layers, y_words="simulated time"),
    )


def _compared(
    pairs: Sequence[tuple[str, RunResults]],
    heading: str,
    values: Callable[[RunResults], list[float | None]],
) -> Plot:
    drawn = [curve(name, values(run)) for name, run in pairs]
    return Plot(heading, "Share that had come by then.", curves(heading, drawn, x_words="later"))


def _forecast(results: RunResults) -> str:
    told = calibration(results.deliveries)
    if told.share is None:
        return "No arrival was forecast in this run."
    return (
        f"{told.share:.0%} of {told.told} arrivals lay inside the interval that was told; "
        f"{told.early} came earlier, {told.late} later or not at all."
    )


def _answers(run: RunResults) -> list[float | None]:
    return [answer_s(row) for row in run.cases]


def _deliveries_of(priority: int) -> Callable[[RunResults], list[float | None]]:
    def values(run: RunResults) -> list[float | None]:
        return [delivery_s(row) for row in of_class(run.deliveries, priority)]

    return values


def _names(first: RunResults, second: RunResults) -> tuple[str, str]:
    """What tells the two apart, in as few words as do."""
    for name in ("policy", "world", "seed"):
        one, other = str(getattr(first, name)), str(getattr(second, name))
        if one != other:
            return f"{name} {one}", f"{name} {other}"
    return "first", "second"


def _change_words(share: float) -> str:
    return f"{share:+.0%}" if abs(share) >= 0.005 else "same"


def _worded(value: float | None, words: Callable[[float], str]) -> str:
    return "not all came" if value is None else words(value)


def _median_of(priority: int) -> Callable[[RunResults], float | None]:
    def figure(run: RunResults) -> float | None:
        return spread(_deliveries_of(priority)(run)).median

    return figure


def _never_arrived(rows: Sequence[DeliveryRow]) -> float:
    return float(sum(row.stored_s is None for row in rows))


_COMPARED: Final[tuple[tuple[str, Callable[[RunResults], float | None], Callable[[float], str]], ...]] = (
    ("cases", lambda run: float(len(run.cases)), "{:.0f}".format),
    ("first useful byte, median", lambda run: spread(useful_s(row) for row in run.cases).median, span_words),
    ("reply at the site, median", lambda run: spread(_answers(run)).median, span_words),
    ("reply at the site, 9 in 10", lambda run: spread(_answers(run)).tenth_worst, span_words),
    ("emergency delivered, median", _median_of(0), span_words),
    ("routine delivered, median", _median_of(2), span_words),
    ("bundles that never arrived", lambda run: _never_arrived(run.deliveries), "{:.0f}".format),
    ("bytes", lambda run: float(sum(row.bytes_up + row.bytes_down for row in run.sites)), size_words),
    ("USD", lambda run: sum(row.usd for row in run.sites), "{:.2f}".format),
    ("alarms per site and day", lambda run: alarms_per_site_day(run, needing_action=True), "{:.3f}".format),
    (
        "needless alarms per site and day",
        lambda run: alarms_per_site_day(run, needing_action=False),
        "{:.3f}".format,
    ),
    ("violated properties", lambda run: float(len(run.violations)), "{:.0f}".format),
)
