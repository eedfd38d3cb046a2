"""A column of questions: labels on the left, answers on the right, and one row at the end that does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from protocol.clinical import Patient
from tui.lines import EMPTY, Line, Span, Tone, line, wrap

from .block import Block
from .fields import NOTE_ROWS, ChoiceField, FieldWidget, Filled, Left, LineField, NoteField
from .toned import TONE_CLASSES, strip_of
from .vitals_row import ROWS as VITALS_ROWS
from .vitals_row import VitalsRow

LABEL_CELLS: Final = 28
_MARKS_CELLS: Final = 5
"""Marker in front, `*` and a gap behind."""


class Kind(Enum):
    LINE = "line"
    SECRET = "secret"
    NOTE = "note"
    CHOICE = "choice"
    VITALS = "vitals"


class Need(Enum):
    """When an answer must be there."""

    NEVER = "never"
    TO_SAVE = "to save"
    TO_SEND = "to send"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One question of a form."""

    key: str
    label: str
    kind: Kind = Kind.LINE
    need: Need = Need.NEVER
    hint: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def label_lines(self) -> list[str]:
        return wrap(self.label, LABEL_CELLS - _MARKS_CELLS)


class Confirm(Widget, can_focus=True):
    """The last row of a form: Enter does it. Space does not: somebody may type a dose here by mistake."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TONE_CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "do it", show=False)]

    class Pressed(Message):
        """It was done on purpose."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def action_press(self) -> None:
        self.post_message(self.Pressed())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def render_line(self, y: int) -> Strip:
        marker = Span("> " if self.has_focus else "  ", Tone.KEY)
        button = Span(f"[ {self._words} ]", Tone.STRONG if self.has_focus else Tone.LABEL)
        hint = Span("   Enter" if self.has_focus else "", Tone.FAINT)
        return strip_of(self, (marker, button, hint), self.size.width, selected=self.has_focus)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


class FormSection(Vertical):
    """Questions that belong together, their labels beside them, and a row of their own that saves."""

    def __init__(self, title: str, fields: Sequence[FormField], patient: Patient, save_words: str) -> None:
        super().__init__()
        self.fields = tuple(fields)
        self.widgets: dict[str, FieldWidget] = {}
        self.vitals: VitalsRow | None = None
        self.confirm = Confirm(save_words)
        self._title = title
        self._labels = Block(self._label_lines, id="labels")
        for item in self.fields:
            if item.kind is Kind.VITALS:
                self.vitals = VitalsRow(patient)
            else:
                self.widgets[item.key] = _widget(item)

    def compose(self) -> ComposeResult:
        if self._title:
            yield Block(lambda _: (EMPTY, line(" ", Span(self._title.upper(), Tone.HEADING))))
        with Horizontal(id="grid"):
            yield self._labels
            with Vertical(id="answers"):
                for item in self.fields:
                    yield self._widget_of(item)
        yield Block(lambda _: (EMPTY,))
        yield self.confirm

    @property
    def answers(self) -> dict[str, str]:
        answers = {key: widget.answer for key, widget in self.widgets.items()}
        return {**answers, **(self.vitals.answers if self.vitals else {})}

    def is_answered(self, item: FormField) -> bool:
        if item.kind is Kind.VITALS:
            return self.vitals is not None and bool(self.vitals.answers)
        return bool(self.widgets[item.key].answer)

    def renew_labels(self) -> None:
        self._labels.renew()

    def on_resize(self) -> None:
        """Choices may need another row, and labels must stay beside their answers."""
        for item in self.fields:
            self._widget_of(item).styles.margin = (0, 1, self._rows(item) - self._answer_rows(item), 0)
        self.renew_labels()

    def _widget_of(self, item: FormField) -> Widget:
        if item.kind is Kind.VITALS and self.vitals is not None:
            return self.vitals
        return self.widgets[item.key].widget

    def _answer_rows(self, item: FormField) -> int:
        widget = self._widget_of(item)
        if isinstance(widget, ChoiceField):
            return widget.rows_in(max(1, self.size.width - LABEL_CELLS - 1))
        return {Kind.NOTE: NOTE_ROWS, Kind.VITALS: VITALS_ROWS}.get(item.kind, 1)

    def _rows(self, item: FormField) -> int:
        return max(self._answer_rows(item), len(item.label_lines))

    def _label_lines(self, width: int) -> tuple[Line, ...]:
        return tuple(part for item in self.fields for part in self._label(item))

    def _label(self, item: FormField) -> list[Line]:
        here = self._has_focus(item)
        needed = item.need is not Need.NEVER
        tone = Tone.STRONG if here else Tone.PLAIN
        first, *rest = item.label_lines
        lines = [
            line(
                Span("> " if here else "  ", Tone.KEY),
                Span(first, tone),
                Span(" *" if needed else "", Tone.FAINT if self.is_answered(item) else Tone.WARNING),
            ),
            *(line("  ", Span(text, tone)) for text in rest),
        ]
        return [*lines, *([EMPTY] * (self._rows(item) - len(lines)))]

    def _has_focus(self, item: FormField) -> bool:
        focused = self.screen.focused if self.is_mounted else None
        return focused is not None and self._widget_of(item) in focused.ancestors_with_self


class FormBody(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The sections of one form. Posts `Changed` whenever an answer differs."""

    @dataclass
    class Changed(Message):
        """An answer is another one now."""

        body: FormBody

    @dataclass
    class Entered(Message):
        """Enter in a field."""

        key: str

    def __init__(self, sections: Sequence[FormSection]) -> None:
        super().__init__(id="form")
        self._sections = tuple(sections)

    def compose(self) -> ComposeResult:
        yield from self._sections

    @property
    def vitals(self) -> VitalsRow | None:
        return next((section.vitals for section in self._sections if section.vitals), None)

    @property
    def answers(self) -> dict[str, str]:
        """Everything typed."""
        return {key: text for section in self._sections for key, text in section.answers.items()}

    def fill(self, answers: Mapping[str, str]) -> None:
        for section in self._sections:
            for key, widget in section.widgets.items():
                if key in answers:
                    widget.fill(answers[key])
            if section.vitals is not None:
                section.vitals.fill(answers)

    def missing(self, need: Need) -> list[FormField]:
        """Fields that `need` an answer and have none."""
        return [
            item
            for section in self._sections
            for item in section.fields
            if item.need is need and not section.is_answered(item)
        ]

    def go_to(self, key: str) -> None:
        next(section.widgets[key] for section in self._sections if key in section.widgets).widget.focus()

    def go_to_confirm(self) -> None:
        self._sections[0].confirm.focus()

    def on_filled(self, message: Filled) -> None:
        message.stop()
        self._changed()

    def on_vitals_row_changed(self, message: VitalsRow.Changed) -> None:
        message.stop()
        self._changed()

    def on_left(self, message: Left) -> None:
        message.stop()
        left = message.field.widget
        keys = [
            key
            for section in self._sections
            for key, widget in section.widgets.items()
            if widget.widget is left
        ]
        self.post_message(self.Entered(keys[0] if keys else ""))

    def on_descendant_focus(self) -> None:
        self._renew_labels()

    def _changed(self) -> None:
        self._renew_labels()
        self.post_message(self.Changed(self))

    def _renew_labels(self) -> None:
        for section in self._sections:
            section.renew_labels()


def _widget(item: FormField) -> FieldWidget:
    if item.kind is Kind.CHOICE:
        return ChoiceField(item.choices)
    if item.kind is Kind.NOTE:
        return NoteField(hint=item.hint)
    return LineField(hint=item.hint, secret=item.kind is Kind.SECRET)
