"""What the medic does about a plan: seen, accepted, and each order confirmed, given or refused."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.fold import OrderState, OrderStatus
from protocol.ids import CaseId
from protocol.limits import REFERENCES_PER_RECORD_MAX
from protocol.orders import Order, OrderConfirmed, OrderGiven, OrderRefused, PlanAccepted, Seen
from protocol.records import Kind, NewRecord, Reference, Relation
from sfnode.domain.aboard import check_aboard, current_list
from sfnode.domain.case_file import CaseFile
from sfnode.domain.first_orders import is_first_order
from sfnode.domain.intake import checked
from sfnode.domain.plan import LIVE, order_states, same_words, unaccepted, unread

from .capture import saved
from .case_errors import (
    NothingToAccept,
    OrderContradicted,
    OrderNotFound,
    OrderNotOpen,
    OrderUnclear,
    ReadBackDiffers,
)
from .happenings import Saved
from .writing import Pen


def mark_reply_seen(pen: Pen, case_id: CaseId) -> Saved | None:
    """One record for all that was unread; None when nothing was."""
    case = pen.case(case_id)
    new = unread(case)[:REFERENCES_PER_RECORD_MAX]
    if not new:
        return None
    refs = tuple(Reference(Relation.ABOUT, record.record_id) for record in new)
    return saved(pen.add(case, [NewRecord(Seen(), refs, Kind.REPLY_SEEN)], what="reply seen"))


def accept_plan(pen: Pen, case_id: CaseId, *, remark: str | None) -> Saved:
    """One or more records for each reply, that name every fact which was weighed."""
    case = pen.case(case_id)
    body = checked(PlanAccepted(remark=remark))
    records = []
    for reply, facts in unaccepted(case):
        weighed = dict.fromkeys(fact.record for fact in facts if fact.record != reply.record_id)
        refs = [Reference(Relation.ABOUT, record) for record in weighed]
        about = Reference(Relation.ABOUT, reply.record_id)
        step = REFERENCES_PER_RECORD_MAX - 1
        records += [
            NewRecord(body, (about, *refs[start : start + step]))
            for start in range(0, max(1, len(refs)), step)
        ]
    if not records:
        raise NothingToAccept(
            "There is nothing to accept: no reply is here, its author knew everything, "
            "or the plan is accepted already."
        )
    return saved(pen.add(case, records, what="plan accepted"))


def confirm_order(
    pen: Pen, case_id: CaseId, number: int, *, reply: str | None, read_back: str | None
) -> Saved:
    """Refused unless the order is open, agrees with the list aboard, and was read back if it asks for it."""
    case = pen.case(case_id)
    state = _the_order(case, number, reply)
    if state.status is not OrderStatus.OPEN:
        raise OrderNotOpen(f"Order {number} is {state.status.value} already. Nothing was changed.")
    _refuse_contradiction(pen, case, state.order)
    _refuse_wrong_read_back(state.order, read_back)
    body = checked(OrderConfirmed(order=number, read_back=read_back))
    return _event(pen, case, state, body, what=f"order {number} confirmed")


def give_order(
    pen: Pen,
    case_id: CaseId,
    number: int,
    *,
    reply: str | None,
    dose: str | None,
    given_s: int | None,
    remark: str | None,
) -> Saved:
    """Recorded whatever the order's state: what was done was done."""
    case = pen.case(case_id)
    state = _the_order(case, number, reply)
    body = OrderGiven(
        order=number,
        given_s=pen.now_s if given_s is None else given_s,
        dose=dose or state.order.dose,
        remark=remark,
    )
    return _event(pen, case, state, checked(body), what=f"order {number} done")


def refuse_order(pen: Pen, case_id: CaseId, number: int, *, reason: str, reply: str | None) -> Saved:
    case = pen.case(case_id)
    state = _the_order(case, number, reply)
    if state.status not in LIVE:
        raise OrderNotOpen(f"Order {number} is {state.status.value} already. Nothing was changed.")
    body = checked(OrderRefused(order=number, reason=reason))
    return _event(pen, case, state, body, what=f"order {number} refused")


def read_back_of(order: Order) -> str:
    """What is retyped before a high-alert order is given: its dose, or its name when it has none."""
    return order.dose or order.name


def _event(
    pen: Pen,
    case: CaseFile,
    state: OrderState,
    body: OrderConfirmed | OrderGiven | OrderRefused,
    *,
    what: str,
) -> Saved:
    about = (Reference(Relation.ABOUT, state.reply.record_id),)
    return saved(pen.add(case, [NewRecord(body, about)], what=what))


def _the_order(case: CaseFile, number: int, reply: str | None) -> OrderState:
    """The one order of that number: of the named reply, else of those that stand, else of one that was
    continued."""
    named = [
        state
        for state in order_states(case, number)
        if reply is None or state.reply.record_id.hex().startswith(reply.casefold())
    ]
    standing = {record.record_id for record in case.state.replies}
    tiers: Sequence[list[OrderState]] = (
        [state for state in named if state.reply.record_id in standing],
        [state for state in named if state.status in LIVE],
        named,
    )
    found = next((tier for tier in tiers if tier), [])
    if not found and is_first_order(case, number):
        raise OrderNotOpen(
            f"Order {number} is provisional: nobody has signed it and the full reply is on its way. Nothing "
            "was changed. What was given already can be recorded now as a treatment."
        )
    if not found:
        raise OrderNotFound(f"No reply in this case has an order {number}. Nothing was changed.")
    if len(found) > 1:
        names = ", ".join(state.reply.record_id.hex()[:8] for state in found)
        raise OrderUnclear(
            f"{len(found)} replies have an order {number}. Nothing was changed. "
            f"Say which with --reply: {names}."
        )
    return found[0]


def _refuse_contradiction(pen: Pen, case: CaseFile, order: Order) -> None:
    aboard = check_aboard(order, current_list(pen.look(pen.hub_of(case.case_id).site_case)))
    if aboard.contradicts:
        raise OrderContradicted(
            f"Order {order.number} says {order.name}{' ' + order.strength if order.strength else ''}, but "
            f"{aboard.text}. Nothing was changed. What was given already can be recorded with `order done`."
        )


def _refuse_wrong_read_back(order: Order, read_back: str | None) -> None:
    if not order.read_back:
        return
    wanted = read_back_of(order)
    if read_back is None:
        raise ReadBackDiffers(
            f'Order {order.number} must be read back: retype "{wanted}". Nothing was changed.'
        )
    if not same_words(read_back, wanted):
        raise ReadBackDiffers(
            f'Order {order.number} says "{wanted}", you typed "{read_back}". Nothing was changed. '
            "Look again, then retype it."
        )
