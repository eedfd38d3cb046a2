"""One case: the facts that stay in sight, and everything else below them in one column or two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

from sfnode.views import CaseView, NoteView, PhotoView, QuestionView
from tui.lines import Line, Row, Span, Tone, flow, line, row, spread, wrap_after
from tui.moments import size

from .cases import URGENCY_TONES, is_alarm, news2_word, state_tone
from .plan import plan_rows
from .transfers import transfer_lines
from .vitals import trend_rows

_BLANK: Final = row()
_QUESTION: Final = "question"
_NOTE: Final = "note"
"""Before a record's id: which row the cursor stands on."""
_NEEDED: Final = "*"
"""In front of what a case lacks and its form requires."""
_UNKNOWN: Final = ("NOT ASKED", "NOT KNOWN")


def head_lines(view: CaseView, width: int) -> tuple[Line, ...]:
    """Who, how urgent, and always the allergies: this never scrolls away."""
    case = view.row
    left = line(
        " ",
        Span(f" {case.urgency} ", URGENCY_TONES.get(case.urgency, Tone.FAINT)),
        "  ",
        Span(case.patient, Tone.STRONG),
        "  ",
        Span(case.complaint),
    )
    right = line(Span(f"NEWS2 {news2_word(case)}", Tone.STRONG), "  ", Span(case.short, Tone.FAINT), " ")
    state = [Span(case.state, state_tone(case.state))]
    if is_alarm(case):
        # Whatever else needs somebody, an unread reply or one written before, is on this very screen.
        state.append(Span(f"needs you: {case.needs_you}", Tone.ALARM))
    facts = [_fact("weight", view.weight), _fact("pregnancy", view.pregnancy)]
    facts += [_fact("with", case.hub)] if case.hub else []
    return (
        spread(left, right, width),
        *wrap_after(
            (Span(" "), Span("ALLERGIES", Tone.LABEL), Span("  ")),
            view.allergies,
            width - 1,
            tone=Tone.STRONG if view.allergies == "none known" else Tone.ALARM,
        ),
        *flow((*facts, *state), width, indent=" "),
    )


def main_rows(view: CaseView, now_s: float, width: int, *, everything: bool) -> list[Row]:
    """The plan and the story; with `everything`, also what a wide screen shows at the side."""
    answered = view.plan is not None and bool(view.plan.replies or view.plan.advice)
    rows = [*([] if answered else [_heading("Plan")]), *plan_rows(view.plan, now_s, width), _BLANK]
    if view.questions:
        rows.append(_heading("The hub asks"))
        rows.extend(
            Row(_question_lines(asked, width), f"{_QUESTION} {asked.question}") for asked in view.questions
        )
        rows.append(_BLANK)
    if view.not_understood:
        rows.extend(
            _listed("Not understood: call the hub, then update", view.not_understood, width, Tone.ALARM)
        )
    if not view.sent:
        words = ", ".join(needed_to_send(view))
        rows.extend(_listed("Needed to send", [words] if words else [], width, Tone.WARNING))
    rows.extend([_heading("Question"), Row(wrap_after((), view.question or "none asked", width)), _BLANK])
    if everything:
        rows.extend(side_rows(view, now_s, width))
    rows.extend(_listed("Also recorded", view.others, width))
    if view.notes:
        rows.append(_heading("Notes"))
        keys = [f"{_NOTE} {note.record}" for note in view.note_views]
        rows.extend(
            Row(wrap_after((Span("- ", Tone.FAINT),), text, width), key)
            for text, key in zip_longest(view.notes, keys)
        )
        rows.append(_BLANK)
    rows.extend(_listed("Medicines", view.medicines, width))
    rows.extend(_listed("History", view.history, width))
    if not view.sent:
        words = ", ".join(label for label in view.missing if not label.startswith(_NEEDED))
        rows.extend(_listed("Not answered, if you know it", [words] if words else [], width, Tone.FAINT))
    return rows


def needed_to_send(view: CaseView) -> tuple[str, ...]:
    """What its form requires for sending and nobody has answered."""
    return tuple(label.removeprefix(_NEEDED) for label in view.missing if label.startswith(_NEEDED))


def side_rows(view: CaseView, now_s: float, width: int) -> list[Row]:
    """Vitals, treatment, photographs and what is on its way."""
    rows = [_heading("Vitals"), *trend_rows(view.vitals, now_s, width), _BLANK]
    rows.extend(_listed("Treatment given", view.treatments, width))
    if view.photos:
        rows.append(_heading("Photographs"))
        rows.extend(Row(photo_lines(photo, width)) for photo in view.photos)
        rows.append(_BLANK)
    if view.transfers:
        rows.append(_heading("Outbox"))
        rows.extend(Row(transfer_lines(each, now_s, width)) for each in view.transfers)
        rows.append(_BLANK)
    return rows


def photo_lines(photo: PhotoView, width: int) -> tuple[Line, ...]:
    layers = ", ".join(f"{layer.layer} {size(layer.size_bytes)}" for layer in photo.layers)
    removed = "" if photo.metadata_removed else "  CAMERA DATA KEPT"
    return (
        *wrap_after((), photo.caption or "no caption", width, tone=Tone.STRONG),
        *wrap_after((Span("  "),), f"{layers}{removed}", width, tone=Tone.FAINT),
    )


def question_at(view: CaseView, key: str | None) -> QuestionView | None:
    """The question that the cursor stands on, else the one that has waited longest."""
    here = [asked for asked in view.questions if f"{_QUESTION} {asked.question}" == key]
    return next(iter((*here, *view.questions)), None)


def note_at(view: CaseView, key: str | None) -> NoteView | None:
    """The note that the cursor stands on; the only one wherever it stands."""
    if len(view.note_views) == 1:
        return view.note_views[0]
    return next((note for note in view.note_views if f"{_NOTE} {note.record}" == key), None)


def _question_lines(asked: QuestionView, width: int) -> tuple[Line, ...]:
    """What is asked, and how it can be answered."""
    within = f", within {asked.within_min} min" if asked.within_min is not None else ""
    return (
        *wrap_after((Span("? ", Tone.WARNING),), asked.text, width, tone=Tone.STRONG),
        *wrap_after((Span("  "),), f"{asked.asked_by}: {asked.takes}{within}", width, tone=Tone.FAINT),
        *(
            part
            for answer in asked.answers
            for part in wrap_after(
                (Span("  ! ", Tone.WARNING),), f"answered: {answer}", width, tone=Tone.WARNING
            )
        ),
    )


def _listed(title: str, texts: Sequence[str], width: int, tone: Tone = Tone.PLAIN) -> Iterable[Row]:
    if not texts:
        return
    yield _heading(title)
    for text in texts:
        yield Row(wrap_after((Span("- ", Tone.FAINT),), text, width, tone=tone))
    yield _BLANK


def _heading(title: str) -> Row:
    return row(Span(title.upper(), Tone.HEADING))


def _fact(name: str, value: str) -> Span:
    return Span(f"{name} {value}", Tone.WARNING if value in _UNKNOWN else Tone.PLAIN)
