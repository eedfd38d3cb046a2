"""The reply headline: a specialist's first orders in one satellite message, ahead of the signed reply.

Law: an order is told whole or not at all. One that would have to be cut is counted instead, for what is cut
may be the dose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .orders import ORDERS_MAX, Evacuation
from .schema import Choice, Flag, ListOf, Number, Struct, Text, wire

FIRST_ORDERS_MAX: Final = 4
FIRST_ORDER_TEXT: Final = Text(120)
ASSESSMENT_BYTES_MAX: Final = 120
STOP_RULE_BYTES_MAX: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOrder:
    """One order of the reply that follows, under its number there."""

    number: int = wire(1, Number(1, ORDERS_MAX))
    name: str = wire(2, FIRST_ORDER_TEXT)
    dose: str | None = wire(3, FIRST_ORDER_TEXT, default=None)
    route: str | None = wire(4, FIRST_ORDER_TEXT, default=None)
    frequency: str | None = wire(5, FIRST_ORDER_TEXT, default=None)
    strength: str | None = wire(6, FIRST_ORDER_TEXT, default=None)
    details_follow: bool | None = wire(7, Flag(), default=None)
    """The signed order says more: read it before the dose is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyHeadline:
    """What to do first. It is provisional: nobody has signed it, and it is no order to be confirmed."""

    orders: tuple[FirstOrder, ...] = wire(1, ListOf(Struct(FirstOrder), FIRST_ORDERS_MAX), default=())
    orders_follow: int | None = wire(2, Number(1, ORDERS_MAX), default=None)
    """How many more the signed reply holds."""
    stop_rule: str | None = wire(3, Text(STOP_RULE_BYTES_MAX), default=None)
    recheck_every_min: int | None = wire(4, Number(1, 7 * 24 * 60), default=None)
    evacuation: Evacuation = wire(5, Choice(Evacuation), default=Evacuation.NOT_STATED)
    assessment: str | None = wire(6, Text(ASSESSMENT_BYTES_MAX), default=None)
    orders_ended: int | None = wire(7, Number(1, 64), default=None)
    """How many orders of earlier replies the signed reply stops or replaces; it says which."""
