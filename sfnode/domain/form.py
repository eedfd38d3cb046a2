"""Fields of a form taken one by one, by name and type, from a map of plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar

from sfnode.errors import BadRequest, ValueRefused

Fields = Mapping[str, object]
Choice = TypeVar("Choice")

_TENTHS: Final = re.compile(r"[0-9]{1,5}(?:[.,][0-9])?")


class Form:
    """Each field is taken once; `refuse_rest` then refuses a misspelt one instead of ignoring it."""

    def __init__(self, fields: Fields) -> None:
        self._rest = {key: value for key, value in fields.items() if value is not None}

    def text(self, field: str) -> str:
        value = self.optional_text(field)
        if value is None:
            raise BadRequest(f"{field} is missing. Nothing was saved.")
        return value

    def optional_text(self, field: str) -> str | None:
        value = self._rest.pop(field, None)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise ValueRefused(f"{field} is text, not {value!r}. Nothing was saved.")
        return value.strip() or None

    def choice(self, field: str, choices: Mapping[str, Choice]) -> Choice:
        return choose(field, self.text(field), choices)

    def optional_whole(self, field: str) -> int | None:
        value = self._rest.pop(field, None)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ValueRefused(f"{field} is a whole number, not {value!r}. Nothing was saved.")

    def optional_flag(self, field: str) -> bool | None:
        value = self._rest.pop(field, None)
        if value is None or isinstance(value, bool):
            return value
        raise ValueRefused(f"{field} is yes or no, not {value!r}. Nothing was saved.")

    def optional_tenths(self, field: str) -> int | None:
        """ "38.6" → 386: at most one decimal, read as digits, so that no float rounds it."""
        value = self._rest.pop(field, None)
        if value is None:
            return None
        # A float's shortest form is what was typed in a JSON file.
        text = repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not _TENTHS.fullmatch(text.strip()):
            raise ValueRefused(
                f"{field} has at most one decimal, such as 38.6, not {value!r}. Nothing was saved."
            )
        whole, _, tenth = text.strip().replace(",", ".").partition(".")
        return int(whole) * 10 + int(tenth or "0")

    def texts(self, field: str) -> tuple[str, ...]:
        value = self._rest.pop(field, None) or ()
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each for each in value):
            raise ValueRefused(f"{field} is a list of texts, not {value!r}. Nothing was saved.")
        return tuple(value)

    def pairs(self, field: str) -> tuple[tuple[str, str], ...]:
        value = self._rest.pop(field, None) or {}
        if not isinstance(value, Mapping) or not all(
            isinstance(part, str) and part for pair in value.items() for part in pair
        ):
            raise ValueRefused(
                f"{field} gives a text for each field of the form, not {value!r}. Nothing was saved."
            )
        return tuple(value.items())

    def refuse_rest(self) -> None:
        if self._rest:
            raise BadRequest(f"There is no field {', '.join(sorted(self._rest))} here. Nothing was saved.")


def choose(field: str, word: str, choices: Mapping[str, Choice]) -> Choice:
    if word not in choices:
        raise ValueRefused(f"{field} is one of {', '.join(choices)}, not {word!r}. Nothing was saved.")
    return choices[word]
