"""Where each order stands, computed from the standing records of its case.

Law: what ends an order has the same effect before and after any other event, and keeps it when it is struck
itself; an order of a case that was moved is armed for nobody until a named person at the site says for whom
it was. More records never arm an order again, save a word that says so: the site's acceptance of a move, or
that the move, the dose given or the refusal was entered in error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
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


_EVENTS: Final = frozenset({Kind.ORDER_CONFIRMED, Kind.ORDER_GIVEN, Kind.ORDER_REFUSED, Kind.ORDER_STOPPED})
_DONE: Final = ((Kind.ORDER_GIVEN, OrderStatus.GIVEN), (Kind.ORDER_REFUSED, OrderStatus.REFUSED))
"""What outweighs what came before and after it, the heavier first: a dose that was given is not asked for
again because somebody else confirms it late."""
_ARMED: Final = frozenset({OrderStatus.OPEN, OrderStatus.CONFIRMED})

OrderKey = tuple[RecordId, int]
"""A reply and the number of one of its orders."""


def move_states(standing: Iterable[Record], readable: Iterable[Record]) -> tuple[MoveState, ...]:
    """Every move that stands, with what the site said to it. `readable` are the struck records, too."""
    live = tuple(standing)
    said = [record for record in readable if record.kind == Kind.MOVE_ACCEPTED]
    counted = {record.record_id for record in live}
    return tuple(_move(record, said, counted) for record in live if record.kind == Kind.MOVED)


def order_states(
    standing: Iterable[Record], readable: Iterable[Record], moves: Iterable[MoveState]
) -> tuple[OrderState, ...]:
    """Every order of every reply that stands. `readable` are the struck records, too: what they ended stays
    ended."""
    live, every = tuple(standing), tuple(readable)
    events = _events(live)
    stopped, passed_over = _stopped(every), _passed_over(every)
    moved = tuple(moves)
    found = []
    for reply in live:
        if reply.kind != Kind.REPLY:
            continue
        for order in reply.body.orders:
            key = (reply.record_id, order.number)
            said = tuple(events.get(key, ()))
            status = _status(said, is_stopped=key in stopped, is_passed_over=key in passed_over)
            status = _after_moves(status, _unknown_to(reply, moved))
            found.append(OrderState(reply=reply, order=order, status=status, events=said))
    return tuple(found)


def _move(moved: Record, accepting: Iterable[Record], counted: Set[RecordId]) -> MoveState:
    said = [record for record in accepting if moved.record_id in record.referred(Relation.ABOUT)]
    ways = {
        record.body.orders_go_on
        for record in said
        if isinstance(record.body, MoveAccepted)
        and (record.record_id in counted or not record.body.orders_go_on)
    }
    status = {
        frozenset[bool](): MoveStatus.OPEN,
        frozenset({True}): MoveStatus.GOES_ON,
        frozenset({False}): MoveStatus.STOPPED,
    }.get(frozenset(ways), MoveStatus.CONTRADICTED)
    standing = tuple(record for record in said if record.record_id in counted)
    return MoveState(moved=moved, acceptances=standing, status=status)


def _events(records: Iterable[Record]) -> Mapping[OrderKey, list[Record]]:
    events: dict[OrderKey, list[Record]] = defaultdict(list)
    for record in records:
        if record.kind in _EVENTS:
            for reply in dict.fromkeys(record.referred(Relation.ABOUT)):
                events[reply, record.body.order].append(record)
    return events


def _stopped(readable: Iterable[Record]) -> frozenset[OrderKey]:
    """Orders that somebody has ended in so many words."""
    ended: set[OrderKey] = set()
    for record in readable:
        if record.kind == Kind.ORDER_STOPPED:
            ended.update((reply, record.body.order) for reply in record.referred(Relation.ABOUT))
        elif isinstance(record.body, Reply):
            ended.update(
                (RecordId(prior.reply), prior.order)
                for prior in record.body.prior
                if prior.disposition is not Disposition.CONTINUE
            )
    return frozenset(ended)


def _passed_over(readable: Iterable[Record]) -> frozenset[OrderKey]:
    """Orders that some reply which took the place of theirs, at whatever remove, does not go on with. Each of
    these has to say so by itself: one that continues an order speaks for no other."""
    replies = {record.record_id: record for record in readable if isinstance(record.body, Reply)}
    ended: set[OrderKey] = set()
    for later in replies.values():
        continued = {
            (RecordId(prior.reply), prior.order)
            for prior in later.body.prior
            if prior.disposition is Disposition.CONTINUE
        }
        for former in _replaced_by(later, replies):
            ended.update(
                key
                for order in former.body.orders
                if (key := (former.record_id, order.number)) not in continued
            )
    return frozenset(ended)


def _replaced_by(later: Record, replies: Mapping[RecordId, Record]) -> tuple[Record, ...]:
    """The replies that `later` supersedes, and those that they do. Each is looked at once."""
    found: dict[RecordId, Record] = {}
    waiting = list(later.referred(Relation.SUPERSEDES))
    while waiting:
        target = waiting.pop()
        if target in replies and target not in found:
            found[target] = replies[target]
            waiting += replies[target].referred(Relation.SUPERSEDES)
    return tuple(found.values())


def _status(events: tuple[Record, ...], *, is_stopped: bool, is_passed_over: bool) -> OrderStatus:
    """Stopped outweighs done, done outweighs refused, and all three outweigh that somebody will do it."""
    kinds = {event.kind for event in events}
    if is_stopped:
        return OrderStatus.STOPPED
    for kind, status in _DONE:
        if kind in kinds:
            return status
    if is_passed_over:
        return OrderStatus.STOPPED
    return OrderStatus.CONFIRMED if kinds else OrderStatus.OPEN


def _unknown_to(reply: Record, moves: Iterable[MoveState]) -> frozenset[MoveStatus]:
    """Where the moves stand that the reply does not name. One that names a move was meant for whoever is
    treated here; a counter tells nothing, since it grows with what either end writes, and a digest would arm
    an order as soon as it fits."""
    known = frozenset(reply.referred(Relation.ABOUT))
    return frozenset(move.status for move in moves if move.moved.record_id not in known)


def _after_moves(status: OrderStatus, moved: frozenset[MoveStatus]) -> OrderStatus:
    """What was done or ended stays so; what still asks for something waits for the site's word."""
    if status not in _ARMED:
        return status
    if MoveStatus.STOPPED in moved or MoveStatus.CONTRADICTED in moved:
        return OrderStatus.STOPPED
    return OrderStatus.SUSPENDED if MoveStatus.OPEN in moved else status
