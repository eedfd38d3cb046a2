"""Typed values of a form or a JSON file, read field by field; every problem is kept with the field it is in.

Nothing is corrected in silence: what cannot be used as typed is a problem.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Any, Final, TypeVar

from protocol.errors import InvalidRecord
from protocol.schema import encode_fields

from ..errors import Problem
from .measures import Measure

Choice = TypeVar("Choice", bound=IntEnum)
Fitting = TypeVar("Fitting")

NUMBER_LETTERS_MAX: Final = 12
THRESHOLD_STEPS_MAX: Final = 1000


class Form:
    """Typed values of one level of the form, and the problems found in them and below."""

    def __init__(
        self,
        values: Mapping[str, Any],
        prefix: str = "",
        position: int = 0,
        problems: list[Problem] | None = None,
    ) -> None:
        self._values = values
        self._prefix = prefix
        self._asked: set[str] = set()
        self._shared = problems if problems is not None else []
        self._first = len(self._shared)
        self.position = position

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Those found since this level was begun."""
        return tuple(self._shared[self._first :])

    def complain(self, field: str, sentence: str) -> None:
        self._shared.append(Problem(f"{self._prefix}{field}", sentence))

    def rows(self, field: str, count_max: int) -> Sequence[Form]:
        """The rows of a list that hold anything; they are its first ones."""
        values = self._take(field) or []
        if not isinstance(values, list) or not all(isinstance(row, dict) for row in values):
            self.complain(field, f"{field.capitalize()} must be a list.")
            return ()
        filled = [place for place, row in enumerate(values, 1) if _holds_anything(row)]
        if len(filled) > count_max:
            self.complain(field, f"A reply holds up to {count_max} {field}, not {len(filled)}.")
            return ()
        if filled != list(range(1, len(filled) + 1)):
            # Leaving gaps out would give what follows them other numbers than its author sees.
            gap = next(place for place in range(1, len(values) + 1) if place not in filled)
            self.complain(f"{field}.{gap}", f"Row {gap} of the {field} is empty, and a later one is not.")
            return ()
        return [Form(values[place - 1], f"{field}.{place}.", place, self._shared) for place in filled]

    def text(self, field: str, label: str, *, required: bool = False) -> str | None:
        """The words as typed, without surrounding blanks; None when there are none."""
        value = self._take(field)
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            self.complain(field, f"{label} must be text.")
            return None
        words = "" if value is None else _plain(value)
        if required and not words:
            self.complain(field, f"{label} is missing.")
        return words or None

    def whole(self, field: str, label: str) -> int | None:
        """A whole number, None when nothing was typed."""
        words = self.text(field, label)
        if words is None:
            return None
        if not words.isdecimal() or len(words) > NUMBER_LETTERS_MAX:
            self.complain(field, f"{label} must be a whole number, not {words!r}.")
            return None
        return int(words)

    def flag(self, field: str, label: str) -> bool:
        value = self._take(field)
        if value in (None, "", False):
            return False
        if value in (True, "on", "yes"):
            return True
        self.complain(field, f"{label} is either true or false.")
        return False

    def choice(self, field: str, label: str, of: type[Choice]) -> Choice | None:
        """One of the names of `of`, in small letters; None when there is none."""
        words = self.text(field, label)
        if words is None:
            return None
        named = {choice.name.lower(): choice for choice in of}
        if words.lower() not in named:
            self.complain(field, f"{label} must be one of {', '.join(named)}, not {words!r}.")
        return named.get(words.lower())

    def measured(self, field: str, label: str, measure: Measure) -> int | None:
        """A value in the record's own steps; one that lies between two steps is refused, not rounded."""
        words = self.text(field, label)
        if words is None:
            return None
        try:
            steps = Decimal(words[:NUMBER_LETTERS_MAX].replace(",", ".")) * measure.steps_per_unit
        except InvalidOperation:
            self.complain(field, f"{label} must be a number, not {words!r}.")
            return None
        if (
            not steps.is_finite()
            or steps != steps.to_integral_value()
            or not 0 <= steps <= THRESHOLD_STEPS_MAX
        ):
            self.complain(field, f"{label} cannot be {words}: it is in {measure.finest}.")
            return None
        return int(steps)

    def refuse_unknown(self) -> None:
        """A misspelt field would otherwise be an order that nobody sees."""
        for field in sorted(set(self._values) - self._asked):
            self.complain(field, f"There is no field {self._prefix}{field}.")

    def fits(self, field: str, label: str, body: Fitting) -> Fitting | None:
        """`body` if a record can hold it exactly, as the wire format demands."""
        try:
            encode_fields(body)
        except InvalidRecord as error:
            self.complain(field, f"{label}: {error}.")
            return None
        return body

    def _take(self, field: str) -> Any:
        self._asked.add(field)
        return self._values.get(field)


def _holds_anything(row: Mapping[str, Any]) -> bool:
    return any(value not in (None, "", False) for value in row.values())


def _plain(value: str | float) -> str:
    """Composed letters, line feeds and blanks alone: what a keyboard or a form adds besides is not meant."""
    text = unicodedata.normalize("NFC", str(value)).replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\t", " ").replace("\u00a0", " ").strip()
