"""Names of hubs as people read them: what only a machine could tell apart is one name here."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSEEN: Final = ("Cc", "Cf")
"""Joiners, marks of direction, and what steers a terminal: nobody sees them, and some turn a line around."""


def plain_name(text: str) -> str:
    """Without what nobody sees, and without what would make it an address on a command line."""
    words = " ".join(unicodedata.normalize("NFKC", text).replace("://", " ").split())
    seen = "".join(letter for letter in words if unicodedata.category(letter) not in _UNSEEN)
    return " ".join(seen.split())


def same_name(one: str, other: str) -> bool:
    """Whether people would take the one for the other; letters that only look alike are different ones."""
    return plain_name(one).casefold() == plain_name(other).casefold()
