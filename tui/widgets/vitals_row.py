"""One set of vital signs in a row, the points of each sign below it, and the score in words as one types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from protocol.clinical import Patient
from tui.lines import EMPTY, Line, Span, Tone, columns, wrap_after
from tui.score import Score, scored
from tui.vital_signs import OTHERS, SCORED, SIGNS, Mistyped, Sign, read_sign, shown

from .block import Block
from .fields import Filled, LineField

ROWS: Final = 7
"""Labels, fields, points, two lines of score, and two rows for the signs that do not score."""
SCORE_LINES: Final = 2
_DRAFT_PREFIX: Final = "sign "
"""A template may have a field of its own called pain."""


class VitalsRow(Vertical):
    """Answers are kept as typed, by sign; `values` reads them all or says what cannot be."""

    @dataclass
    class Changed(Message):
        """A sign has another value now."""

        row: VitalsRow

    def __init__(self, patient: Patient, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._patient = patient
        self._fields = {sign.key: _field(sign) for sign in SIGNS}
        self._score = scored({}, patient)

    def compose(self) -> ComposeResult:
        yield Block(lambda _: (_labels(SCORED),))
        with Horizontal(classes="inputs"):
            for sign in SCORED:
                yield self._fields[sign.key]
        yield Block(lambda _: (self._points(),), id="points")
        yield Block(self._words, id="score")
        yield Block(lambda _: (_labels(OTHERS),))
        with Horizontal(classes="inputs"):
            for sign in OTHERS:
                yield self._fields[sign.key]

    @property
    def answers(self) -> Mapping[str, str]:
        return {f"{_DRAFT_PREFIX}{key}": field.answer for key, field in self._fields.items() if field.answer}

    def fill(self, answers: Mapping[str, str]) -> None:
        """Signs that `answers` does not name stay."""
        for key, field in self._fields.items():
            if f"{_DRAFT_PREFIX}{key}" in answers:
                field.fill(answers[f"{_DRAFT_PREFIX}{key}"])

    def suit(self, patient: Patient) -> None:
        """The age or pregnancy is known otherwise now: the score may not apply."""
        self._patient = patient
        self._rescore()

    def values(self) -> Mapping[str, object]:
        """What was measured, as the daemon takes it; `Mistyped` for the first sign that cannot be."""
        values: dict[str, object] = {}
        for sign in SIGNS:
            values.update(read_sign(sign, self._fields[sign.key].answer))
        return values

    def on_filled(self, message: Filled) -> None:
        message.stop()
        self._rescore()
        self.post_message(self.Changed(self))

    def on_descendant_blur(self) -> None:
        """What was typed is shown as it is understood: 386 as 38.6."""
        for sign in SIGNS:
            field = self._fields[sign.key]
            if not field.has_focus and field.answer and (text := shown(sign, field.answer)) != field.answer:
                field.fill(text)

    def _rescore(self) -> None:
        readable: dict[str, object] = {}
        wrong: list[str] = []
        for sign in SIGNS:
            try:
                readable.update(read_sign(sign, self._fields[sign.key].answer))
            except Mistyped as error:
                wrong.append(str(error))
        self._score = scored(readable, self._patient, wrong=wrong[0] if wrong else None)
        if self.is_mounted:
            for name in ("#points", "#score"):
                self.query_one(name, Block).renew()

    def _points(self) -> Line:
        cells = [
            Span(self._score.points.get(sign.key, ""), _points_tone(self._score, sign)) for sign in SCORED
        ]
        return columns(cells, [sign.width for sign in SCORED], gap=" ")

    def _words(self, width: int) -> tuple[Line, ...]:
        lines = wrap_after((), self._score.words, width, tone=self._score.tone)[:SCORE_LINES]
        return (*lines, *([EMPTY] * (SCORE_LINES - len(lines))))


def _field(sign: Sign) -> LineField:
    field = LineField(hint="_" * (sign.width - 1), characters_max=sign.width - 1, id=f"sign-{sign.key}")
    field.styles.width = sign.width
    return field


def _labels(signs: Iterable[Sign]) -> Line:
    signs = tuple(signs)
    return columns([Span(sign.label, Tone.LABEL) for sign in signs], [sign.width for sign in signs], gap=" ")


def _points_tone(score: Score, sign: Sign) -> Tone:
    return Tone.ALARM if score.points.get(sign.key) == "3" else Tone.FAINT
