"""Notes and replies for the bench, as medics in the field and specialists type them; unseen by any training.

Invented for measuring; not medical advice. The training of the dictionaries must not be given these texts.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final, NamedTuple

FOLDER: Final = "notes"
REPLIES_FOLDER: Final = "replies"


class BenchNote(NamedTuple):
    """One note with its language (ISO 639-1)."""

    language: str
    text: str


def notes() -> tuple[BenchNote, ...]:
    """All notes of the folder, whose files are named by language and setting, in that order."""
    return _texts_in(FOLDER)


def replies() -> tuple[BenchNote, ...]:
    """The free texts of specialists' replies, about 950 characters each."""
    return _texts_in(REPLIES_FOLDER)


def _texts_in(folder: str) -> tuple[BenchNote, ...]:
    found = sorted(
        (each for each in files(__package__).joinpath(folder).iterdir() if each.name.endswith(".txt")),
        key=lambda each: each.name,
    )
    return tuple(BenchNote(each.name.split("-", 1)[0], each.read_text("utf-8").strip()) for each in found)
