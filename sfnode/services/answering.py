"""Corrections of notes, and answers to questions: what takes its meaning from another record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.actors import Party
from protocol.clinical import Note
from protocol.fold_loops import QuestionState
from protocol.fold_notes import NoteState
from protocol.ids import CaseId, RecordId
from protocol.questions import AnswerState
from protocol.records import NewRecord, Record, Reference, Relation
from sfnode.domain.asked import answer_of
from sfnode.domain.case_file import CaseFile
from sfnode.domain.intake import checked
from sfnode.errors import Refused

from .capture import consult, saved
from .case_errors import NoteNotFound, QuestionNotFound
from .happenings import Saved
from .writing import Pen

_NAME_LETTERS_MIN: Final = 6
"""Of a record's id: fewer might be a slip of the finger, or the number of a question."""


def correct_note(pen: Pen, case_id: CaseId, *, note: str, language: str | None, text: str) -> Saved:
    """A note in place of another, which stays readable. Where two corrections stand side by side it takes the
    place of both, so that the contradiction ends here."""
    case = consult(pen, case_id)
    state = _note_named(case, note)
    said: Note = state.note.body
    body = checked(Note(language=language or said.language, text=text.strip()))
    if not state.rivals and body == said:
        raise Refused("The note says exactly that already. Nothing was saved.")
    refs = _refs(Relation.SUPERSEDES, (state.note, *state.rivals))
    return saved(pen.add(case, [NewRecord(body, refs)], what="note corrected"))


def answer_question(
    pen: Pen, case_id: CaseId, *, question: str, value: str | None, state: AnswerState, language: str
) -> Saved:
    """An answer; it takes the place of all that were given to the question before."""
    case = consult(pen, case_id)
    asked = _questions_named(case, question)
    body = answer_of(asked[0].question.body, value=value, state=state, language=language)
    refs = (
        *_refs(Relation.ANSWERS, [each.question for each in asked]),
        *_refs(Relation.SUPERSEDES, (answer for each in asked for answer in each.answers)),
    )
    return saved(pen.add(case, [NewRecord(checked(body), refs)], what="answer"))


def _note_named(case: CaseFile, name: str) -> NoteState:
    """The one note of this site that stands and has this name."""
    named = [state for state in case.state.note_states if _has_name(state.note, name)]
    if not named and any(
        _has_name(former, name) for state in case.state.note_states for former in state.former
    ):
        raise Refused(
            "That note was corrected already. Nothing was changed. Correct what stands in its place; "
            "`sfnode case show` names it."
        )
    if len(named) != 1:
        raise NoteNotFound(
            f"No note of this case is named {name!r}. Nothing was changed. `sfnode case show` names them."
        )
    if _party_of(case, named[0].note) is not Party.SITE:
        raise Refused(
            "That note was written at the hub, which alone can correct it. Nothing was changed. Write a note "
            "of your own that says what is wrong."
        )
    return named[0]


def _questions_named(case: CaseFile, name: str) -> tuple[QuestionState, ...]:
    """By its number in the catalogue, every question of that number; else the one whose id starts so."""
    questions = case.state.questions
    named = tuple(state for state in questions if str(state.question.body.code) == name.strip())
    if not named:
        named = tuple(state for state in questions if _has_name(state.question, name))[:1]
    if not named:
        raise QuestionNotFound(
            f"The hub has not asked {name!r} in this case. Nothing was saved. `sfnode case show` lists what "
            "it asks."
        )
    return named


def _has_name(record: Record, name: str) -> bool:
    wanted = name.strip().casefold()
    return len(wanted) >= _NAME_LETTERS_MIN and record.record_id.hex().startswith(wanted)


def _party_of(case: CaseFile, record: Record) -> Party:
    return next(each.party for each in case.entries if record in each.entry.records)


def _refs(relation: Relation, records: Iterable[Record]) -> tuple[Reference, ...]:
    """One for each record, however often it is named."""
    ids: Iterable[RecordId] = dict.fromkeys(record.record_id for record in records)
    return tuple(Reference(relation, record_id) for record_id in ids)
