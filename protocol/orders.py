"""Bodies of advice and orders, and of what became of them at the site."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .schema import Choice, Flag, ListOf, Number, Raw, Struct, Text, wire

_LINE: Final = Text(400)
_WORD: Final = Text(120)

ORDERS_MAX: Final = 24
CONTINGENCIES_MAX: Final = 24
CAPABILITY_ITEMS_MAX: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityItem:
    """One thing aboard, in the words printed on its box."""

    item: int = wire(1, Number(1, 65535))
    name: str = wire(2, _WORD)
    strength: str | None = wire(3, _WORD, default=None)
    form: str | None = wire(4, _WORD, default=None)
    quantity: int = wire(5, Number(0, 100_000), default=0)
    expires: str | None = wire(6, Text(10), default=None)
    """Year and month as printed, e.g. 2027-03."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Drugs, kit and skills of a site, whole; a higher version replaces a lower one."""

    version: int = wire(1, Number(1, 2**31))
    items: tuple[CapabilityItem, ...] = wire(
        2, ListOf(Struct(CapabilityItem), CAPABILITY_ITEMS_MAX), default=()
    )


class Quantity(IntEnum):
    """What a contingency watches; its unit is that of the vitals field of the same name."""

    HEART_RATE = 1
    RESPIRATORY_RATE = 2
    SPO2 = 3
    SYSTOLIC = 4
    DIASTOLIC = 5
    TEMPERATURE = 6
    GLASGOW_COMA = 7
    PAIN = 8
    GLUCOSE = 9


class Comparison(IntEnum):
    """The threshold itself does not trigger."""

    BELOW = 1
    ABOVE = 2


class Certainty(IntEnum):
    """How sure the author of an assessment is."""

    UNSTATED = 0
    POSSIBLE = 1
    PROBABLE = 2
    CONFIRMED = 3


class Evacuation(IntEnum):
    NOT_STATED = 0
    NO = 1
    PREPARE = 2
    NOW = 3


class Disposition(IntEnum):
    """What a new reply says about an order that is still open."""

    CONTINUE = 1
    STOP = 2
    REPLACE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One thing to do. A drug from the list aboard carries item and list version *and* the words, so that a
    mismatch is seen."""

    number: int = wire(1, Number(1, ORDERS_MAX))
    name: str = wire(2, _WORD)
    item: int | None = wire(3, Number(1, 65535), default=None)
    list_version: int | None = wire(4, Number(1, 2**31), default=None)
    strength: str | None = wire(5, _WORD, default=None)
    dose: str | None = wire(6, _WORD, default=None)
    route: str | None = wire(7, _WORD, default=None)
    frequency: str | None = wire(8, _WORD, default=None)
    details: str | None = wire(9, _LINE, default=None)
    read_back: bool = wire(10, Flag(), default=False)
    """High-alert, intravenous or weight-based: the dose is retyped before it is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contingency:
    """If a reading crosses the threshold, do this, with no link needed."""

    number: int = wire(1, Number(1, CONTINGENCIES_MAX))
    quantity: Quantity = wire(2, Choice(Quantity))
    comparison: Comparison = wire(3, Choice(Comparison))
    threshold: int = wire(4, Number(0, 1000))
    then: str = wire(5, _LINE)
    confirm_reading: bool = wire(6, Flag(), default=False)
    """Two readings in a row must cross."""
    order: int | None = wire(7, Number(1, ORDERS_MAX), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the author had seen: a digest over the relevant records up to a counter."""

    counter: int = wire(1, Number(0, 2**40))
    count: int = wire(2, Number(0, 100_000))
    digest: bytes = wire(3, Raw(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorOrder:
    """An order of an earlier reply that was open when this one was written."""

    reply: bytes = wire(1, Raw(16))
    order: int = wire(2, Number(1, ORDERS_MAX))
    disposition: Disposition = wire(3, Choice(Disposition))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A specialist's structured answer, shown whole or not at all."""

    basis: Basis = wire(1, Struct(Basis))
    assessment: str = wire(2, Text(4000))
    certainty: Certainty = wire(3, Choice(Certainty), default=Certainty.UNSTATED)
    orders: tuple[Order, ...] = wire(4, ListOf(Struct(Order), ORDERS_MAX), default=())
    contingencies: tuple[Contingency, ...] = wire(
        5, ListOf(Struct(Contingency), CONTINGENCIES_MAX), default=()
    )
    recheck_every_min: int | None = wire(6, Number(1, 7 * 24 * 60), default=None)
    stop_rule: str | None = wire(7, Text(1000), default=None)
    evacuation: Evacuation = wire(8, Choice(Evacuation), default=Evacuation.NOT_STATED)
    valid_for_min: int | None = wire(9, Number(1, 60 * 24 * 60), default=None)
    follow_up: str | None = wire(10, Text(1000), default=None)
    prior: tuple[PriorOrder, ...] = wire(11, ListOf(Struct(PriorOrder), 64), default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Immediate advice: short, no mandatory field, always class 0; the full reply follows."""

    text: str = wire(1, Text(1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed:
    """The medic has read the order and will do it; `read_back` is what was retyped, if retyping was asked."""

    order: int = wire(1, Number(1, ORDERS_MAX))
    read_back: str | None = wire(2, _LINE, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderGiven:
    """Done. A dose that differs from the order is recorded all the same, with both values on screen."""

    order: int = wire(1, Number(1, ORDERS_MAX))
    given_s: int = wire(2, Number(0, 2**40))
    dose: str | None = wire(3, _WORD, default=None)
    remark: str | None = wire(4, _LINE, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """Not done, and why."""

    order: int = wire(1, Number(1, ORDERS_MAX))
    reason: str = wire(2, _LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStopped:
    """The hub stops an order of an earlier reply; class 0."""

    order: int = wire(1, Number(1, ORDERS_MAX))
    reason: str = wire(2, _LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A person opened it: the case at the hub, or the reply at the site, as `refs` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAccepted:
    """A named person has weighed what the reply did not know of (`refs`) and goes on with it."""

    remark: str | None = wire(1, _LINE, default=None)
