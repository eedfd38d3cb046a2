"""The current plan as an action sheet: what to do, in the specialist's order, each step with its state.

Law: two replies stand side by side; what a reply did not know of is said above its first order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sfnode.views import ContingencyView, OrderView, PlanView, ReplyView
from tui.lines import EMPTY, Line, Row, Span, Tone, flow, wrap_after
from tui.moments import moment

_STATUS: Final = {
    "provisional": ("UNSIGNED", Tone.WARNING),
    "open": ("TO DO", Tone.STRONG),
    "confirmed": ("CONFIRMED", Tone.LABEL),
    "done": ("DONE", Tone.GOOD),
    "refused": ("REFUSED", Tone.FAINT),
    "stopped": ("STOPPED", Tone.ALARM),
}
_STATUS_CELLS: Final = 9
_LABEL_CELLS: Final = 14
_FAINT_WATCH: Final = "watched only"


@dataclass(frozen=True, slots=True)
class OrderKey:
    """Which order the cursor stands on; survives a new view of the plan."""

    reply: str
    number: int

    def __str__(self) -> str:
        return f"order {self.reply} {self.number}"

    @classmethod
    def parse(cls, key: str | None) -> OrderKey | None:
        match (key or "").split(" "):
            case ["order", reply, number]:
                return cls(reply, int(number))
        return None


def plan_rows(plan: PlanView | None, now_s: float, width: int) -> list[Row]:
    """The whole plan; orders carry the cursor."""
    if plan is None or not (plan.replies or plan.advice):
        words = "No reply yet." if plan is None else plan.headline
        return [Row(wrap_after((), words, width, tone=Tone.PLAIN))]
    rows: list[Row] = []
    if plan.written_before:
        rows.append(_written_before(plan, width))
    rows.extend(
        Row(wrap_after((Span("ADVICE NOW ", Tone.ALARM), Span(" ")), advice, width, tone=Tone.STRONG))
        for advice in plan.advice
    )
    current = [reply for reply in plan.replies if not (reply.superseded or reply.provisional)]
    if len(current) > 1:
        text = f"{len(current)} replies stand side by side. Nobody has chosen between them: ask the hub."
        rows.append(Row(wrap_after((Span("! ", Tone.WARNING),), text, width, tone=Tone.WARNING)))
    for reply in plan.replies:
        rows.extend(_reply_rows(reply, now_s, width))
    return rows


def find_order(plan: PlanView | None, key: OrderKey | None) -> OrderView | None:
    if plan is None or key is None:
        return None
    return next(
        (
            order
            for reply in plan.replies
            for order in reply.orders
            if (order.reply, order.number) == (key.reply, key.number)
        ),
        None,
    )


def accept_needed(plan: PlanView | None) -> bool:
    """Whether a named person must still weigh what the reply did not know of."""
    return plan is not None and bool(plan.written_before) and plan.accepted_by is None


def order_lines(order: OrderView, width: int) -> tuple[Line, ...]:
    """One order whole: never cut, because what is cut may be the dose."""
    word, tone = _STATUS.get(order.status, (order.status.upper(), Tone.WARNING))
    label = (Span(f"{order.number:>2} ", Tone.STRONG), Span(word.ljust(_STATUS_CELLS), tone), Span("  "))
    shade = Tone.STRONG if order.status in ("open", "confirmed") else Tone.FAINT
    indent = (Span(" " * (_STATUS_CELLS + 5)),)
    lines = list(wrap_after(label, order.text, width, tone=shade))
    if order.aboard:
        warn = not order.aboard.startswith("aboard")
        lines.extend(wrap_after(indent, order.aboard, width, tone=Tone.WARNING if warn else Tone.FAINT))
    if order.read_back and order.status == "open":
        lines.extend(
            wrap_after(indent, "READ BACK: confirming asks you to type it again", width, tone=Tone.LABEL)
        )
    if order.status_by:
        lines.extend(
            wrap_after(
                indent, order.status_by, width, tone=Tone.GOOD if order.status == "done" else Tone.FAINT
            )
        )
    if order.mismatch:
        lines.extend(
            wrap_after(
                (*indent, Span("!! MISMATCH ", Tone.ALARM), Span(" ")),
                order.mismatch,
                width,
                tone=Tone.WARNING,
            )
        )
    return tuple(lines)


def _written_before(plan: PlanView, width: int) -> Row:
    """The banner above the plan: it stays as long as the reply does not know, accepted or not."""
    lines: list[Line] = []
    label = Span(" WRITTEN BEFORE ", Tone.ALARM)
    for number, unknown in enumerate(plan.written_before):
        start = label if number == 0 else Span(" " * len(label.text))
        lines.extend(wrap_after((start, Span(" ")), unknown, width, tone=Tone.STRONG))
    indent = (Span(" " * (len(label.text) + 1)),)
    if plan.accepted_by is None:
        text = "The author did not know this. y: I have weighed it, go on"
        lines.extend(wrap_after(indent, text, width, tone=Tone.WARNING))
    else:
        lines.extend(wrap_after(indent, f"accepted by {plan.accepted_by}", width, tone=Tone.GOOD))
    return Row(tuple(lines))


def _reply_rows(reply: ReplyView, now_s: float, width: int) -> Iterable[Row]:
    yield Row(_reply_title(reply, now_s, width))
    if reply.provisional:
        text = "Provisional: the signed reply has not arrived yet. What you give now, record as a treatment."
        yield Row(wrap_after((Span("! ", Tone.WARNING),), text, width, tone=Tone.WARNING))
    certainty = f" ({reply.certainty})" if reply.certainty else ""
    yield Row((*wrap_after((), f"{reply.assessment}{certainty}", width), EMPTY))
    for order in reply.orders:
        # An order that nobody has signed cannot be confirmed, so the cursor does not stop at it.
        key = None if reply.provisional else str(OrderKey(order.reply, order.number))
        yield Row(order_lines(order, width), key)
    for contingency in reply.contingencies:
        yield Row(_contingency_lines(contingency, width))
    yield from _closing_rows(reply, now_s, width)


def _reply_title(reply: ReplyView, now_s: float, width: int) -> tuple[Line, ...]:
    times = f"written {moment(reply.written_s, now_s)}, here {moment(reply.received_s, now_s)}"
    good = reply.valid_until.startswith(("valid", "no limit"))
    spans = [
        Span(f"Reply from {reply.author}", Tone.FAINT if reply.superseded else Tone.HEADING),
        Span(times, Tone.FAINT),
        Span(reply.valid_until, Tone.GOOD if good else Tone.ALARM),
    ]
    if reply.superseded:
        spans.insert(0, Span("OLDER, REPLACED", Tone.WARNING))
    return flow(spans, width)


def _contingency_lines(contingency: ContingencyView, width: int) -> tuple[Line, ...]:
    crossed = contingency.state.startswith("CROSSED")
    text = contingency.text.removeprefix("if ")
    lines = list(wrap_after((_label("IF"),), text, width, tone=Tone.STRONG if crossed else Tone.PLAIN))
    indent = Span(" " * _LABEL_CELLS)
    tone = (
        Tone.ALARM if crossed else Tone.FAINT if contingency.state.startswith(_FAINT_WATCH) else Tone.WARNING
    )
    lines.extend(wrap_after((indent,), contingency.state, width, tone=tone))
    return tuple(lines)


def _closing_rows(reply: ReplyView, now_s: float, width: int) -> Iterable[Row]:
    if reply.recheck_every_min is not None:
        due = reply.recheck_due_s
        late = due is not None and due < now_s
        words = f"every {reply.recheck_every_min} min" + (
            "" if due is None else f", next {moment(due, now_s)}"
        )
        text = f"{words}: OVERDUE, enter vitals with v" if late else words
        yield Row(wrap_after((_label("RECHECK"),), text, width, tone=Tone.ALARM if late else Tone.PLAIN))
    closing = {"STOP IF": reply.stop_rule, "EVACUATE": reply.evacuation, "FOLLOW UP": reply.follow_up}
    for name, rule in closing.items():
        if rule:
            yield Row(wrap_after((_label(name),), rule, width))


def _label(name: str) -> Span:
    return Span(name.ljust(_LABEL_CELLS), Tone.LABEL)
