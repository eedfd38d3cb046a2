"""What a medic fills in: a line, a choice by digit or letter, a note. No caret blinks: that costs bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, runtime_checkable

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.hangul import latin_key
from tui.inert import inert
from tui.lines import Line, Span, Tone, flow

from .toned import TONE_CLASSES, strip_of

NOTE_ROWS: Final = 4
LINE_CHARACTERS_MAX: Final = 2_000
"""The longest single answer, a question; the daemon refuses what is too long for its own field."""
NOTE_CHARACTERS_MAX: Final = 12_000
"""A note record holds 16 KiB; beyond this the daemon would have to split it."""


@dataclass
class Filled(Message):
    """The answer in a field is another one now."""

    field: FieldWidget

    @property
    def control(self) -> Widget:
        return self.field.widget


@dataclass
class Left(Message):
    """Enter: on to the next field."""

    field: FieldWidget


@runtime_checkable
class FieldWidget(Protocol):
    """One place to answer in."""

    @property
    def widget(self) -> Widget: ...

    @property
    def answer(self) -> str:
        """As typed, without outer blanks; "" when there is none."""

    def fill(self, answer: str) -> None: ...


def _actions(bindings: Iterable[BindingType]) -> dict[str, str]:
    """By key."""
    return {
        key: binding.action
        for binding in bindings
        if isinstance(binding, Binding)
        for key in binding.key.split(",")
    }


async def _obey_in_turn(field: Widget, event: events.Key, actions: Mapping[str, str]) -> None:
    """A binding is looked up only after its key has gone all the way up, and what was typed behind it comes
    first: over a slow line a whole burst arrives at once, and what is deleted would be another digit."""
    if event.key in actions:
        event.stop()
        event.prevent_default()
        await field.run_action(actions[event.key])


class LineField(Input):
    """One line of text or a number."""

    _ACTIONS: ClassVar[Mapping[str, str]] = _actions(Input.BINDINGS)

    def __init__(
        self,
        *,
        hint: str = "",
        restrict: str | None = None,
        characters_max: int = LINE_CHARACTERS_MAX,
        secret: bool = False,
        id: str | None = None,
    ) -> None:
        super().__init__(
            placeholder=hint,
            restrict=restrict,
            max_length=characters_max,
            password=secret,
            compact=True,
            select_on_focus=False,
            id=id,
        )
        self.cursor_blink = False

    @property
    def widget(self) -> Widget:
        return self

    @property
    def answer(self) -> str:
        return self.value.strip()

    def fill(self, answer: str) -> None:
        self.value = answer
        self.cursor_position = len(answer)

    async def on_key(self, event: events.Key) -> None:
        await _obey_in_turn(self, event, self._ACTIONS)

    def restricted(self) -> None:
        """A character that cannot stand here: no bell, that sound is for alarms."""

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted was written elsewhere; only its first line, and nothing a terminal obeys."""
        event.prevent_default()
        event.stop()
        for first in inert(event.text).splitlines()[:1]:
            self.insert_text_at_cursor(first)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Filled(self))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(Left(self))


class NoteField(TextArea):
    """Several lines of free text; Tab leaves it, Enter makes a line."""

    _ACTIONS: ClassVar[Mapping[str, str]] = _actions(TextArea.BINDINGS)

    def __init__(self, *, hint: str = "", id: str | None = None) -> None:
        super().__init__(
            tab_behavior="focus",
            compact=True,
            highlight_cursor_line=False,
            placeholder=hint,
            id=id,
        )
        self.cursor_blink = False
        self.styles.height = NOTE_ROWS

    @property
    def widget(self) -> Widget:
        return self

    @property
    def answer(self) -> str:
        return self.text.strip()

    def fill(self, answer: str) -> None:
        self.load_text(answer)
        self.move_cursor(self.document.end)

    async def on_key(self, event: events.Key) -> None:
        await _obey_in_turn(self, event, self._ACTIONS)

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert(inert(event.text)[:NOTE_CHARACTERS_MAX])

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(Filled(self))


class ChoiceField(Widget, can_focus=True):
    """One of a few answers: its digit, its first letter, or the arrows pick it; Backspace takes it back."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TONE_CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "previous", show=False),
        Binding("right,space", "step(1)", "next", show=False),
        Binding("backspace,delete", "clear", "no answer", show=False),
        Binding("enter", "leave", "next field", show=False),
    ]

    def __init__(self, choices: Mapping[str, str], *, id: str | None = None) -> None:
        """`choices` maps the answer to the word shown for it."""
        super().__init__(id=id)
        self._choices = dict(choices)
        self._answer = ""

    @property
    def widget(self) -> Widget:
        return self

    @property
    def answer(self) -> str:
        return self._answer

    def fill(self, answer: str) -> None:
        if answer and answer not in self._choices:
            return
        changed, self._answer = answer != self._answer, answer
        if changed:
            self.refresh()
            self.post_message(Filled(self))

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every letter, as in any field: who types a name here by mistake must not command with it."""
        return character is not None and character.isprintable() and character != " "

    def on_key(self, event: events.Key) -> None:
        if not self.check_consume_key(event.key, event.character):
            return
        event.stop()
        event.prevent_default()
        if (picked := self._picked_by(event.character or "")) is not None:
            self.fill(picked)

    def action_step(self, by: int) -> None:
        answers = list(self._choices)
        at = answers.index(self._answer) + by if self._answer else (0 if by > 0 else -1)
        self.fill(answers[at % len(answers)])

    def action_clear(self) -> None:
        self.fill("")

    def action_leave(self) -> None:
        self.post_message(Left(self))

    def rows_in(self, width: int) -> int:
        """How many rows the choices take in `width` cells: none of them may be cut."""
        return len(self._lines(width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.rows_in(width)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def render_line(self, y: int) -> Strip:
        lines = self._lines(self.size.width)
        return strip_of(self, lines[y] if y < len(lines) else (), self.size.width)

    def _lines(self, width: int) -> tuple[Line, ...]:
        """The picked one in brackets, as wide as it was with its digit, so that nothing else moves."""
        spans = (
            Span(f"[{word}]", Tone.STRONG)
            if answer == self._answer
            else Span(f"{number} {word}", Tone.PLAIN if self.has_focus else Tone.FAINT)
            for number, (answer, word) in enumerate(self._choices.items(), 1)
        )
        return flow(spans, width, gap="  ")

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _picked_by(self, character: str) -> str | None:
        """The choice of this digit, or of this letter if only one begins with it."""
        answers = list(self._choices)
        if re.fullmatch("[1-9]", character):
            return answers[int(character) - 1] if int(character) <= len(answers) else None
        letter = latin_key(character).casefold()
        meant = [answer for answer, word in self._choices.items() if word.casefold().startswith(letter)]
        return meant[0] if len(meant) == 1 else None
