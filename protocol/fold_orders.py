"""Where each order stands, computed from the standing records of its case.

Law: what stops an order has the same effect before and after any other event, and an order of a case that
was moved is armed for nobody until a named person at the site says for whom it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .corrections import MoveAccepted
from .ids import RecordId
from .kinds import Kind
from .orders import Disposition, Order, Reply
from .records import Record, Relation


class OrderStatus(StrEnum):
    """Where an order stands; the words are those of the screens."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    GIVEN = "done"
    REFUSED = "refused"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    """The case was moved, and the site has not said for whom the order was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """One order of one reply and all that was said about it since."""

    reply: Record
    order: Order
    status: OrderStatus
    events: tuple[Record, ...]


class MoveStatus(StrEnum):
    """What the site has said to a move."""

    OPEN = "waits for the site"
    GOES_ON = "accepted, orders go on here"
    STOPPED = "accepted, orders stopped"
    CONTRADICTED = "accepted both ways"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveState:
    """One statement that something here belongs to another case."""

    moved: Record
    acceptances: tuple[Record, ...]
    status: MoveStatus


_STATUS_AFTER: Final[Mapping[int, OrderStatus]] = {
    Kind.ORDER_CONFIRMED: OrderStatus.CONFIRMED,
    Kind.ORDER_GIVEN: OrderStatus.GIVEN,
    Kind.ORDER_REFUSED: OrderStatus.REFUSED,
    Kind.ORDER_STOPPED: OrderStatus.STOPPED,
}
_ARMED: Final = frozenset({OrderStatus.OPEN, OrderStatus.CONFIRMED})

OrderKey = tuple[RecordId, int]
"""A reply and the number of one of its orders."""


def move_states(standing: Iterable[Record]) -> tuple[MoveState, ...]:
    """Every move, with what the site said to it."""
    records = tuple(standing)
    return tuple(_move(record, records) for record in records if record.kind == Kind.MOVED)


def order_states(
    standing: Iterable[Record], replaced: frozenset[RecordId], moves: Iterable[MoveState]
) -> tuple[OrderState, ...]:
    """Every order of every reply; `replaced` are the records that a later one supersedes."""
    records = tuple(standing)
    events = _events(records)
    dispositions = _dispositions(records)
    moved = tuple(moves)
    found = []
    for reply in records:
        if reply.kind != Kind.REPLY:
            continue
        for order in reply.body.orders:
            key = (reply.record_id, order.number)
            said = tuple(events.get(key, ()))
            unmentioned = reply.record_id in replaced and key not in dispositions
            status = _status(said, dispositions.get(key, frozenset()), unmentioned=unmentioned)
            status = _after_moves(status, _unknown_to(reply, moved))
            found.append(OrderState(reply=reply, order=order, status=status, events=said))
    return tuple(found)


def _move(moved: Record, standing: tuple[Record, ...]) -> MoveState:
    said = tuple(
        record
        for record in standing
        if record.kind == Kind.MOVE_ACCEPTED and moved.record_id in record.referred(Relation.ABOUT)
    )
    ways = {record.body.orders_go_on for record in said if isinstance(record.body, MoveAccepted)}
    status = {
        frozenset[bool](): MoveStatus.OPEN,
        frozenset({True}): MoveStatus.GOES_ON,
        frozenset({False}): MoveStatus.STOPPED,
    }.get(frozenset(ways), MoveStatus.CONTRADICTED)
    return MoveState(moved=moved, acceptances=said, status=status)


def _events(records: Iterable[Record]) -> Mapping[OrderKey, list[Record]]:
    events: dict[OrderKey, list[Record]] = defaultdict(list)
    for record in records:
        if record.kind in _STATUS_AFTER:
            for reply in dict.fromkeys(record.referred(Relation.ABOUT)):
                events[reply, record.body.order].append(record)
    return events


def _dispositions(records: Iterable[Record]) -> Mapping[OrderKey, frozenset[Disposition]]:
    """What later replies say of orders that were open when they were written."""
    said: dict[OrderKey, set[Disposition]] = defaultdict(set)
    for record in records:
        if isinstance(record.body, Reply):
            for prior in record.body.prior:
                said[RecordId(prior.reply), prior.order].add(prior.disposition)
    return {key: frozenset(values) for key, values in said.items()}


def _status(
    events: tuple[Record, ...], dispositions: frozenset[Disposition], *, unmentioned: bool
) -> OrderStatus:
    """Stopped wins over everything: a stop has the same effect before and after any other event."""
    ended = Disposition.STOP in dispositions or Disposition.REPLACE in dispositions
    if ended or any(event.kind == Kind.ORDER_STOPPED for event in events):
        return OrderStatus.STOPPED
    if events:
        return _STATUS_AFTER[events[-1].kind]
    return OrderStatus.STOPPED if unmentioned else OrderStatus.OPEN


def _unknown_to(reply: Record, moves: Iterable[MoveState]) -> frozenset[MoveStatus]:
    """Where the moves stand that the reply's author had not seen; a reply written since then was meant for
    whoever is treated here."""
    return frozenset(move.status for move in moves if reply.body.basis.counter < move.moved.stamp.counter)


def _after_moves(status: OrderStatus, moved: frozenset[MoveStatus]) -> OrderStatus:
    """What was done or ended stays so; what still asks for something waits for the site's word."""
    if status not in _ARMED:
        return status
    if MoveStatus.STOPPED in moved or MoveStatus.CONTRADICTED in moved:
        return OrderStatus.STOPPED
    return OrderStatus.SUSPENDED if MoveStatus.OPEN in moved else status
