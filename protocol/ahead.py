"""What may go ahead of a signed entry, unsigned, on a link that carries single messages."""

from __future__ import annotations

from typing import Final

from .clinical import Note
from .entry import SignedEntry, read_entry
from .errors import InvalidRecord
from .header import Priority
from .micro import MicroBundle, write_micro
from .micro_correction import correction_of
from .questions import Answer, Question
from .records import Kind, NewRecord, Record

HASTY: Final = frozenset({Priority.EMERGENCY, Priority.URGENT})
"""Where a message before the signed word is worth its price."""


def micro_ahead_of(signed: SignedEntry, base: SignedEntry | None = None) -> MicroBundle | None:
    """A coded question, a coded answer, or the correction of a note of `base`, which the reader holds; None
    for an entry that says anything else, who its author is apart."""
    entry = read_entry(signed)
    match [record for record in entry.records if record.kind != Kind.ACTOR]:
        case [Record(body=Note())]:
            return None if base is None else correction_of(signed, base)
        case [Record(body=Question() | Answer() as body) as record]:
            try:
                return write_micro(
                    NewRecord(body, record.refs),
                    case_id=entry.case_id,
                    patient_id=entry.patient_id,
                    author=entry.author,
                    stamp=record.stamp,
                    covers=entry.entry_id,
                )
            except InvalidRecord:
                return None  # In words, or too long: it is told under its signature.
    return None
