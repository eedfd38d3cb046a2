"""Reads typed values out of one TOML table and says, for each refusal, the file, line, key and reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NoReturn, TypeVar

from .errors import ProfileError

Built = TypeVar("Built")

_HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.-]+)\s*=")
_QUOTED_VALUE = re.compile(r"^([\w.]+) is ")


class Table:
    """One table of a document; every key must be read, or `refuse_unread` names the first stranger."""

    def __init__(self, content: Mapping[str, object], *, path: str, text: str, shown_as: str) -> None:
        self._content = content
        self._path = path
        self._text = text
        self._shown_as = shown_as
        self._read: set[str] = set()

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            self._refuse(key, f"expected text, found {_shown(value)}")
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self._refuse(key, f"expected a whole number, found {_shown(value)}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self._take(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._refuse(key, f"expected a number, found {_shown(value)}")
        return float(value)

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
        for item in value:
            yield read(self._as_table(key, item))

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
                self._refuse(key, f"item {number} is no list of two")
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
            self._refuse(None, f"{self._dotted(key)} is missing")
        return default

    def _as_table(self, key: str, value: object) -> Table:
        if not isinstance(value, dict):
            self._refuse(key, f"expected a [{self._dotted(key)}] table, found {_shown(value)}")
        return Table(value, path=self._dotted(key), text=self._text, shown_as=self._shown_as)

    def _dotted(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _refuse(self, key: str | None, reason: str) -> NoReturn:
        line = _line_of(self._text, self._path, key)
        place = f"{self._shown_as}, line {line}" if line else self._shown_as
        subject = f"{self._dotted(key)}: " if key else ""
        raise ProfileError(f"{place}: {subject}{reason}.")


def _shown(value: object) -> str:
    kinds = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}
    kinds |= {list: "a list", dict: "a table"}
    kind = kinds.get(type(value), "a date")
    return f"{kind} ({str(value)[:40]})" if not isinstance(value, list | dict) else kind


def _line_of(text: str, path: str, key: str | None) -> int | None:
    """Where a key, or failing that its table, stands: tomllib tells values but not their lines."""
    header = ""
    table_line: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _HEADER.match(line):
            header = found.group(1)
            table_line = number if header == path and table_line is None else table_line
            if key and header == (f"{path}.{key}" if path else key):
                return number
        elif (found := _KEY.match(line)) and _joined(header, found.group(1)) == _joined(path, key):
            return number
        elif found and _joined(header, found.group(1)) == path:
            table_line = number  # The table is written inline, on the line of its own key.
    return table_line


def _joined(path: str, key: str | None) -> str:
    return ".".join(part for part in (path, key) if part)
