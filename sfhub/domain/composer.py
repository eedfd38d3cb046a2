"""From what a clinician typed to the body of a reply, with every problem named by its field.

The same values come from the console's form and from a JSON file; orders and contingencies are numbered by
their places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from protocol.orders import (
    CONTINGENCIES_MAX,
    ORDERS_MAX,
    Basis,
    Capability,
    CapabilityItem,
    Certainty,
    Comparison,
    Contingency,
    Evacuation,
    Order,
    PriorOrder,
    Quantity,
    Reply,
)

from ..errors import ReplyIncomplete
from .form import Form
from .measures import MEASURES

_VEINS: Final = frozenset({"iv", "i.v.", "intravenous", "intravenously", "io", "intraosseous"})
"""Routes whose doses are always read back before they are given."""


def compose(
    values: Mapping[str, Any], *, basis: Basis, prior: Sequence[PriorOrder], capability: Capability | None
) -> Reply:
    """The reply; `ReplyIncomplete` names every field that needs its author."""
    form = Form(values)
    assessment = form.text("assessment", "The assessment", required=True)
    orders = tuple(_order(row, capability) for row in form.rows("orders", ORDERS_MAX))
    contingencies = tuple(
        _contingency(row, len(orders)) for row in form.rows("contingencies", CONTINGENCIES_MAX)
    )
    reply = Reply(
        basis=basis,
        assessment=assessment or "",
        certainty=form.choice("certainty", "The certainty", Certainty) or Certainty.UNSTATED,
        orders=tuple(order for order in orders if order),
        contingencies=tuple(rule for rule in contingencies if rule),
        recheck_every_min=form.whole("recheck_every_min", "The recheck interval"),
        stop_rule=form.text("stop_rule", "The stop rule"),
        evacuation=form.choice("evacuation", "Evacuation", Evacuation) or Evacuation.NOT_STATED,
        valid_for_min=form.whole("valid_for_min", "The validity"),
        follow_up=form.text("follow_up", "The follow-up"),
        prior=tuple(prior),
    )
    form.refuse_unknown()
    if not form.problems:
        form.fits("", "The reply", reply)
    if form.problems:
        raise ReplyIncomplete(form.problems)
    return reply


def on_list(capability: Capability | None, item: int) -> CapabilityItem | None:
    """The thing of that number aboard."""
    return next((aboard for aboard in capability.items if aboard.item == item), None) if capability else None


def _order(row: Form, capability: Capability | None) -> Order | None:
    """A drug picked from the list takes its words from the list; typed words that differ are a problem."""
    what = f"Order {row.position}"
    item = row.whole("item", f"{what}: the item number")
    aboard = None if item is None else on_list(capability, item)
    if item is not None and aboard is None:
        known = f"list {capability.version} of the site" if capability else "a list: the site has sent none"
        row.complain("item", f"{what}: item {item} is not on {known}.")
    name = row.text("name", f"{what}: what to give or do", required=item is None)
    strength = row.text("strength", f"{what}: the strength")
    if aboard is not None:
        _compare(row, what, "name", name, aboard.name)
        _compare(row, what, "strength", strength, aboard.strength)
        name, strength = aboard.name, aboard.strength
    route = row.text("route", f"{what}: the route")
    order = Order(
        number=row.position,
        name=name or "",
        item=item,
        list_version=capability.version if aboard and capability else None,
        strength=strength,
        dose=row.text("dose", f"{what}: the dose"),
        route=route,
        frequency=row.text("frequency", f"{what}: how often"),
        details=row.text("details", f"{what}: the details"),
        read_back=row.flag("read_back", f"{what}: read back") or _is_vein(route),
    )
    row.refuse_unknown()
    return None if row.problems else row.fits("name", what, order)


def _compare(row: Form, what: str, field: str, typed: str | None, listed: str | None) -> None:
    if typed is not None and typed != listed:
        row.complain(field, f"{what}: the list aboard says {listed}, and you wrote {typed}.")


def _contingency(row: Form, order_count: int) -> Contingency | None:
    what = f"Contingency {row.position}"
    quantity = row.choice("quantity", f"{what}: what is measured", Quantity)
    if quantity is None:
        row.complain("quantity", f"{what}: choose what is measured.")
        return None
    below = row.measured("below", f"{what}: the lower limit", MEASURES[quantity])
    above = row.measured("above", f"{what}: the upper limit", MEASURES[quantity])
    then = row.text("then", f"{what}: what to do then", required=True)
    order = row.whole("order", f"{what}: the order")
    confirm_reading = row.flag("confirm_reading", f"{what}: two readings")
    if not row.problems and (below is None) == (above is None):
        row.complain("below", f"{what}: give one limit, either below or above.")
    if order is not None and not 1 <= order <= order_count:
        row.complain("order", f"{what}: there is no order {order} in this reply.")
    row.refuse_unknown()
    threshold = above if below is None else below
    if row.problems or threshold is None or then is None:
        return None
    rule = Contingency(
        number=row.position,
        quantity=quantity,
        comparison=Comparison.ABOVE if below is None else Comparison.BELOW,
        threshold=threshold,
        then=then,
        confirm_reading=confirm_reading,
        order=order,
    )
    return row.fits("then", what, rule)


def _is_vein(route: str | None) -> bool:
    return route is not None and route.casefold() in _VEINS
