"""Two-line element sets (TLE): whether two lines are one, and for which moment it was measured."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

LINE_CHARACTERS: Final = 69
_COLUMNS: Final = {
    "1": re.compile(
        r"1 [ \dA-Z][ \d]{4}[A-Z ] .{8} \d\d[ \d]{3}\.\d{8} [ +-]\.\d{8} [ +-]\d{5}[+-]\d [ +-]\d{5}[+-]\d "
        r"[ \d] [ \d]{4}\d"
    ),
    "2": re.compile(
        r"2 [ \dA-Z][ \d]{4} (?:[ \d]{3}\.\d{4} ){2}\d{7} (?:[ \d]{3}\.\d{4} ){2}[ \d]{2}\.\d{8}[ \d]{5}\d"
    ),
}
_SATELLITE: Final = slice(2, 7)
_CENTURY_TURNS_AT: Final = 57
"""Of the two digits of a year: there were no satellites before 1957."""


def require_element_set(name: str, lines: tuple[str, str]) -> None:
    """Raises `ValueError` unless both lines are whole, in columns, with their checksums, of one satellite."""
    for number, line in zip("12", lines, strict=True):
        if len(line) != LINE_CHARACTERS or not line.isascii() or line[0] != number:
            raise ValueError(
                f"{name} is no element set: its line {number} begins with {number} "
                f"and has {LINE_CHARACTERS} characters"
            )
        # The sum of all digits, a minus counting one, modulo ten.
        digits = sum(int(mark) if mark.isdigit() else mark == "-" for mark in line[:-1])
        if line[-1] != str(digits % 10):
            raise ValueError(f"{name} is damaged: the checksum of {line[:20]!r}… does not fit")
        if not _COLUMNS[number].fullmatch(line):
            raise ValueError(f"{name} is no element set: {line[:20]!r}… has not the columns of the format")
    first, second = (line[_SATELLITE] for line in lines)
    if first != second:
        raise ValueError(f"{name} is of two satellites: {first} and {second}")


def epoch_of(lines: tuple[str, str]) -> datetime:
    """The moment of the measurement: two digits of a year, and the day of it from 1.0 on."""
    year, day = int(lines[0][18:20]), float(lines[0][20:32])
    century = 1900 if year >= _CENTURY_TURNS_AT else 2000
    return datetime(century + year, 1, 1, tzinfo=UTC) + timedelta(days=day - 1.0)
