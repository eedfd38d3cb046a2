"""Texts cut to a size in bytes: at words where there are words, and never in silence."""

from __future__ import annotations

from typing import Final

DOTS: Final = "..."


def shorten(text: str, bytes_max: int) -> str:
    """`text`, or as many whole words of it as fit with the dots that say that there is more."""
    text = " ".join(text.split())
    if len(text.encode()) <= bytes_max:
        return text
    room_bytes = bytes_max - len(DOTS) - 1
    # A cut inside a character of several bytes drops that character.
    cut = text.encode()[:room_bytes].decode(errors="ignore")
    words, space, _ = cut.rpartition(" ")
    if text[len(cut) : len(cut) + 1] == " ":
        words = cut
    # Scripts without spaces, or one long word, are cut between characters.
    return f"{words if space else cut} {DOTS}".strip()
