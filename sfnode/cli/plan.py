"""Commands about what to do now: plan, order, alarm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from sfnode.views import AlarmView, OrderView, PlanView, ReplyView, from_primitive

from .moments import parse_moment, show_moment
from .terminal import Terminal, pass_terminal


class _ShowsByDefault(click.Group):
    """`plan CASE` shows it; `plan accept CASE` is a command of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ShowsByDefault)
def plan() -> None:
    """What the specialist says to do now: `sfnode plan CASE`."""


@plan.command("show")
@click.argument("case")
@click.option("--seen", is_flag=True, help="You have read it: the hub is told so.")
@pass_terminal
def show_plan(terminal: Terminal, case: str, seen: bool) -> None:
    """The current plan of a case."""
    answer = terminal.call("plan", {"case": case, "seen": seen})
    terminal.show(answer, _plan_lines(from_primitive(PlanView, answer)))


@plan.command("accept")
@click.argument("case")
@click.option("--remark", help="Why.")
@pass_terminal
def accept_plan(terminal: Terminal, case: str, remark: str | None) -> None:
    """Go on with a plan that was written before something you know."""
    answer = terminal.call("plan_accept", {"case": case} | ({"remark": remark} if remark else {}))
    terminal.show(answer, ["Accepted; the hub will be told."])


@click.group()
def order() -> None:
    """Confirm, carry out or refuse an order."""


@order.command("confirm")
@click.argument("case")
@click.argument("number", type=int)
@click.option("--reply", help="Which reply, when two have an order of this number.")
@click.option("--read-back", help="The dose, retyped, where the order asks for it.")
@pass_terminal
def confirm_order(terminal: Terminal, case: str, number: int, **fields: Any) -> None:
    """You have read it and will do it."""
    _order(terminal, "order_confirm", case, number, fields, "Confirmed.")


@order.command("done")
@click.argument("case")
@click.argument("number", type=int)
@click.option("--reply", help="Which reply, when two have an order of this number.")
@click.option("--dose", help="What was given, if it differs.")
@click.option("--at", "at", help="When, such as 2026-11-22T21:40Z [default: now].")
@click.option("--remark", help="Anything the specialist should know.")
@pass_terminal
def order_done(terminal: Terminal, case: str, number: int, at: str | None, **fields: Any) -> None:
    """It was given or done. This is always recorded."""
    _order(terminal, "order_done", case, number, {**fields, "given_s": parse_moment(at)}, "Recorded as done.")


@order.command("refuse")
@click.argument("case")
@click.argument("number", type=int)
@click.option("--reply", help="Which reply, when two have an order of this number.")
@click.option("--reason", required=True, help="Why not.")
@pass_terminal
def refuse_order(terminal: Terminal, case: str, number: int, **fields: Any) -> None:
    """It will not be done, and why."""
    _order(terminal, "order_refuse", case, number, fields, "Recorded as refused.")


@click.group()
def alarm() -> None:
    """List and acknowledge alarms."""


@alarm.command("list")
@pass_terminal
def list_alarms(terminal: Terminal) -> None:
    """All that nobody has acknowledged."""
    answer = terminal.call("alarms")
    terminal.show(answer, alarm_lines(answer) or ["There is no alarm."])


@alarm.command("ack")
@click.argument("number", type=int)
@click.option("--by", required=True, help="Who takes care of it.")
@pass_terminal
def acknowledge_alarm(terminal: Terminal, number: int, by: str) -> None:
    """Somebody takes care of it: the sound stops."""
    answer = terminal.call("alarm_ack", {"alarm": number, "by": by})
    terminal.show(answer, [f"Acknowledged by {answer['acknowledged_by']}."])


def alarm_lines(alarms: Sequence[Any]) -> list[str]:
    """One line per alarm."""
    views = [from_primitive(AlarmView, alarm) for alarm in alarms]
    return [
        f"ALARM {view.alarm} {view.severity} {show_moment(view.since_s)}  {view.text}"
        + (f"  (acknowledged by {view.acknowledged_by})" if view.acknowledged_by else "")
        for view in views
    ]


def _order(
    terminal: Terminal, method: str, case: str, number: int, fields: dict[str, Any], done: str
) -> None:
    given = {key: value for key, value in fields.items() if value is not None}
    terminal.show(terminal.call(method, {"case": case, "order": number, **given}), [done])


def _plan_lines(view: PlanView) -> list[str]:
    lines = [view.headline, *(f"ADVICE  {advice}" for advice in view.advice)]
    lines += [f"!! WRITTEN BEFORE  {what}" for what in view.written_before]
    if view.accepted_by:
        lines.append(f"accepted by {view.accepted_by}")
    signed = [reply for reply in view.replies if not reply.provisional]
    if len(signed) > 1:
        lines.append(f"!! {len(signed)} replies stand side by side; nobody has chosen.")
    for reply in view.replies:
        lines += ["", *_reply_lines(reply)]
    return lines


def _reply_lines(reply: ReplyView) -> list[str]:
    optional = (
        ("stop rule", reply.stop_rule),
        ("evacuate", reply.evacuation),
        ("recheck", f"every {reply.recheck_every_min} min" if reply.recheck_every_min else None),
        ("valid", reply.valid_until),
        ("follow up", reply.follow_up),
    )
    return [
        f"{reply.author}, {show_moment(reply.written_s)}{'  PROVISIONAL' if reply.provisional else ''}",
        f"{reply.assessment} ({reply.certainty})",
        *(_order_line(each) for each in reply.orders),
        *(f"  {each.text}  [{each.state}]" for each in reply.contingencies),
        *(f"  {name}: {text}" for name, text in optional if text),
    ]


def _order_line(each: OrderView) -> str:
    marks = [each.aboard, each.status_by, "READ BACK" if each.read_back else "", each.mismatch or ""]
    detail = "".join(f"  [{mark}]" for mark in marks if mark)
    return f"  {each.number}. {each.text}  {each.status.upper()}{detail}"
