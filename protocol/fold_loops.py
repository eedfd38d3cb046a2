"""Loops that somebody must close: questions and their answers, requests for pictures, referrals, journeys.

Law: two answers that do not know of each other both stay, and the loop says so; none is picked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .ids import RecordId
from .kinds import Kind
from .movement import ReferralAnswered, ReferralDecision, Transfer, TransferStage
from .records import Record, Relation


class LoopStatus(StrEnum):
    """Where a loop stands; the words are those of the screens."""

    OPEN = "open"
    ANSWERED = "answered"
    CONTRADICTED = "contradicting answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionState:
    """A question and every answer to it that nothing supersedes."""

    question: Record
    answers: tuple[Record, ...]
    status: LoopStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRequestState:
    """What was asked to be shown, and the pictures that answer it."""

    request: Record
    pictures: tuple[Record, ...]
    status: LoopStatus


class ReferralStatus(StrEnum):
    SENT = "sent"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CONTRADICTED = "accepted and declined"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralState:
    """A referral and all that came back."""

    referral: Record
    answers: tuple[Record, ...]
    returns: tuple[Record, ...]
    status: ReferralStatus


class TransferStatus(StrEnum):
    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CALLED_OFF = "called off"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    CONTRADICTED = "contradicting answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferState:
    """One journey: its steps, the first of which asked for it if that one is here."""

    journey: RecordId
    """The record that asked, or the lonely step itself."""
    steps: tuple[Record, ...]
    status: TransferStatus


def question_states(standing: Iterable[Record], replaced: frozenset[RecordId]) -> tuple[QuestionState, ...]:
    records = tuple(standing)
    return tuple(
        QuestionState(question=record, answers=answers, status=_answered(answers))
        for record in records
        if record.kind == Kind.QUESTION and record.record_id not in replaced
        for answers in (_pointing(records, Relation.ANSWERS, record, replaced, Kind.ANSWER),)
    )


def media_request_states(
    standing: Iterable[Record], replaced: frozenset[RecordId]
) -> tuple[MediaRequestState, ...]:
    records = tuple(standing)
    return tuple(
        MediaRequestState(
            request=record,
            pictures=pictures,
            status=LoopStatus.ANSWERED if pictures else LoopStatus.OPEN,
        )
        for record in records
        if record.kind == Kind.MEDIA_REQUEST and record.record_id not in replaced
        for pictures in (
            _pointing(records, Relation.ANSWERS, record, replaced, Kind.MEDIA, Kind.IMAGING_STUDY),
        )
    )


def referral_states(standing: Iterable[Record], replaced: frozenset[RecordId]) -> tuple[ReferralState, ...]:
    records = tuple(standing)
    found = []
    for record in records:
        if record.kind == Kind.REFERRAL and record.record_id not in replaced:
            answers = _pointing(records, Relation.ANSWERS, record, replaced, Kind.REFERRAL_ANSWERED)
            returns = _pointing(records, Relation.ANSWERS, record, replaced, Kind.RETURNED)
            status = ReferralStatus.RETURNED if returns else _referral_status(answers)
            found.append(ReferralState(referral=record, answers=answers, returns=returns, status=status))
    return tuple(found)


def transfer_states(standing: Iterable[Record], replaced: frozenset[RecordId]) -> tuple[TransferState, ...]:
    journeys: dict[RecordId, list[Record]] = {}
    for record in standing:
        if record.kind == Kind.TRANSFER and record.record_id not in replaced:
            asking = record.referred(Relation.ABOUT)
            journeys.setdefault(asking[0] if asking else record.record_id, []).append(record)
    return tuple(
        TransferState(journey=journey, steps=tuple(steps), status=_transfer_status(steps))
        for journey, steps in sorted(journeys.items(), key=lambda item: item[1][0].order_key)
    )


def _pointing(
    records: Iterable[Record],
    relation: Relation,
    at: Record,
    replaced: frozenset[RecordId],
    *kinds: Kind,
) -> tuple[Record, ...]:
    return tuple(
        record
        for record in records
        if record.kind in kinds
        and record.record_id not in replaced
        and at.record_id in record.referred(relation)
    )


def _answered(answers: tuple[Record, ...]) -> LoopStatus:
    """Two people who answered the same do not contradict each other."""
    if not answers:
        return LoopStatus.OPEN
    agree = all(answer.body == answers[0].body for answer in answers)
    return LoopStatus.ANSWERED if agree else LoopStatus.CONTRADICTED


_REFERRAL_STATUS: Final[Mapping[frozenset[ReferralDecision], ReferralStatus]] = {
    frozenset(): ReferralStatus.SENT,
    frozenset({ReferralDecision.ACCEPTED}): ReferralStatus.ACCEPTED,
    frozenset({ReferralDecision.DECLINED}): ReferralStatus.DECLINED,
}


def _referral_status(answers: tuple[Record, ...]) -> ReferralStatus:
    decisions = {answer.body.decision for answer in answers if isinstance(answer.body, ReferralAnswered)}
    decided = frozenset(decisions - {ReferralDecision.RECEIVED})
    if decisions and not decided:
        return ReferralStatus.RECEIVED
    return _REFERRAL_STATUS.get(decided, ReferralStatus.CONTRADICTED)


_FURTHEST: Final = (
    (TransferStage.ARRIVED, TransferStatus.ARRIVED),
    (TransferStage.DEPARTED, TransferStatus.DEPARTED),
    (TransferStage.CALLED_OFF, TransferStatus.CALLED_OFF),
)
"""What has happened outweighs what was said: a patient who has left has left."""


def _transfer_status(steps: list[Record]) -> TransferStatus:
    stages = {step.body.stage for step in steps if isinstance(step.body, Transfer)}
    for stage, status in _FURTHEST:
        if stage in stages:
            return status
    match TransferStage.ACCEPTED in stages, TransferStage.DECLINED in stages:
        case True, True:
            return TransferStatus.CONTRADICTED
        case True, False:
            return TransferStatus.ACCEPTED
        case False, True:
            return TransferStatus.DECLINED
    return TransferStatus.ASKED
