"""Pieces that lines of plain words are made of: moments, choices, lists, numbers in tenths."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

_LATEST_S: Final = 253_402_300_799
"""The last second of the year 9999; a claim beyond it is no date."""


def joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def named(title: str, value: object) -> str | None:
    return None if value is None or value == "" else f"{title}: {value}"


def listed(title: str, values: Iterable[str]) -> str | None:
    return named(title, "; ".join(values))


def choice_word(choice: IntEnum | None) -> str | None:
    return None if choice is None else choice.name.lower().replace("_", " ")


def moment(wall_s: int | None) -> str | None:
    if wall_s is None:
        return None
    if wall_s > _LATEST_S:
        return "at a time past year 9999"
    return datetime.fromtimestamp(wall_s, UTC).strftime("%d %b %Y %H:%MZ")


def yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def degrees(tenthousandths: int | None, positive: str, negative: str) -> str | None:
    if tenthousandths is None:
        return None
    whole, rest = divmod(abs(tenthousandths), 10_000)
    return f"{whole}.{rest:04}° {positive if tenthousandths >= 0 else negative}"


def tenths(value: int | None, unit: str) -> str | None:
    return None if value is None else f"{value // 10}.{value % 10} {unit}"
