"""Reads typed values out of one TOML table and says, for each refusal, the file, line, key and reason."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Final, NoReturn, TypeVar

from .errors import ProfileError
from .places import Place, lines_by_place

Built = TypeVar("Built")

_QUOTED_VALUE: Final = re.compile(r"^([a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*) is ")
"""The figure that a refusal begins with; an item of a list is counted from 1, as people do."""
_ALIKE: Final = 0.85
"""How alike a key must be to a missing one to be offered for it: more than `up_s_min` is to `up_s_max`."""
WHOLE_MAX: Final = 1 << 62
"""Beyond every limit of a figure, and still a number that can be shown."""


class Table:
    """One table of a document; every key must be read, or `refuse_unread` names the first stranger."""

    def __init__(self, content: Mapping[str, object], *, text: str, shown_as: str, place: Place = ()) -> None:
        self._content = content
        self._place = place
        self._text = text
        self._shown_as = shown_as
        self._read: set[str] = set()

    @classmethod
    def of_text(cls, text: str, *, shown_as: str) -> Table:
        """The root table of a TOML text; raises `ProfileError`."""
        try:
            return cls(tomllib.loads(text), text=text, shown_as=shown_as)
        except ValueError as error:  # Of the syntax, or a whole number of thousands of digits.
            raise ProfileError(f"{shown_as} is not valid TOML: {error}.") from error
        except RecursionError as error:
            raise ProfileError(
                f"{shown_as} is not valid TOML: too many brackets inside each other."
            ) from error

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            self._refuse(key, f"expected text, found {_shown(value)}")
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self._refuse(key, f"expected a whole number, found {_shown(value)}")
        self._require_showable(key, value)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self._take(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._refuse(key, f"expected a number, found {_shown(value)}")
        self._require_showable(key, value)
        return float(value)

    def optional_number(self, key: str) -> float | None:
        return self.number(key) if key in self._content else None

    def table(self, key: str) -> Table:
        return self._as_table(key, self._take(key))

    def optional_table(self, key: str) -> Table | None:
        return self.table(key) if key in self._content else None

    def tables(self, key: str, read: Callable[[Table], Built]) -> Iterator[Built]:
        """Read each table of an array of tables; none if the key is absent."""
        if key not in self._content:
            return
        value = self._take(key)
        if not isinstance(value, list | tuple):
            self._refuse(key, f"expected [[{key}]] tables, found {_shown(value)}")
        for number, item in enumerate(value):
            yield read(self._as_table(key, item, number))

    def moment(self, key: str) -> datetime:
        """A date with a time, as TOML writes it or as ISO 8601 text."""
        value = self._take(key)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                self._refuse(key, f"expected a date and time, found {_shown(value)}")
        if not isinstance(value, datetime):
            self._refuse(key, f"expected a date and time, found {_shown(value)}")
        return value

    def pairs(self, key: str) -> tuple[tuple[object, object], ...]:
        """A list of lists of two."""
        value = self._take(key)
        if not isinstance(value, list | tuple):
            self._refuse(key, f"expected a list, found {_shown(value)}")
        for number, item in enumerate(value, start=1):
            if not isinstance(item, list | tuple) or len(item) != 2:
                self._refuse(f"{key}[{number}]", "expected a list of two")
            for each in item:
                self._require_showable(f"{key}[{number}]", each)
        return tuple((first, second) for first, second in value)

    def holds_text(self, key: str) -> bool:
        """Whether a key is there with a text: some keys take a table, or the name of a file."""
        return isinstance(self._content.get(key), str)

    def refuse(self, key: str | None, reason: str) -> NoReturn:
        """For a value that is of the right kind and still of no use."""
        self._refuse(key, reason)

    def build(self, construct: Callable[[], Built]) -> Built:
        """Construct a value, turning its `ValueError` into a refusal that points into the file."""
        try:
            return construct()
        except ValueError as error:
            named = _QUOTED_VALUE.match(str(error))
            self._refuse(named.group(1) if named else None, str(error))

    def refuse_unread(self) -> None:
        for key in self._content:
            if key not in self._read:
                self._refuse(key, f"unknown key; known here are {', '.join(sorted(self._read))}")

    def _take(self, key: str, default: object = None) -> object:
        self._read.add(key)
        if key in self._content:
            return self._content[key]
        if default is None:
            unread = [each for each in self._content if each not in self._read]
            alike = get_close_matches(key, unread, 1, _ALIKE)
            hint = f": perhaps {alike[0]} is meant for it" if alike else ""
            self._refuse(None, f"{self._dotted(key)} is missing{hint}")
        return default

    def _require_showable(self, key: str, value: object) -> None:
        if isinstance(value, int) and abs(value) > WHOLE_MAX:
            self._refuse(key, f"a whole number of {value.bit_length()} bits is beyond every limit")

    def _as_table(self, key: str, value: object, number: int | None = None) -> Table:
        if not isinstance(value, dict):
            self._refuse(key, f"expected a [{self._dotted(key)}] table, found {_shown(value)}")
        place = (*self._place, key) if number is None else (*self._place, key, number)
        return Table(value, text=self._text, shown_as=self._shown_as, place=place)

    def _dotted(self, key: str) -> str:
        return ".".join([*(each for each in self._place if isinstance(each, str)), key])

    def _refuse(self, key: str | None, reason: str) -> NoReturn:
        line = self._line_of(key)
        place = f"{self._shown_as}, line {line}" if line else self._shown_as
        subject = f"{self._dotted(key)}: " if key else ""
        raise ProfileError(f"{place}: {subject}{reason}.")

    def _line_of(self, key: str | None) -> int | None:
        """Where a key stands, or failing that the nearest table around it; None for what was never text."""
        if not self._text.strip():
            return None
        lines = lines_by_place(self._text)
        place = (*self._place, *_steps(key))
        while place and place not in lines:
            place = place[:-1]
        return lines.get(place, 1)


def _shown(value: object) -> str:
    kinds = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}
    kinds |= {list: "a list", dict: "a table"}
    kind = kinds.get(type(value), "a date")
    return f"{kind} ({str(value)[:40]})" if not isinstance(value, list | dict) else kind


def _steps(key: str | None) -> Place:
    """A key as it is named in a refusal, like `outages[2].start_s`, as a place."""
    words = re.findall(r"[^.\[\]]+", key or "")
    return tuple(int(word) - 1 if word.isdigit() else word for word in words)
