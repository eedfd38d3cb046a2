"""The reply headline of a signed reply: as much of it as one satellite message holds, the most useful first.

Law: it is made of the signed entry alone, so that it is the same however often it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from protocol.entry import SignedEntry, read_entry
from protocol.micro import MicroBundle, write_micro
from protocol.orders import Disposition, Order, Reply
from protocol.records import NewRecord, Record
from protocol.reply_headline import FIRST_ORDERS_MAX, FirstOrder, ReplyHeadline
from protocol.shortening import shorten
from sync.envelope import fits_enveloped

SEALED_BYTES_MAX: Final = 250
"""With framing it fits one 270-byte satellite message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How much of a reply a version of its headline has; by default what always fits."""

    orders: int = 0
    stop_rule_bytes: int = 0
    assessment_bytes: int = 0


_GROWTH: Final = (
    ("orders", 1),
    ("stop_rule_bytes", 60),
    ("orders", 2),
    ("orders", 3),
    ("stop_rule_bytes", 120),
    ("orders", FIRST_ORDERS_MAX),
    ("assessment_bytes", 60),
    ("assessment_bytes", 120),
)
"""What is added as long as it fits; what to do comes before why."""


def reply_headline_of(signed: SignedEntry) -> MicroBundle:
    """What goes ahead of this entry, which must hold a reply."""
    entry = read_entry(signed)
    record = next(record for record in entry.records if isinstance(record.body, Reply))

    def micro_of(headline: ReplyHeadline) -> MicroBundle:
        return write_micro(
            NewRecord(headline),
            case_id=entry.case_id,
            patient_id=entry.patient_id,
            author=entry.author,
            stamp=record.stamp,
            covers=entry.entry_id,
        )

    headline = compose_reply_headline(
        record, lambda version: fits_enveloped(micro_of(version), SEALED_BYTES_MAX)
    )
    return micro_of(headline)


def compose_reply_headline(record: Record, fits: Callable[[ReplyHeadline], bool]) -> ReplyHeadline:
    """The fullest version that `fits`: orders in the reply's own sequence, none of them shortened."""
    reply: Reply = record.body
    room = _Room()
    headline = _version(reply, room)
    for name, value in _GROWTH:
        wider = replace(room, **{name: value})
        candidate = _version(reply, wider)
        if candidate == headline or fits(candidate):
            room, headline = wider, candidate
    return headline


def _version(reply: Reply, room: _Room) -> ReplyHeadline:
    told = reply.orders[: room.orders]
    ended = sum(prior.disposition is not Disposition.CONTINUE for prior in reply.prior)
    return ReplyHeadline(
        orders=tuple(_first_order(order) for order in told),
        orders_follow=len(reply.orders) - len(told) or None,
        stop_rule=_cut(reply.stop_rule, room.stop_rule_bytes),
        recheck_every_min=reply.recheck_every_min,
        evacuation=reply.evacuation,
        assessment=_cut(reply.assessment, room.assessment_bytes),
        orders_ended=ended or None,
    )


def _cut(text: str | None, bytes_max: int) -> str | None:
    return shorten(text, bytes_max) if text and bytes_max else None


def _first_order(order: Order) -> FirstOrder:
    return FirstOrder(
        number=order.number,
        name=order.name,
        strength=order.strength,
        dose=order.dose,
        route=order.route,
        frequency=order.frequency,
        details_follow=True if order.details or order.read_back else None,
    )
