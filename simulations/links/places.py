"""On which line of a TOML text each key and item stands: the parser of the standard library does not say it.

For texts that were parsed without complaint; in others the places are of no use.
"""

from __future__ import annotations

import re
from typing import Final

Place = tuple[str | int, ...]
"""Keys, and places in lists from 0 on, from the root of the document."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_INLINE_BLANK: Final = re.compile(r"[ \t]*")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]*")


def lines_by_place(text: str) -> dict[Place, int]:
    """The line, from 1 on, of every table, key and item; of nothing where the text cannot be followed."""
    try:
        return _Reader(text).places()
    except (IndexError, RecursionError, ValueError):
        return {}


class _Reader:
    """One pass over a text; `_at` is the character that is read next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = (0, 1)
        self._lines: dict[Place, int] = {}
        self._lengths: dict[Place, int] = {}
        """Of arrays of tables, each as long as headers have named it so far."""

    def places(self) -> dict[Place, int]:
        table: Place = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> Place:
        line = self._line()
        is_item = self._text.startswith("[[", self._at)
        self._at += 2 if is_item else 1
        *above, last = self._dotted_key()
        self._at += 2 if is_item else 1
        table: Place = ()
        for key in above:
            table = self._newest((*table, key))
        table = (*table, last)
        if is_item:
            self._lengths[table] = self._lengths.get(table, 0) + 1
        self._note(table, line)
        table = self._newest(table)
        self._note(table, line)
        return table

    def _newest(self, table: Place) -> Place:
        """Below an array of tables, a header means the newest of it."""
        return (*table, self._lengths[table] - 1) if table in self._lengths else table

    def _pair(self, table: Place) -> None:
        line = self._line()
        place = table
        for key in self._dotted_key():
            place = (*place, key)
            self._note(place, line)
        self._at += 1  # The equals sign.
        self._skip(_INLINE_BLANK)
        self._value(place)

    def _value(self, place: Place) -> None:
        opening = self._text[self._at]
        if opening in "\"'":
            self._take(_STRING)
        elif opening == "[":
            self._list(place)
        elif opening == "{":
            self._inline_table(place)
        else:
            self._take(_SCALAR)

    def _list(self, place: Place) -> None:
        self._at += 1
        number = 0
        while self._next() != "]":
            self._note((*place, number), self._line())
            self._value((*place, number))
            number += 1
            if self._next() == ",":
                self._at += 1
        self._at += 1

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        while self._next() != "}":
            self._pair(place)
            if self._next() == ",":
                self._at += 1
        self._at += 1

    def _dotted_key(self) -> list[str]:
        keys = []
        while True:
            self._skip(_INLINE_BLANK)
            keys.append(self._take(_STRING)[1:-1] if self._text[self._at] in "\"'" else self._take(_BARE_KEY))
            self._skip(_INLINE_BLANK)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _next(self) -> str:
        """The next character that says something."""
        self._skip(_BLANK)
        return self._text[self._at]

    def _note(self, place: Place, line: int) -> None:
        self._lines.setdefault(place, line)

    def _line(self) -> int:
        """Of the character that is read next, counted on from the one asked for before."""
        before, line = self._counted
        line += self._text.count("\n", before, self._at)
        self._counted = (self._at, line)
        return line

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self._text, self._at):
            self._at = found.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None or found.end() == self._at:
            raise ValueError(f"character {self._at} is not understood")
        self._at = found.end()
        return found.group()
