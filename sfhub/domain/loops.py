"""Questions with their answers, and notes with their corrections, as they are shown."""

from __future__ import annotations

from protocol.actors import Party
from protocol.catalogue import answer_text, question_text
from protocol.clinical import Note
from protocol.fold_loops import QuestionState
from protocol.fold_notes import NoteState
from protocol.plain_words import note_text
from protocol.questions import Question
from protocol.records import Relation

from ..views import QuestionView
from .case_file import CaseFile
from .reply_view import carried, sent_bytes


def note_texts(file: CaseFile) -> tuple[str, ...]:
    """Notes that stand, newest first, each with what it corrects and what of it is provisional."""
    return tuple(_note_text(file, state) for state in reversed(file.state.note_states))


def question_views(file: CaseFile) -> tuple[QuestionView, ...]:
    """All that was asked, oldest first."""
    return tuple(_question_view(file, state) for state in file.state.questions)


def _note_text(file: CaseFile, state: NoteState) -> str:
    """A site speaks provisionally of its own notes alone."""
    said = file.provisional_corrections if file.arrival(state.note).party is Party.SITE else ()
    corrections: list[Note] = [
        record.body for record in said if state.note.record_id in record.referred(Relation.SUPERSEDES)
    ]
    marks = (f'PROVISIONAL correction, signed by nobody yet: "{note.text}"' for note in corrections)
    return " ".join((note_text(state), *(f"[{mark}]" for mark in marks)))


def _question_view(file: CaseFile, state: QuestionState) -> QuestionView:
    record = state.question
    question: Question = record.body
    return QuestionView(
        question=record.record_id.hex(),
        code=question.code,
        text=question_text(question),
        author=file.author(record),
        asked_s=record.stamp.wall_s,
        status=state.status.value,
        answers=tuple(f"{answer_text(answer.body)} ({file.author(answer)})" for answer in state.answers),
        carried=carried(file, record, answers=state.answers),
        size_bytes=sent_bytes(file, record),
    )
