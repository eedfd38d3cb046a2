"""How a note stands, in words behind its text: what it said before, and what contradicts it."""

from __future__ import annotations

from typing import Final

from ..clinical import Note
from ..fold_notes import NoteState

CORRECTED: Final = "corrected since"
RIVALS: Final = "CONTRADICTED: another correction of the same note stands beside it"
_MISSING: Final = "corrects a note that has not arrived"


def note_text(state: NoteState) -> str:
    """The note whole, and behind it, in brackets, all that must be known of how it came about."""
    note: Note = state.note.body
    marks = note_marks(state)
    return f"{note.text} [{'; '.join(marks)}]" if marks else note.text


def note_marks(state: NoteState) -> tuple[str, ...]:
    """Nothing for a note that corrects none."""
    former = tuple(f'CORRECTED, before it said: "{record.body.text}"' for record in reversed(state.former))
    missing = (_MISSING,) if state.former_missing else ()
    return (*((RIVALS,) if state.rivals else ()), *former, *missing)
