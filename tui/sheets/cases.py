"""The list of cases: one row each, those that need a person first, as the daemon orders them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from sfnode.views import CaseRow
from tui.lines import Line, Row, Span, Tone, columns, cut_line, line, wrap_after
from tui.moments import age

_WIDE_CELLS: Final = 100
_HUB_CELLS_MAX: Final = 10
_HUB_WIDE_CELLS_MAX: Final = 20
_GAP: Final = " "
URGENCY_TONES: Final = {"EMER": Tone.ALARM, "URG": Tone.WARNING}
_HEADINGS: Final = ("", "", "case", "patient", "complaint", "NEWS2", "state", "needs you", "age")
# Mark, urgency, case, patient, complaint (what is left), score, state, needs you, age.
_MARK, _URGENCY, _CASE, _SCORE, _AGE = 2, 4, 6, 5, -3


def case_rows(cases: Sequence[CaseRow], now_s: float, width: int) -> list[Row]:
    """A heading, then a row per case; keys are case ids."""
    wide = width >= _WIDE_CELLS
    # Whom a case is with matters only where there is a choice.
    hub_cells = min(
        _HUB_WIDE_CELLS_MAX if wide else _HUB_CELLS_MAX,
        max((cell_len(case.hub) for case in cases), default=0),
    )
    widths = _widths(width - (hub_cells + len(_GAP) if hub_cells else 0), wide=wide)

    def line_of(cells: list[Span], hub: Span) -> Line:
        shown = _shown(cells, wide=wide)
        if not hub_cells:
            return columns(shown, widths, gap=_GAP)
        return columns([*shown[:3], hub, *shown[3:]], (*widths[:3], hub_cells, *widths[3:]), gap=_GAP)

    headings = [Span(text, Tone.FAINT) for text in _HEADINGS]
    rows = [Row((line_of(headings, Span("hub", Tone.FAINT)),))]
    rows.extend(Row((line_of(_cells(case, now_s), Span(case.hub, Tone.FAINT)),), case.case) for case in cases)
    return rows


def matches(case: CaseRow, words: str) -> bool:
    """Whether every word is found somewhere in the row."""
    text = " ".join(
        (
            *(case.short, case.patient, case.hub, case.complaint, case.urgency, case.state),
            *(case.needs_you or "", case.case),
        )
    ).casefold()
    return all(word in text for word in words.casefold().split())


def summary(cases: Sequence[CaseRow], shown: int) -> str:
    """How many there are and how many need a person: in words, for the line above the list."""
    waiting = sum(case.needs_you is not None for case in cases)
    total = f"{len(cases)} case" if len(cases) == 1 else f"{len(cases)} cases"
    found = f"{shown} of {total} shown" if shown != len(cases) else total
    if not waiting:
        return f"{found}, none needs you now"
    return f"{found}, {waiting} need{'s' if waiting == 1 else ''} you"


def peek_lines(case: CaseRow | None, width: int) -> tuple[Line, ...]:
    """What a row may have had to cut, whole: the complaint, the state, and why it needs somebody."""
    if case is None:
        return ()
    needs = Span(f"   needs you: {case.needs_you}" if case.needs_you else "", Tone.WARNING)
    hub = Span(f"   with {case.hub}" if case.hub else "", Tone.FAINT)
    return (
        *wrap_after((Span("  "),), case.complaint, width - 1, tone=Tone.STRONG),
        cut_line(line("  ", Span(case.state, state_tone(case.state)), needs, hub), width),
    )


def news2_word(case: CaseRow) -> str:
    """`10`, `5+` when inputs are missing, `-` without a score."""
    return "-" if case.news2 is None else f"{case.news2}{'+' if case.news2_partial else ''}"


def state_tone(state: str) -> Tone:
    if state == "ANSWERED":
        return Tone.STRONG
    if state in ("stored at hub", "seen by doctor"):
        return Tone.GOOD
    return Tone.FAINT if state in ("draft", "closed") else Tone.PLAIN


def is_alarm(case: CaseRow) -> bool:
    return case.needs_you is not None and "ALARM" in case.needs_you


def _cells(case: CaseRow, now_s: float) -> list[Span]:
    mark = "" if case.needs_you is None else "!!" if case.urgency == "EMER" or is_alarm(case) else "!"
    return [
        Span(mark, Tone.STRONG),
        Span(case.urgency, URGENCY_TONES.get(case.urgency, Tone.FAINT)),
        Span(case.short, Tone.FAINT),
        Span(case.patient, Tone.STRONG),
        Span(case.complaint),
        Span(news2_word(case)),
        Span(case.state, state_tone(case.state)),
        Span(case.needs_you or "", Tone.ALARM if is_alarm(case) else Tone.WARNING),
        Span(age(case.changed_s, now_s), Tone.FAINT),
    ]


def _shown(cells: list[Span], *, wide: bool) -> list[Span]:
    """On a narrow screen what needs a person stands for the state."""
    if wide:
        return cells
    *front, state, needs, last = cells
    return [*front, needs if needs.text and state.text != _HEADINGS[-3] else state, last]


def _widths(width: int, *, wide: bool) -> tuple[int, ...]:
    patient, state = (17, 17) if wide else (12, 18)
    fixed = _MARK + _URGENCY + _CASE + patient + _SCORE + state - _AGE
    if not wide:
        complaint = max(6, width - fixed - 7 * len(_GAP))
        return (_MARK, _URGENCY, _CASE, patient, complaint, _SCORE, state, _AGE)
    free = width - fixed - 8 * len(_GAP)
    needs = free // 2
    return (_MARK, _URGENCY, _CASE, patient, free - needs, _SCORE, state, needs, _AGE)
