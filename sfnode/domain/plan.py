"""The current plan: the one fold that tells the medic what to do now.

Law: a reply that was superseded watches nothing and re-arms nothing, in whatever order it arrives; nobody but
a named person passes over what a reply did not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.fold import OrderState, OrderStatus
from protocol.ids import RecordId
from protocol.orders import Capability, Reply
from protocol.orders import Certainty as Sureness
from protocol.records import Kind, Record, Relation
from sfnode.views import ContingencyView, OrderView, PlanView, ReplyView

from .aboard import check_aboard
from .case_file import CaseFile
from .contingency import crossings, state_text
from .first_orders import (
    EVACUATION_WORDS,
    FOLLOWS,
    first_orders,
    first_orders_views,
    overtaken_words,
    provisional_questions,
)
from .moments import Moment
from .rechecks import CANNOT_TELL, recheck_due_in_s, recheck_text, validity_text
from .wording import clock, contingency_text, order_text
from .written_before import Unknown, accepted_by, shown, unknown_to

LIVE: Final = frozenset({OrderStatus.OPEN, OrderStatus.CONFIRMED})
"""Orders that still ask for something."""

_SURENESS_WORDS: Final = {
    Sureness.UNSTATED: "not stated",
    Sureness.POSSIBLE: "possible",
    Sureness.PROBABLE: "probable",
    Sureness.CONFIRMED: "confirmed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a plan is read against, beside its case."""

    now: Moment
    capability: Capability | None
    transit: str = ""
    """Where the case is on its way, for the line that says that there is no reply yet."""
    language: str = "en"
    """Of coded questions."""


def current_plan(case: CaseFile, around: Surroundings) -> PlanView:
    """First orders whose reply has not arrived, replies that stand, then superseded ones with an order that
    was continued."""
    standing = case.state.replies
    continued = tuple(reply for reply in case.state.superseded_replies if _live_orders(case, reply))
    facts = {reply.record_id: unknown_to(reply, case) for reply in standing}
    acceptors = [accepted_by(reply, facts[reply.record_id], case.state) for reply in standing]
    before = shown(fact.text for reply in standing for fact in facts[reply.record_id])
    accepted = acceptors[-1] if acceptors and None not in acceptors else None
    return PlanView(
        case=case.case_id.hex(),
        replies=(
            *first_orders_views(case),
            *(_reply_view(case, reply, around) for reply in (*standing, *continued)),
        ),
        advice=(
            *(_advice(case, record, around) for record in case.state.advice),
            *overtaken_words(case),
            *provisional_questions(case, around.language),
        ),
        written_before=before,
        accepted_by=accepted,
        headline=_headline(case, standing, before, accepted, around),
    )


def unaccepted(case: CaseFile) -> tuple[tuple[Record, tuple[Unknown, ...]], ...]:
    """Each standing reply with the facts that somebody must still accept."""
    found = []
    for reply in case.state.replies:
        facts = unknown_to(reply, case)
        if facts and accepted_by(reply, facts, case.state) is None:
            found.append((reply, facts))
    return tuple(found)


def unread(case: CaseFile) -> tuple[Record, ...]:
    """Replies and advice that nobody at the site has opened."""
    seen = {target for record in case.state.reply_seen for target in record.referred(Relation.ABOUT)}
    return tuple(
        record for record in (*case.state.replies, *case.state.advice) if record.record_id not in seen
    )


def order_views(case: CaseFile, reply: Record, around: Surroundings) -> tuple[OrderView, ...]:
    """Every order of one reply."""
    return tuple(
        _order_view(case, state, around)
        for state in case.state.orders
        if state.reply.record_id == reply.record_id
    )


def _live_orders(case: CaseFile, reply: Record) -> bool:
    return any(
        state.status in LIVE for state in case.state.orders if state.reply.record_id == reply.record_id
    )


def _reply_view(case: CaseFile, record: Record, around: Surroundings) -> ReplyView:
    reply: Reply = record.body
    superseded = record not in case.state.replies
    due_in_s = None if superseded else recheck_due_in_s(record, case, around.now)
    return ReplyView(
        reply=record.record_id.hex(),
        author=case.state.name_of(record.author),
        written_s=record.stamp.wall_s,
        received_s=case.first_seen[record.record_id].wall_s,
        provisional=False,
        assessment=reply.assessment,
        certainty=_SURENESS_WORDS[reply.certainty],
        orders=order_views(case, record, around),
        contingencies=_contingency_views(case, record, around, superseded=superseded),
        recheck_every_min=reply.recheck_every_min,
        recheck_due_s=None if due_in_s is None else int(around.now.wall_s + due_in_s),
        recheck="" if superseded else recheck_text(record, case, around.now),
        stop_rule=reply.stop_rule,
        evacuation=EVACUATION_WORDS[reply.evacuation],
        valid_until=validity_text(record, case, around.now),
        follow_up=reply.follow_up,
        superseded=superseded,
    )


def _contingency_views(
    case: CaseFile, record: Record, around: Surroundings, *, superseded: bool
) -> tuple[ContingencyView, ...]:
    watched = not superseded and not case.state.closed
    views = []
    for contingency in record.body.contingencies:
        state = (
            "not watched: the case is closed" if case.state.closed else "not watched: a newer reply stands"
        )
        if watched:
            state = state_text(crossings(record, contingency, case), contingency, around.now.wall_s)
        views.append(
            ContingencyView(
                number=contingency.number, text=contingency_text(contingency), watched=watched, state=state
            )
        )
    return tuple(views)


def _order_view(case: CaseFile, state: OrderState, around: Surroundings) -> OrderView:
    return OrderView(
        reply=state.reply.record_id.hex(),
        number=state.order.number,
        text=order_text(state.order),
        aboard=check_aboard(state.order, around.capability).text,
        read_back=state.order.read_back,
        status=state.status.value,
        status_by="; ".join(_event_text(case, event, state, around) for event in state.events),
        mismatch=_mismatch(state),
    )


def _event_text(case: CaseFile, event: Record, state: OrderState, around: Surroundings) -> str:
    by = case.state.name_of(event.author)
    now_s = around.now.wall_s
    match event.kind:
        case Kind.ORDER_GIVEN:
            dose = event.body.dose or state.order.dose
            remark = f" ({event.body.remark})" if event.body.remark else ""
            return (
                f"given {clock(event.body.given_s, now_s)} by {by}" + (f": {dose}" if dose else "") + remark
            )
        case Kind.ORDER_REFUSED:
            return f"refused {clock(event.stamp.wall_s, now_s)} by {by}: {event.body.reason}"
        case Kind.ORDER_STOPPED:
            return f"STOPPED {clock(event.stamp.wall_s, now_s)} by {by}: {event.body.reason}"
        case _:
            return f"confirmed {clock(event.stamp.wall_s, now_s)} by {by}"


def _mismatch(state: OrderState) -> str | None:
    """Both values whenever a dose that was given is not the one that was ordered."""
    other = [
        event.body.dose
        for event in state.events
        if event.kind == Kind.ORDER_GIVEN
        and event.body.dose
        and not same_words(event.body.dose, state.order.dose)
    ]
    if not other:
        return None
    return f"ordered {state.order.dose or 'without a dose'}, given {', '.join(other)}"


def same_words(one: str, other: str | None) -> bool:
    """Equal but for case and spaces: "300 MG" is "300 mg", "300mg" is not taken for granted."""
    return " ".join(one.casefold().split()) == " ".join((other or "").casefold().split())


def _advice(case: CaseFile, record: Record, around: Surroundings) -> str:
    when = clock(record.stamp.wall_s, around.now.wall_s)
    return f"{when} {case.state.name_of(record.author)}: {record.body.text}"


def _headline(
    case: CaseFile,
    standing: tuple[Record, ...],
    before: tuple[str, ...],
    accepted: str | None,
    around: Surroundings,
) -> str:
    if case.state.not_understood:
        return "THE HUB SENT SOMETHING THAT THIS VERSION CANNOT READ: call the hub, then update this software"
    first = first_orders(case)
    if first:
        at = clock(first[-1].first_seen.wall_s, around.now.wall_s)
        words = f"PROVISIONAL FIRST ORDERS from the hub, here {at}: {FOLLOWS}"
        return f"{words}; {_of_replies(case, standing, before, accepted, around)}" if standing else words
    if not standing:
        return _without_reply(case, around)
    return _of_replies(case, standing, before, accepted, around)


def _of_replies(
    case: CaseFile,
    standing: tuple[Record, ...],
    before: tuple[str, ...],
    accepted: str | None,
    around: Surroundings,
) -> str:
    names = " and ".join(
        f"{case.state.name_of(reply.author)}, {clock(reply.stamp.wall_s, around.now.wall_s)}"
        for reply in standing
    )
    parts = [f"Reply from {names}"]
    if len(standing) > 1:
        parts = [f"{len(standing)} REPLIES stand side by side and nobody has chosen: {names}"]
    if before and accepted is None:
        parts.append(f"WRITTEN BEFORE {'; '.join(before)}")
    elif before:
        parts.append(f"written before {'; '.join(before)}; accepted by {accepted}")
    parts += _expiries(case, standing, around)
    return ", ".join(parts)


def _without_reply(case: CaseFile, around: Surroundings) -> str:
    transit = f": {around.transit}" if around.transit else ""
    if case.state.advice:
        names = case.state.name_of(case.state.advice[-1].author)
        return f"Immediate advice from {names}; the full reply follows{transit}"
    return f"No reply yet{transit}"


def _expiries(case: CaseFile, standing: Iterable[Record], around: Surroundings) -> list[str]:
    texts = {validity_text(reply, case, around.now) for reply in standing}
    return sorted(text for text in texts if text in ("NO LONGER VALID", CANNOT_TELL))


def order_states(case: CaseFile, number: int, reply: RecordId | None = None) -> tuple[OrderState, ...]:
    """Every order of this number, of one reply or of all."""
    return tuple(
        state
        for state in case.state.orders
        if state.order.number == number and reply in (None, state.reply.record_id)
    )
