"""The fold: what a case is, computed from any set of its records, in any order, with duplicates.

Law: the result depends on the set alone. Contradictions of people (two patients' states, two replies, two
answers) stay side by side; the fold never picks one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .actors import Actor
from .fold_loops import (
    MediaRequestState,
    QuestionState,
    ReferralState,
    TransferState,
    media_request_states,
    question_states,
    referral_states,
    transfer_states,
)
from .fold_notes import NoteState, note_states
from .fold_orders import MoveState, move_states, order_states
from .fold_orders import OrderState as OrderState
from .fold_orders import OrderStatus as OrderStatus
from .ids import ActorId, RecordId
from .records import Kind, Record, Relation, UnknownBody


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """One case as its records tell it. Every tuple is in the records' total order."""

    records: tuple[Record, ...]
    actors: Mapping[ActorId, Actor]
    opened: tuple[Record, ...]
    patients: tuple[Record, ...]
    """Statements about the patient that nothing supersedes. More than one is a contradiction."""
    identities: tuple[Record, ...]
    """As `patients`: more than one is a contradiction."""
    person_links: tuple[Record, ...]
    """Who is said to be the same person; same and not same stand side by side."""
    consents: tuple[Record, ...]
    """Decisions that nothing supersedes, refusals among them."""
    care_team: tuple[Record, ...]
    """Statements that add places; who of them counts is for `protocol.authority.care_team`."""
    headlines: tuple[Record, ...]
    note_states: tuple[NoteState, ...]
    """Notes that nothing corrects, each with what it corrects and what contradicts it."""
    vitals: tuple[Record, ...]
    findings: tuple[Record, ...]
    treatments: tuple[Record, ...]
    media: tuple[Record, ...]
    imaging: tuple[Record, ...]
    positions: tuple[Record, ...]
    questions: tuple[QuestionState, ...]
    media_requests: tuple[MediaRequestState, ...]
    replies: tuple[Record, ...]
    """Replies that no later one supersedes; more than one are shown side by side."""
    superseded_replies: tuple[Record, ...]
    advice: tuple[Record, ...]
    voice_advice: tuple[Record, ...]
    second_opinions: tuple[Record, ...]
    orders: tuple[OrderState, ...]
    case_seen: tuple[Record, ...]
    reply_seen: tuple[Record, ...]
    plan_accepted: tuple[Record, ...]
    referrals: tuple[ReferralState, ...]
    transfers: tuple[TransferState, ...]
    care_plans: tuple[Record, ...]
    """As `patients`: more than one is a contradiction."""
    prescriptions: tuple[Record, ...]
    outcomes: tuple[Record, ...]
    closed: tuple[Record, ...]
    """Closings that nobody has taken back; the case is closed while there is one."""
    reopened: tuple[Record, ...]
    moves: tuple[MoveState, ...]
    tombstones: tuple[Record, ...]
    """Which places have erased this case. Whether it is erased here too is for a person here to decide."""
    voided: frozenset[RecordId]
    """Struck: entered in error, or moved to another case."""
    not_understood: tuple[Record, ...]
    """Records that need newer software: the screen says "update or call"."""
    standing: tuple[Record, ...]
    """All that is readable and not struck."""

    @property
    def notes(self) -> tuple[Record, ...]:
        """Notes that nothing corrects."""
        return tuple(state.note for state in self.note_states)

    def name_of(self, author: ActorId) -> str:
        """The person behind an author id, or words that say that nobody has introduced them."""
        actor = self.actors.get(author)
        return actor.name if actor else "an author not introduced yet"

    def of(self, *kinds: Kind) -> tuple[Record, ...]:
        """Standing records of these kinds, superseded ones too."""
        return tuple(record for record in self.standing if record.kind in kinds)


@dataclass(frozen=True, slots=True)
class _Standing:
    """The records that count, by kind, and which of them a later one supersedes."""

    records: tuple[Record, ...]
    replaced: frozenset[RecordId]
    by_kind: Mapping[int, list[Record]]

    @classmethod
    def of_case(cls, records: tuple[Record, ...]) -> _Standing:
        by_kind: dict[int, list[Record]] = {}
        for record in records:
            by_kind.setdefault(record.kind, []).append(record)
        return cls(records, _targets(records, Relation.SUPERSEDES), by_kind)

    def of(self, kind: Kind) -> tuple[Record, ...]:
        return tuple(self.by_kind.get(kind, ()))

    def current(self, kind: Kind) -> tuple[Record, ...]:
        return tuple(record for record in self.of(kind) if record.record_id not in self.replaced)

    def superseded(self, kind: Kind) -> tuple[Record, ...]:
        return tuple(record for record in self.of(kind) if record.record_id in self.replaced)

    def closed(self) -> tuple[Record, ...]:
        taken_back = _targets(self.of(Kind.REOPENED), Relation.ABOUT)
        return tuple(record for record in self.of(Kind.CLOSED) if record.record_id not in taken_back)


def fold(records: Iterable[Record]) -> CaseState:
    """The state of the one case that all `records` belong to."""
    ordered = tuple(
        sorted({record.record_id: record for record in records}.values(), key=lambda r: r.order_key)
    )
    readable = tuple(record for record in ordered if not isinstance(record.body, UnknownBody))
    voided = _struck(readable)
    live = tuple(record for record in readable if record.record_id not in voided)
    standing = _Standing.of_case(live)
    of, current, replaced = standing.of, standing.current, standing.replaced
    moves = move_states(live, readable)
    return CaseState(
        records=ordered,
        actors={record.author: record.body for record in of(Kind.ACTOR)},
        opened=of(Kind.CASE_OPENED),
        patients=current(Kind.PATIENT),
        identities=current(Kind.IDENTITY),
        person_links=current(Kind.PERSON_LINK),
        consents=current(Kind.CONSENT),
        care_team=of(Kind.CARE_TEAM),
        headlines=of(Kind.HEADLINE),
        note_states=note_states(of(Kind.NOTE), ordered),
        vitals=of(Kind.VITALS),
        findings=current(Kind.FINDINGS),
        treatments=of(Kind.TREATMENT),
        media=of(Kind.MEDIA),
        imaging=current(Kind.IMAGING_STUDY),
        positions=of(Kind.POSITION),
        questions=question_states(live, replaced),
        media_requests=media_request_states(live, replaced),
        replies=current(Kind.REPLY),
        superseded_replies=standing.superseded(Kind.REPLY),
        advice=of(Kind.ADVICE),
        voice_advice=of(Kind.VOICE_ADVICE),
        second_opinions=current(Kind.SECOND_OPINION),
        orders=order_states(live, readable, moves),
        case_seen=of(Kind.CASE_SEEN),
        reply_seen=of(Kind.REPLY_SEEN),
        plan_accepted=of(Kind.PLAN_ACCEPTED),
        referrals=referral_states(live, replaced),
        transfers=transfer_states(live, replaced),
        care_plans=current(Kind.CARE_PLAN),
        prescriptions=current(Kind.PRESCRIPTION_CHANGED),
        outcomes=current(Kind.OUTCOME),
        closed=standing.closed(),
        reopened=of(Kind.REOPENED),
        moves=moves,
        tombstones=of(Kind.TOMBSTONE),
        voided=voided,
        not_understood=tuple(record for record in ordered if record.needs_newer_software),
        standing=live,
    )


_NEVER_STRUCK_BY_A_MOVE: Final = frozenset({Kind.VOIDED, Kind.MOVED, Kind.TOMBSTONE, Kind.ORDER_STOPPED})


def _struck(readable: tuple[Record, ...]) -> frozenset[RecordId]:
    """What was entered in error, and what a move that stands took to another case. A void is for good:
    voiding it does not bring back what it struck; voiding a move does."""
    voided = _targets((r for r in readable if r.kind == Kind.VOIDED), Relation.VOIDS)
    moves = (r for r in readable if r.kind == Kind.MOVED and r.record_id not in voided)
    protected = {record.record_id for record in readable if record.kind in _NEVER_STRUCK_BY_A_MOVE}
    return voided | (_targets(moves, Relation.VOIDS) - protected)


def _targets(records: Iterable[Record], relation: Relation) -> frozenset[RecordId]:
    """Every record that one of `records` names under `relation`."""
    return frozenset(target for record in records for target in record.referred(relation))
