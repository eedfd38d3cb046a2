"""Vital signs over time: one column per set, newest on the right, every value readable without a plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sfnode.views import VitalsView
from tui.lines import Line, Row, Span, Tone, columns, fit, fit_right, line, row, wrap_after
from tui.moments import moment

_LABEL_CELLS: Final = 8
_SET_CELLS: Final = 8


def _number(value: object) -> str:
    return "-" if value is None else str(value)


def _pressure(vitals: VitalsView) -> str:
    if vitals.systolic_mmhg is None:
        return "-"
    return f"{vitals.systolic_mmhg}/{_number(vitals.diastolic_mmhg)}"


def _oxygen(vitals: VitalsView) -> str:
    return {None: "-", True: "oxygen", False: "air"}[vitals.on_oxygen]


_SIGNS: Final[tuple[tuple[str, Callable[[VitalsView], str]], ...]] = (
    ("RR", lambda vitals: _number(vitals.respiratory_rate_min)),
    ("SpO2 %", lambda vitals: _number(vitals.spo2_percent)),
    ("O2", _oxygen),
    ("BP", _pressure),
    ("HR", lambda vitals: _number(vitals.heart_rate_min)),
    ("ACVPU", lambda vitals: _number(vitals.consciousness)),
    ("Temp C", lambda vitals: _number(vitals.temperature_c)),
    ("GCS", lambda vitals: _number(vitals.glasgow_coma)),
    ("Pain", lambda vitals: _number(vitals.pain)),
    ("Glucose", lambda vitals: _number(vitals.glucose_mmol_l)),
)


def trend_rows(vitals: Sequence[VitalsView], now_s: float, width: int) -> list[Row]:
    """The newest sets that fit, and how many earlier ones there are; signs never measured are left out."""
    if not vitals:
        return [row(Span("none yet", Tone.WARNING), Span("   v enters the first set", Tone.FAINT))]
    ordered = sorted(vitals, key=lambda each: each.observed_s)
    count = max(1, (width - _LABEL_CELLS) // _SET_CELLS)
    shown = ordered[-count:]
    newest = shown[-1]
    rows = [Row(wrap_after((), newest.news2_text, width, tone=score_tone(newest)))]
    rows.append(
        row(
            Span(fit("UTC", _LABEL_CELLS), Tone.FAINT),
            *_cells(shown, lambda each: _time(each, now_s), faint=True),
        )
    )
    rows.append(row(fit("NEWS2", _LABEL_CELLS), *_cells(shown, lambda each: _number(each.news2))))
    for label, value in _SIGNS:
        if any(value(each) != "-" for each in shown):
            rows.append(row(fit(label, _LABEL_CELLS), *_cells(shown, value)))
    if len(ordered) > len(shown):
        earlier = len(ordered) - len(shown)
        rows.append(row(Span(f"{earlier} earlier set{'s' if earlier > 1 else ''}: v shows all", Tone.FAINT)))
    return rows


def set_rows(vitals: Sequence[VitalsView], now_s: float, width: int) -> list[Row]:
    """Every set, newest first, one row each."""
    if not vitals:
        return [row(Span("No set was entered yet.", Tone.FAINT))]
    widths = [12, -5, -4, -4, 6, -7, -4, 5, -5, -4, -4, -5]
    heading = ["time (UTC)", "NEWS2", "RR", "SpO2", "O2", "BP", "HR", "ACVPU", "Temp", "GCS", "Pain", "Gluc"]
    rows = [Row((columns([Span(text, Tone.FAINT) for text in heading], widths, gap=" "),))]
    for each in sorted(vitals, key=lambda one: one.observed_s, reverse=True):
        cells = [
            Span(moment(each.observed_s, now_s), Tone.FAINT),
            Span(_number(each.news2), score_tone(each)),
        ]
        cells.extend(Span(value(each)) for _, value in _SIGNS)
        rows.append(Row((columns(cells, widths, gap=" "),)))
    return rows


def score_tone(vitals: VitalsView) -> Tone:
    if vitals.news2 is None:
        return Tone.FAINT
    return Tone.ALARM if vitals.news2 >= 7 else Tone.WARNING if vitals.news2 >= 5 else Tone.STRONG


def _cells(shown: Sequence[VitalsView], value: Callable[[VitalsView], str], *, faint: bool = False) -> Line:
    """One value per set; the newest, at the right, stands out."""
    last = len(shown) - 1
    return line(
        *(
            Span(
                fit_right(value(each), _SET_CELLS),
                Tone.FAINT if faint and at < last else Tone.STRONG if at == last else Tone.PLAIN,
            )
            for at, each in enumerate(shown)
        )
    )


def _time(vitals: VitalsView, now_s: float) -> str:
    """Only the hour and minute fit a column; an older day says its date instead."""
    text = moment(vitals.observed_s, now_s)
    return text if " " not in text else text[:6]
