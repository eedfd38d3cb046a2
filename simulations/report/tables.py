"""The tables of a report: by class, by kind of site, by site, by cause of alarm."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from .figures import CLASSES, SITE_DAY_S, Spread, answer_s, delivery_s, of_class, spread, useful_s
from .plots import size_words, span_words
from .results import CaseRow, RunResults, SiteRow

SITES_SHOWN_MAX: Final = 40
"""The dearest; all of them are in the CSV beside the page."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of figures, in words."""

    name: str
    cells: tuple[str, ...]


def figure_words(value: float | None, words: Callable[[float], str]) -> str:
    """Of a spread: some never came, there were none, or the figure."""
    if value is None:
        return "not all came"
    return "none" if math.isnan(value) else words(value)


def class_rows(results: RunResults) -> list[TableRow]:
    """By class and way: what goes to a site waits for its look, and what leaves it does not."""
    rows = []
    for index, name in enumerate(CLASSES):
        for up, way in ((True, "to the hub"), (False, "to the site")):
            deliveries = of_class(results.deliveries, index, up=up)
            if deliveries:
                taken = spread(delivery_s(row) for row in deliveries)
                bound = spread(row.bound_s for row in deliveries)
                counts = (str(taken.count), str(taken.missing))
                cells = (*counts, *_spread_words(taken), *_spread_words(bound)[:2])
                rows.append(TableRow(f"{name}, {way}", cells))
    return rows


def kind_rows(results: RunResults) -> list[TableRow]:
    """What each kind of site went through, and paid."""
    cases: dict[int, list[CaseRow]] = {}
    for case in results.cases:
        cases.setdefault(case.site, []).append(case)
    kinds: dict[str, list[SiteRow]] = {}
    for row in results.sites:
        kinds.setdefault(row.kind, []).append(row)
    return [
        _kind_row(kind, sites, [case for row in sites for case in cases.get(row.site, [])], results)
        for kind, sites in sorted(kinds.items())
    ]


def _kind_row(kind: str, sites: Sequence[SiteRow], cases: Sequence[CaseRow], results: RunResults) -> TableRow:
    contacts = sum(row.contacts for row in sites)
    failed = sum(row.contacts_failed for row in sites)
    usd = sum(row.usd for row in sites)
    size_bytes = sum(row.bytes_up + row.bytes_down for row in sites)
    site_days = len(sites) * results.duration_s / SITE_DAY_S
    useful, answered = spread(map(useful_s, cases)), spread(map(answer_s, cases))
    return TableRow(
        kind,
        (
            str(len(sites)),
            str(len(cases)),
            *(_span(value) for value in (useful.median, useful.tenth_worst)),
            *(_span(value) for value in (answered.median, answered.tenth_worst)),
            f"{failed / contacts:.0%}" if contacts else "",
            size_words(size_bytes / site_days),
            f"{usd / site_days:.2f}",
            f"{usd / len(cases):.2f}" if cases else "",
        ),
    )


def alarm_rows(results: RunResults) -> list[TableRow]:
    """How often somebody was called, and whether there was anything to do."""
    heard = Counter((alarm.cause, alarm.needs_action) for alarm in results.alarms)
    return [
        TableRow(
            cause,
            (
                "yes" if needs_action else "no",
                str(count),
                f"{count / results.site_days:.4f}" if results.site_days else "",
            ),
        )
        for (cause, needs_action), count in sorted(heard.items(), key=lambda item: (-item[1], item[0]))
    ]


def price_rows(results: RunResults) -> list[TableRow]:
    ranked = sorted(results.sites, key=lambda row: (-row.usd, row.site))[:SITES_SHOWN_MAX]
    cases: dict[int, int] = {}
    for case in results.cases:
        cases[case.site] = cases.get(case.site, 0) + 1
    return [
        TableRow(
            row.name,
            (
                row.kind,
                row.links,
                str(row.contacts),
                str(row.contacts_failed),
                size_words(row.bytes_up),
                size_words(row.bytes_down),
                f"{row.usd:.2f}",
                str(cases.get(row.site, 0)),
                f"{row.usd / cases[row.site]:.2f}" if row.site in cases else "",
            ),
        )
        for row in ranked
    ]


def _spread_words(taken: Spread) -> tuple[str, str, str]:
    values = (taken.median, taken.tenth_worst, taken.worst)
    median, tenth, worst = map(_span, values)
    return median, tenth, worst


def _span(value: float | None) -> str:
    return figure_words(value, span_words)
