"""First orders: what the hub says ahead of a signed reply, shown as what it is and never taken for the reply.

Law: nothing here is folded into the case. It is gone from the plan as soon as the signed reply that it
announces is here, or one that was written later; until then none of its orders can be confirmed.
"""

from __future__ import annotations

import math
from typing import Final

from protocol.catalogue import question_text
from protocol.orders import Evacuation, Reply
from protocol.questions import Question
from protocol.reply_headline import FirstOrder, ReplyHeadline
from sfnode.views import OrderView, ReplyView

from .case_file import CaseFile, KeptProvisional
from .contingency import EMERGENCY, Alarm, subject_of
from .moments import Moment, elapsed_s

GRACE_S: Final = 20.0
"""How long the signed reply may be behind before first orders ring."""
PROVISIONAL: Final = "provisional"
HUB_UNSIGNED: Final = "the hub, signed by nobody yet"
FOLLOWS: Final = "the full, signed reply follows"
EVACUATION_WORDS: Final = {
    Evacuation.NOT_STATED: "not stated",
    Evacuation.NO: "no",
    Evacuation.PREPARE: "PREPARE",
    Evacuation.NOW: "NOW",
}


def first_orders(case: CaseFile) -> tuple[KeptProvisional, ...]:
    """Those whose signed reply has not arrived, nor one that was written after them, oldest first."""
    return tuple(kept for kept in _waiting(case) if not _is_overtaken(kept, case))


def overtaken_words(case: CaseFile) -> tuple[str, ...]:
    """What to say of each that a signed reply has overtaken: somebody may have read it here before."""
    return tuple(
        "An older provisional message from the hub was overtaken by a signed reply: NOT TO BE DONE unless "
        f"the plan says so: {_orders_text(kept.said.record.body)}"
        for kept in _waiting(case)
        if _is_overtaken(kept, case)
    )


def first_orders_views(case: CaseFile) -> tuple[ReplyView, ...]:
    """As provisional replies, newest first."""
    return tuple(_view(kept) for kept in reversed(first_orders(case)))


def provisional_questions(case: CaseFile, language: str = "en") -> tuple[str, ...]:
    """Coded questions whose signed form has not arrived, in words."""
    asked = [kept.said.record.body for kept in case.uncovered]
    return tuple(
        f"PROVISIONAL QUESTION from the hub: {question_text(body, language)}"
        for body in asked
        if isinstance(body, Question)
    )


def first_orders_alarms(case: CaseFile, now: Moment) -> tuple[Alarm, ...]:
    """Somebody must be told aloud: they were sent ahead because there was no time. On a quick link the signed
    reply is here before anybody could look, and there is nothing to ring for."""
    return tuple(
        Alarm(
            subject=subject_of(b"first-orders", kept.said.record.record_id),
            severity=EMERGENCY,
            text=f"PROVISIONAL FIRST ORDERS from the hub: {_orders_text(kept.said.record.body)}; {FOLLOWS}",
        )
        for kept in first_orders(case)
        if _due_in_s(kept, now) <= 0 and not case.state.closed
    )


def first_orders_due_in_s(case: CaseFile, now: Moment) -> float:
    """When the next of them will have waited long enough to ring; infinite when none does."""
    left_s = [_due_in_s(kept, now) for kept in first_orders(case)]
    return min((left for left in left_s if left > 0), default=math.inf)


def _waiting(case: CaseFile) -> tuple[KeptProvisional, ...]:
    return tuple(kept for kept in case.uncovered if isinstance(kept.said.record.body, ReplyHeadline))


def _is_overtaken(kept: KeptProvisional, case: CaseFile) -> bool:
    """By any later reply, superseded and struck ones too: what it may have stopped does not come back."""
    said_at = kept.said.record.stamp.counter
    return any(
        said_at < record.stamp.counter for record in case.state.records if isinstance(record.body, Reply)
    )


def _due_in_s(kept: KeptProvisional, now: Moment) -> float:
    waited_s = elapsed_s(kept.first_seen, now)
    # A clock that cannot tell how long it was must not keep anybody from hearing of it.
    return 0.0 if waited_s is None else GRACE_S - waited_s


def is_first_order(case: CaseFile, number: int) -> bool:
    """Whether an order of this number is here in provisional form only."""
    return any(
        order.number == number for kept in first_orders(case) for order in kept.said.record.body.orders
    )


def first_order_text(order: FirstOrder) -> str:
    """The order in words; what only the signed reply says is announced."""
    name = " ".join(part for part in (order.name, order.strength) if part)
    how = ", ".join(part for part in (order.dose, order.route, order.frequency) if part)
    text = f"{name}: {how}" if how else name
    return f"{text} (details follow)" if order.details_follow else text


def _view(kept: KeptProvisional) -> ReplyView:
    record = kept.said.record
    headline: ReplyHeadline = record.body
    return ReplyView(
        reply=record.record_id.hex(),
        author=HUB_UNSIGNED,
        written_s=record.stamp.wall_s,
        received_s=kept.first_seen.wall_s,
        provisional=True,
        assessment=". ".join(_sentences(headline)),
        certainty=PROVISIONAL,
        orders=tuple(_order_view(record.record_id.hex(), order) for order in headline.orders),
        contingencies=(),
        recheck_every_min=headline.recheck_every_min,
        recheck_due_s=None,
        stop_rule=headline.stop_rule,
        evacuation=EVACUATION_WORDS[headline.evacuation],
        valid_until=PROVISIONAL,
        follow_up=None,
        superseded=False,
    )


def _sentences(headline: ReplyHeadline) -> tuple[str, ...]:
    follow, ended = headline.orders_follow, headline.orders_ended
    said = (
        headline.assessment and headline.assessment.rstrip("."),
        follow and f"{follow} more {'order follows' if follow == 1 else 'orders follow'}",
        ended and f"{ended} earlier {'order is' if ended == 1 else 'orders are'} stopped or replaced",
        FOLLOWS[0].upper() + FOLLOWS[1:],
    )
    return tuple(sentence for sentence in said if sentence)


def _orders_text(headline: ReplyHeadline) -> str:
    return "; ".join(first_order_text(order) for order in headline.orders) or "see the plan"


def _order_view(reply: str, order: FirstOrder) -> OrderView:
    return OrderView(
        reply=reply,
        number=order.number,
        text=first_order_text(order),
        aboard="",
        read_back=False,
        status=PROVISIONAL,
        status_by="",
        mismatch=None,
    )
