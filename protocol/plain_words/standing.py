"""How a record stands in its case, in words beside its line: open, answered, contradicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..fold import CaseState
from ..ids import RecordId
from ..records import Record
from .notes import CORRECTED, RIVALS

CONTRADICTED = "CONTRADICTED: another one stands beside it"


def standing_words(state: CaseState) -> Mapping[RecordId, str]:
    """Of every record that somebody must still act on, that another contradicts, or that was corrected."""
    return dict((*_loops(state), *_contradictions(state), *_notes(state)))


def _loops(state: CaseState) -> Iterator[tuple[RecordId, str]]:
    for question in state.questions:
        yield question.question.record_id, question.status.value
    for request in state.media_requests:
        yield request.request.record_id, request.status.value
    for referral in state.referrals:
        yield referral.referral.record_id, referral.status.value
    for transfer in state.transfers:
        yield transfer.steps[0].record_id, transfer.status.value
    for move in state.moves:
        yield move.moved.record_id, move.status.value


def _contradictions(state: CaseState) -> Iterator[tuple[RecordId, str]]:
    groups: tuple[tuple[Record, ...], ...] = (state.identities, state.care_plans)
    for group in groups:
        if len(group) > 1:
            yield from ((record.record_id, CONTRADICTED) for record in group)


def _notes(state: CaseState) -> Iterator[tuple[RecordId, str]]:
    for note in state.note_states:
        yield from ((record.record_id, CORRECTED) for record in note.former)
        if note.rivals:
            yield note.note.record_id, RIVALS
        elif note.former or note.former_missing:
            yield note.note.record_id, "a correction"
