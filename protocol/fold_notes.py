"""Notes and their corrections: what stands, and what was written before it.

Law: a note that was corrected stays readable beside what corrects it; two corrections that do not know of
each other both stand, and each says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .ids import RecordId
from .kinds import Kind
from .records import Record, Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteState:
    """A note that nothing corrects."""

    note: Record
    former: tuple[Record, ...]
    """What it corrects, and what that corrected, oldest first."""
    former_missing: bool
    """It corrects a note that has not arrived."""
    rivals: tuple[Record, ...]
    """Other notes that stand and correct one of the same."""


def note_states(standing: Iterable[Record], known: Iterable[Record]) -> tuple[NoteState, ...]:
    """Of the notes that count, in their order. `known` are all records that are here: what corrects a struck
    correction still stands for the note that came first."""
    notes = {record.record_id: record for record in standing if record.kind == Kind.NOTE}
    every = {record.record_id: record for record in known if record.kind == Kind.NOTE}
    reached = {note_id: _reached(note, every) for note_id, note in notes.items()}
    corrected = frozenset[RecordId]().union(*reached.values())
    current = [note_id for note_id in notes if note_id not in corrected]
    by_former: dict[RecordId, set[RecordId]] = {}
    for note_id in current:
        for target in reached[note_id]:
            by_former.setdefault(target, set()).add(note_id)
    return tuple(
        NoteState(
            note=notes[note_id],
            former=_ordered(notes[target] for target in reached[note_id] if target in notes),
            former_missing=any(target not in every for target in reached[note_id]),
            rivals=_ordered(
                notes[rival]
                for rival in set[RecordId]().union(*(by_former[target] for target in reached[note_id]))
                if rival != note_id
            ),
        )
        for note_id in current
    )


def _reached(note: Record, notes: Mapping[RecordId, Record]) -> frozenset[RecordId]:
    """All that it corrects, directly or through what it corrects. Each record is looked at once."""
    found: set[RecordId] = set()
    waiting = list(note.referred(Relation.SUPERSEDES))
    while waiting:
        target = waiting.pop()
        if target not in found:
            found.add(target)
            waiting += notes[target].referred(Relation.SUPERSEDES) if target in notes else ()
    return frozenset(found)


def _ordered(records: Iterable[Record]) -> tuple[Record, ...]:
    return tuple(sorted(records, key=lambda record: record.order_key))
