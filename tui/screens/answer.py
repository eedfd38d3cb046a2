"""Forms about something that was said before: an answer to the hub's question, and a note put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sfnode.views import CaseView, NoteView, QuestionView
from tui.lines import EMPTY, Line, Span, Tone, line, wrap_after
from tui.widgets.form import FormField, Kind, Need

from .form import FormPage, NotYet

_WHY_NOT: Final = {
    "not-done": "not done",
    "cannot": "cannot be found out here",
    "refused": "the patient does not want to",
    "not-known": "not known",
}


class AnswerPage(FormPage):
    """What the hub asks, whole, above the ways in which it can be answered."""

    TITLE_WORDS = "answer"
    save_words = "Save the answer"

    def __init__(self, view: CaseView, asked: QuestionView) -> None:
        super().__init__(f"question_answer {view.row.case} {asked.question}")
        self._view = view
        self._asked = asked

    def fields(self) -> Sequence[FormField]:
        why_not = FormField(key="state", label="Or why there is none", kind=Kind.CHOICE, choices=_WHY_NOT)
        return (self._value(), why_not)

    def intro(self, width: int) -> tuple[Line, ...]:
        return (
            line(" ", Span("THE HUB ASKS", Tone.HEADING), "   ", Span(self._view.row.patient, Tone.STRONG)),
            *wrap_after((Span(" "),), self._asked.text, width - 1, tone=Tone.STRONG),
            EMPTY,
        )

    async def save(self, answers: Mapping[str, str]) -> None:
        given = {key: text for key, text in answers.items() if text}
        if not given:
            raise NotYet("Answer, or say why there is no answer.")
        if self._asked.choices and len(given) > 1:
            raise NotYet("Answer, or say why there is no answer: not both.")
        await self.shell.daemon.act(
            "question_answer", {"case": self._view.row.case, "question": self._asked.question, **given}
        )

    def saved(self) -> None:
        self.shell.leave("Answer saved.")

    def _value(self) -> FormField:
        if not self._asked.choices:
            return FormField(key="value", label="Answer", hint=self._asked.takes)
        choices = {word: word for word in self._asked.choices}
        return FormField(key="value", label="Answer", kind=Kind.CHOICE, choices=choices)


class CorrectPage(FormPage):
    """The note as it stands, to be written as it should have been; what it said stays readable."""

    TITLE_WORDS = "correct a note"
    save_words = "Save the correction"

    def __init__(self, view: CaseView, note: NoteView) -> None:
        super().__init__(f"note_correct {view.row.case} {note.record}")
        self._view = view
        self._note = note

    def fields(self) -> Sequence[FormField]:
        return (FormField(key="text", label="The note, put right", kind=Kind.NOTE, need=Need.TO_SAVE),)

    def on_mount(self) -> None:
        super().on_mount()
        if not self.form.answers["text"]:
            self.form.fill({"text": self._note.text})

    def draft_answers(self, answers: Mapping[str, str]) -> Mapping[str, str]:
        """The note as it stands is no draft of anything."""
        return {} if answers["text"] == self._note.text else answers

    def intro(self, width: int) -> tuple[Line, ...]:
        words = "What it says now stays readable, here and at the hub."
        return (
            line(" ", Span("CORRECT A NOTE", Tone.HEADING), "   ", Span(self._view.row.patient, Tone.STRONG)),
            *wrap_after((Span(" "),), words, width - 1, tone=Tone.FAINT),
            EMPTY,
        )

    async def save(self, answers: Mapping[str, str]) -> None:
        await self.shell.daemon.act(
            "note_correct", {"case": self._view.row.case, "note": self._note.record, "text": answers["text"]}
        )

    def saved(self) -> None:
        self.shell.leave("Note corrected.")
