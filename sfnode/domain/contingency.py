"""The contingency watch: which readings cross what a reply told the site to look out for.

Law: the threshold itself does not cross, and a value that was not measured neither crosses nor interrupts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from protocol.basis import outside_basis
from protocol.clinical import Vitals
from protocol.ids import RecordId
from protocol.orders import Comparison, Contingency, Reply
from protocol.records import Kind, Record

from .case_file import CaseFile
from .wording import action, clock, quantity_value, reading, threshold

EMERGENCY: Final = "emergency"
WARNING: Final = "warning"
_SUBJECT_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something a person must be told aloud; the same subject rings once."""

    subject: bytes
    severity: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A run of readings beyond a threshold, from the one that began it to the last."""

    began: Record
    last: Record
    value: int
    """Of `last`."""
    ended: Record | None
    """The first reading that was within the threshold again."""


def crossings(reply: Record, contingency: Contingency, case: CaseFile) -> tuple[Crossing, ...]:
    """Every crossing by a reading that the reply's author had not seen, in order of observation."""
    readings = _readings(case.state.vitals, contingency)
    unseen = _unseen(reply, case)
    found: list[Crossing] = []
    running = False
    for index, (record, value) in enumerate(readings):
        crossed = record.record_id in unseen and _crosses(readings, index, contingency)
        if crossed and running:
            found[-1] = replace(found[-1], last=record, value=value)
        elif crossed:
            found.append(Crossing(began=record, last=record, value=value, ended=None))
        elif running and not _is_beyond(value, contingency):
            found[-1] = replace(found[-1], ended=record)
        running = crossed
    return tuple(found)


def crossing_alarms(case: CaseFile) -> tuple[Alarm, ...]:
    """One alarm for each crossing of what the current replies watch; a closed case is watched no more."""
    if case.state.closed:
        return ()
    return tuple(
        Alarm(
            subject=subject_of(
                b"crossing", reply.record_id, bytes((contingency.number,)), each.began.record_id
            ),
            severity=EMERGENCY,
            text=f'{reading(contingency.quantity, each.value)} crossed "{threshold(contingency)}": '
            f"{action(contingency)}",
        )
        for reply in case.state.replies
        for contingency in _contingencies(reply)
        for each in crossings(reply, contingency, case)
    )


def arrival_alarms(case: CaseFile) -> tuple[Alarm, ...]:
    """Orders that were stopped, and records that this software cannot read but must: nobody may miss them."""
    stops = [record for record in case.state.records if record.kind == Kind.ORDER_STOPPED]
    return tuple(
        [
            Alarm(
                subject=subject_of(b"stopped", record.record_id),
                severity=EMERGENCY,
                text=f"STOP order {record.body.order}, {clock(record.stamp.wall_s)}: {record.body.reason}",
            )
            for record in stops
        ]
        + [
            Alarm(
                subject=subject_of(b"not-understood", record.record_id),
                severity=EMERGENCY,
                text="The hub sent something that this version cannot read and must not ignore: "
                "call the hub, then update this software.",
            )
            for record in case.state.not_understood
        ]
    )


def state_text(found: Sequence[Crossing], contingency: Contingency, now_s: int) -> str:
    """What the plan shows beside a contingency."""
    if not found:
        return "watched only when values are entered"
    last = found[-1]
    text = f"CROSSED {clock(last.last.body.observed_s, now_s)}: {reading(contingency.quantity, last.value)}"
    if last.ended is None:
        return text
    value = quantity_value(last.ended.body, contingency.quantity)
    assert value is not None  # Only readings of this quantity end a crossing.
    return f"{text}; since {clock(last.ended.body.observed_s, now_s)}: {reading(contingency.quantity, value)}"


def subject_of(*parts: bytes) -> bytes:
    """What an alarm is about, in a name that is the same whenever the same thing is found again."""
    digest = blake2b(digest_size=_SUBJECT_BYTES, person=b"sf-alarm")
    for part in parts:
        digest.update(len(part).to_bytes(2, "big") + part)
    return digest.digest()


def _contingencies(reply: Record) -> tuple[Contingency, ...]:
    body: Reply = reply.body
    return body.contingencies


def _readings(vitals: Iterable[Record], contingency: Contingency) -> list[tuple[Record, int]]:
    """Sets in which the quantity was measured, by when it was observed."""
    ordered = sorted(vitals, key=lambda record: (record.body.observed_s, record.order_key))
    measured = []
    for record in ordered:
        body: Vitals = record.body
        value = quantity_value(body, contingency.quantity)
        if value is not None:
            measured.append((record, value))
    return measured


def _unseen(reply: Record, case: CaseFile) -> frozenset[RecordId]:
    """Vitals after the reply's basis; all of them when it cannot be told which earlier ones its author
    lacked."""
    outside = outside_basis(case.state.records, reply.body.basis)
    return frozenset(
        record.record_id for record in (case.state.vitals if outside.earlier_missing else outside.later)
    )


def _crosses(readings: Sequence[tuple[Record, int]], index: int, contingency: Contingency) -> bool:
    if not _is_beyond(readings[index][1], contingency):
        return False
    if not contingency.confirm_reading:
        return True
    return index > 0 and _is_beyond(readings[index - 1][1], contingency)


def _is_beyond(value: int, contingency: Contingency) -> bool:
    if contingency.comparison is Comparison.BELOW:
        return value < contingency.threshold
    return value > contingency.threshold
