"""Replies and immediate advice as they are shown: what was ordered, and what became of it at the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from protocol.basis import outside_basis
from protocol.fold import OrderState, OrderStatus
from protocol.orders import Reply
from protocol.records import Kind, Record, Relation

from ..views import AdviceView, OrderView, ReplyView
from .case_file import CaseFile, SentEntry
from .standing import news_since
from .words import (
    EVACUATION_WORDS,
    clock,
    contingency_text,
    given_text,
    order_text,
    patient_text,
    vitals_text,
)

_EVENT_WORDS: Final[Mapping[Kind, str]] = {
    Kind.ORDER_CONFIRMED: "confirmed",
    Kind.ORDER_REFUSED: "not done",
    Kind.ORDER_STOPPED: "stopped",
}


def reply_views(file: CaseFile) -> tuple[ReplyView, ...]:
    """Current ones first, newest first; several current replies stand side by side: nobody has chosen."""
    state = file.state
    current = [_reply(file, record, superseded=False) for record in reversed(state.replies)]
    former = [_reply(file, record, superseded=True) for record in reversed(state.superseded_replies)]
    return (*current, *former)


def advice_views(file: CaseFile) -> tuple[AdviceView, ...]:
    """Newest first."""
    return tuple(
        AdviceView(
            record=record.record_id.hex(),
            author=file.author(record),
            written_s=record.stamp.wall_s,
            text=record.body.text,
            carried=_carried(_sent(file, record), None),
            size_bytes=sent_bytes(file, record),
        )
        for record in reversed(file.state.advice)
    )


def open_orders(file: CaseFile, seen: int) -> tuple[OrderState, ...]:
    """Orders that a new reply by somebody who has seen `seen` entries has to say something about."""
    return tuple(
        order
        for order in file.state.orders
        if order.status in (OrderStatus.OPEN, OrderStatus.CONFIRMED)
        and file.arrival(order.reply).number <= seen
    )


def fact_text(record: Record) -> str:
    """A fact in a few words, for "written before: …"."""
    when = clock(record.stamp.wall_s)
    match record.kind:
        case Kind.VITALS:
            return f"vitals {when}: {vitals_text(record.body)}"
        case Kind.PATIENT:
            return f"patient restated {when}: {patient_text(record.body)}"
        case Kind.NOTE:
            return f"note {when}: {record.body.text[:120]}"
        case Kind.TREATMENT:
            return f"given {when}: {record.body.what}"
        case Kind.ORDER_REFUSED:
            return f"order {record.body.order} not done {when}: {record.body.reason}"
        case Kind.ORDER_GIVEN:
            return f"order {record.body.order} done {when}"
    return f"entered in error {when}: {record.body.reason}"


def _reply(file: CaseFile, record: Record, *, superseded: bool) -> ReplyView:
    body: Reply = record.body
    sent = _sent(file, record)
    seen_s = file.arrived_s(
        seen for seen in file.state.reply_seen if record.record_id in seen.referred(Relation.ABOUT)
    )
    return ReplyView(
        reply=record.record_id.hex(),
        author=file.author(record),
        written_s=record.stamp.wall_s,
        assessment=body.assessment,
        certainty=body.certainty.name.lower(),
        orders=tuple(_order(file, order) for order in file.state.orders if order.reply is record),
        contingencies=tuple(contingency_text(rule) for rule in body.contingencies),
        recheck_every_min=body.recheck_every_min,
        stop_rule=body.stop_rule,
        evacuation=EVACUATION_WORDS[body.evacuation],
        valid_for_min=body.valid_for_min,
        follow_up=body.follow_up,
        superseded=superseded,
        written_before=() if superseded else _written_before(file, record),
        carried=_carried(sent, seen_s),
        size_bytes=sent.size_bytes if sent else 0,
        stored_s=sent.stored_s or None if sent else None,
        seen_s=seen_s,
    )


def _written_before(file: CaseFile, reply: Record) -> tuple[str, ...]:
    """What the reply did not know of, as the site will be told too."""
    facts = [fact_text(record) for record in news_since(file, (reply,))]
    outside = outside_basis(file.state.records, reply.body.basis)
    if outside.earlier_missing and not facts:
        facts.append("an earlier record that had not arrived here when it was written")
    return tuple(facts)


def _order(file: CaseFile, order: OrderState) -> OrderView:
    return OrderView(
        reply=order.reply.record_id.hex(),
        number=order.order.number,
        text=order_text(order.order),
        item=order.order.item,
        read_back=order.order.read_back,
        status=order.status.value,
        happened=tuple(_happened(file, event) for event in order.events),
        status_arrived_s=file.arrival(order.events[-1]).received_s if order.events else None,
    )


def _happened(file: CaseFile, event: Record) -> str:
    author = file.author(event)
    if event.kind == Kind.ORDER_GIVEN:
        return f"{given_text(event.body)}, by {author}"
    text = f"{_EVENT_WORDS[Kind(event.kind)]} {clock(event.stamp.wall_s)} by {author}"
    reason = getattr(event.body, "reason", None) or getattr(event.body, "read_back", None)
    return f"{text}: {reason}" if reason else text


def _sent(file: CaseFile, record: Record) -> SentEntry | None:
    number = file.arrival(record).number
    return next((sent for sent in file.sent if sent.entry_number == number), None)


def sent_bytes(file: CaseFile, record: Record) -> int:
    """Of the bundle that states it; 0 until it is sealed."""
    sent = _sent(file, record)
    return sent.size_bytes if sent else 0


def carried(file: CaseFile, record: Record, *, answers: Iterable[Record] = ()) -> str:
    """How far something of ours is that nobody confirms to have seen, unless by answering it."""
    return _carried(_sent(file, record), file.arrived_s(answers))


def _carried(sent: SentEntry | None, seen_s: float | None) -> str:
    """How far it is, in words that promise nothing early."""
    if seen_s is not None:
        return f"seen at the site, known here {clock(seen_s)}"
    if sent is None:
        return "came back from the site"
    if sent.stored_s:
        return f"stored at the site {clock(sent.stored_s)}, not seen yet"
    return "on its way" if sent.size_bytes else "being sealed"
