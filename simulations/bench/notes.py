"""Notes for the bench, as a medic at sea, in the hills or in the field types them; unseen by any training.

Invented for measuring; not medical advice. The training of the dictionaries must not be given these texts.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final, NamedTuple

FOLDER: Final = "notes"


class BenchNote(NamedTuple):
    """One note with its language (ISO 639-1)."""

    language: str
    text: str


def notes() -> tuple[BenchNote, ...]:
    """All notes of the folder, whose files are named by language and setting, in that order."""
    found = sorted(
        (each for each in files(__package__).joinpath(FOLDER).iterdir() if each.name.endswith(".txt")),
        key=lambda each: each.name,
    )
    return tuple(BenchNote(each.name.split("-", 1)[0], each.read_text("utf-8").strip()) for each in found)
