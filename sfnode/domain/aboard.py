"""Whether what an order asks for is aboard: by item of the capability list, and by the words, which must
agree."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.orders import Capability, CapabilityItem, Order
from protocol.records import Kind
from protocol.station import capability_now

from .case_file import CaseFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Aboard:
    """What the list aboard says of one order."""

    text: str
    contradicts: bool = False
    """The order's words and the item it names are not the same thing: stop and ask."""


def current_list(site: CaseFile | None) -> Capability | None:
    """What the lists and the changes of lists in the site's own case lead to; None before the first."""
    if site is None:
        return None
    return capability_now(record.body for record in site.state.of(Kind.CAPABILITY, Kind.CAPABILITY_DELTA))


def check_aboard(order: Order, capability: Capability | None) -> Aboard:
    """An act ("keep lying down") needs nothing aboard; a drug or kit does, and its absence is said."""
    if order.item is None:
        return _by_name(order, capability)
    if capability is None:
        return Aboard(text="NO LIST HERE: check what is aboard before you start")
    item = next((each for each in capability.items if each.item == order.item), None)
    if item is None:
        return Aboard(text=_not_on_list(capability))
    if not _same_words(order, item):
        since = (
            "" if order.list_version == capability.version else f"list changed since {order.list_version}: "
        )
        return Aboard(
            text=f"{since}item {order.item} of list {capability.version} is {item_words(item)}: "
            "stop and ask before giving it",
            contradicts=True,
        )
    return Aboard(text=_stock(item, capability))


def item_words(item: CapabilityItem) -> str:
    """ "aspirin 300 mg tablet"."""
    return " ".join(part for part in (item.name, item.strength, item.form) if part)


def _by_name(order: Order, capability: Capability | None) -> Aboard:
    """An order outside the list: an act, or a drug that may still be aboard under its own name."""
    named = (
        []
        if capability is None
        else [each for each in capability.items if _folded(each.name) == _folded(order.name)]
    )
    exact = [each for each in named if _same_words(order, each)]
    if capability is not None and exact:
        return Aboard(text=_stock(exact[0], capability))
    if capability is not None and named:
        others = ", ".join(item_words(each) for each in named)
        return Aboard(text=f"list {capability.version} has {others}: ask before using another strength")
    if not (order.dose or order.strength or order.route):
        return Aboard(text="")
    if capability is None:
        return Aboard(text="NO LIST HERE: check what is aboard before you start")
    return Aboard(text=_not_on_list(capability))


def _not_on_list(capability: Capability) -> str:
    return f"NOT ON LIST {capability.version}: ask, substitute, or next port"


def _stock(item: CapabilityItem, capability: Capability) -> str:
    expiry = f", expires {item.expires}" if item.expires else ""
    if item.quantity == 0:
        return f"NONE LEFT by list {capability.version}: ask, substitute, or next port"
    return f"aboard: {item.quantity} of list {capability.version}{expiry}"


def _same_words(order: Order, item: CapabilityItem) -> bool:
    return _folded(order.name) == _folded(item.name) and _folded(order.strength) == _folded(item.strength)


def _folded(words: str | None) -> str:
    return " ".join((words or "").casefold().split())
