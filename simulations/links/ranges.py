"""The checks that every figure and every name of a description passes."""

from __future__ import annotations

import unicodedata
from typing import Final

NAME_CHARACTERS_MAX: Final = 120
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs"})
"""Categories of Unicode: control, format (which turns the direction of writing), half a character."""


def require_range(name: str, value: float, low: float, high: float) -> None:
    """Raises `ValueError` that names the figure; also for NaN, which compares false with everything."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}: it must lie between {low:g} and {high:g}")


def require_name(name: str, value: str) -> None:
    """A word or a few, that may be the name of a file. Raises `ValueError`."""
    require_text(name, value)
    if len(value) > NAME_CHARACTERS_MAX:
        raise ValueError(f"{name} is {len(value)} characters long: at most {NAME_CHARACTERS_MAX}")
    if "/" in value or "\n" in value:
        raise ValueError(f"{name} is {value!r}: a name is on one line and has no slash")


def require_text(name: str, value: str) -> None:
    """Words that people are shown, so nothing that steers a terminal. Raises `ValueError`."""
    if not value.strip():
        raise ValueError(f"{name} is empty")
    if any(unicodedata.category(mark) in _UNSEEN and mark not in "\n\t" for mark in value):
        raise ValueError(f"{name} is {value[:NAME_CHARACTERS_MAX]!r}: it has characters that cannot be shown")
