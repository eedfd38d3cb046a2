"""The fold: what a case is, computed from any set of its records, in any order, with duplicates.

Law: the result depends on the set alone. Contradictions of people (two patients' states, two replies) stay
side by side; the fold never picks one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .actors import Actor
from .ids import ActorId, RecordId
from .orders import Disposition, Order, Reply
from .records import Kind, Record, Relation, UnknownBody


class OrderStatus(StrEnum):
    """Where an order stands; the words are those of the screens."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    GIVEN = "done"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """One order of one reply and all that was said about it since."""

    reply: Record
    order: Order
    status: OrderStatus
    events: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """One case as its records tell it. Every tuple is in the records' total order."""

    records: tuple[Record, ...]
    actors: Mapping[ActorId, Actor]
    opened: tuple[Record, ...]
    patients: tuple[Record, ...]
    """Statements about the patient that nothing supersedes. More than one is a contradiction."""
    headlines: tuple[Record, ...]
    notes: tuple[Record, ...]
    vitals: tuple[Record, ...]
    treatments: tuple[Record, ...]
    media: tuple[Record, ...]
    replies: tuple[Record, ...]
    """Replies that no later one supersedes; more than one are shown side by side."""
    superseded_replies: tuple[Record, ...]
    advice: tuple[Record, ...]
    orders: tuple[OrderState, ...]
    case_seen: tuple[Record, ...]
    reply_seen: tuple[Record, ...]
    plan_accepted: tuple[Record, ...]
    closed: tuple[Record, ...]
    voided: frozenset[RecordId]
    not_understood: tuple[Record, ...]
    """Records that need newer software: the screen says "update or call"."""

    def name_of(self, author: ActorId) -> str:
        """The person behind an author id, or words that say that nobody has introduced them."""
        actor = self.actors.get(author)
        return actor.name if actor else "an author not introduced yet"


def fold(records: Iterable[Record]) -> CaseState:
    """The state of the one case that all `records` belong to."""
    ordered = tuple(
        sorted({record.record_id: record for record in records}.values(), key=lambda r: r.order_key)
    )
    readable = tuple(record for record in ordered if not isinstance(record.body, UnknownBody))
    voided = _targets(readable, Relation.VOIDS, by=Kind.VOIDED)
    live = tuple(record for record in readable if record.record_id not in voided)
    replaced = _targets(live, Relation.SUPERSEDES)

    def of(*kinds: Kind) -> tuple[Record, ...]:
        return tuple(record for record in live if record.kind in kinds)

    replies = of(Kind.REPLY)
    return CaseState(
        records=ordered,
        actors={record.author: record.body for record in live if record.kind == Kind.ACTOR},
        opened=of(Kind.CASE_OPENED),
        patients=tuple(record for record in of(Kind.PATIENT) if record.record_id not in replaced),
        headlines=of(Kind.HEADLINE),
        notes=of(Kind.NOTE),
        vitals=of(Kind.VITALS),
        treatments=of(Kind.TREATMENT),
        media=of(Kind.MEDIA),
        replies=tuple(record for record in replies if record.record_id not in replaced),
        superseded_replies=tuple(record for record in replies if record.record_id in replaced),
        advice=of(Kind.ADVICE),
        orders=tuple(state for reply in replies for state in _orders(reply, live, replaced)),
        case_seen=of(Kind.CASE_SEEN),
        reply_seen=of(Kind.REPLY_SEEN),
        plan_accepted=of(Kind.PLAN_ACCEPTED),
        closed=of(Kind.CLOSED),
        voided=voided,
        not_understood=tuple(record for record in ordered if record.needs_newer_software),
    )


def _targets(records: Iterable[Record], relation: Relation, by: Kind | None = None) -> frozenset[RecordId]:
    """Every record that one of `records` (of kind `by`, if given) names under `relation`."""
    return frozenset(t for r in records if by in (None, r.kind) for t in r.referred(relation))


_STATUS_AFTER = {
    Kind.ORDER_CONFIRMED: OrderStatus.CONFIRMED,
    Kind.ORDER_GIVEN: OrderStatus.GIVEN,
    Kind.ORDER_REFUSED: OrderStatus.REFUSED,
    Kind.ORDER_STOPPED: OrderStatus.STOPPED,
}


def _orders(reply: Record, live: tuple[Record, ...], replaced: frozenset[RecordId]) -> Iterable[OrderState]:
    body: Reply = reply.body
    for order in body.orders:
        events = tuple(record for record in live if _concerns(record, reply.record_id, order.number))
        yield OrderState(
            reply=reply, order=order, status=_status(reply, order, events, live, replaced), events=events
        )


def _concerns(record: Record, reply: RecordId, number: int) -> bool:
    return (
        record.kind in _STATUS_AFTER
        and reply in record.referred(Relation.ABOUT)
        and record.body.order == number
    )


def _status(
    reply: Record,
    order: Order,
    events: tuple[Record, ...],
    live: tuple[Record, ...],
    replaced: frozenset[RecordId],
) -> OrderStatus:
    """Stopped wins over everything: a stop has the same effect before and after any other event."""
    dispositions = _dispositions(reply.record_id, order.number, live)
    ended = Disposition.STOP in dispositions or Disposition.REPLACE in dispositions
    unmentioned = reply.record_id in replaced and not dispositions
    if ended or any(event.kind == Kind.ORDER_STOPPED for event in events):
        return OrderStatus.STOPPED
    if events:
        return _STATUS_AFTER[Kind(events[-1].kind)]
    return OrderStatus.STOPPED if unmentioned else OrderStatus.OPEN


def _dispositions(reply: RecordId, number: int, live: tuple[Record, ...]) -> frozenset[Disposition]:
    return frozenset(
        prior.disposition
        for record in live
        if record.kind == Kind.REPLY and isinstance(record.body, Reply)
        for prior in record.body.prior
        if prior.reply == reply and prior.order == number
    )
