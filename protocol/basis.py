"""The basis of a reply: in nineteen bytes, which of the site's facts its author had seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .orders import Basis
from .records import Kind, Record

RELEVANT: Final = frozenset(
    {
        Kind.PATIENT,
        Kind.FINDINGS,
        Kind.NOTE,
        Kind.VITALS,
        Kind.TREATMENT,
        Kind.ANSWER,
        Kind.ORDER_GIVEN,
        Kind.ORDER_REFUSED,
        Kind.VOIDED,
        Kind.VOICE_ADVICE,
        Kind.PRESCRIPTION_CHANGED,
        Kind.MOVED,
    }
)
"""Kinds that can change what a specialist would advise."""

_DIGEST_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class OutsideBasis:
    """What the author of a reply had not seen."""

    later: tuple[Record, ...]
    """Relevant records stamped after the newest the author had."""
    earlier_missing: bool
    """The earlier relevant records here are not those that the author had: one had not reached the author, or
    one of the author's has not reached this store, or both; which ones cannot be told."""
    not_here: bool
    """Of those that the author had, one at least has not reached this store."""

    def __bool__(self) -> bool:
        return bool(self.later) or self.earlier_missing


def basis_of(records: Iterable[Record]) -> Basis:
    """The basis that an author holding these records of one case states."""
    relevant = [record for record in records if record.kind in RELEVANT]
    counter = max((record.stamp.counter for record in relevant), default=0)
    return Basis(counter=counter, count=len(relevant), digest=_digest(relevant))


def outside_basis(records: Iterable[Record], basis: Basis) -> OutsideBasis:
    """The relevant records among `records` that a reply with this basis was written without."""
    relevant = sorted(
        (record for record in records if record.kind in RELEVANT), key=lambda record: record.order_key
    )
    within = [record for record in relevant if record.stamp.counter <= basis.counter]
    later = tuple(record for record in relevant if record.stamp.counter > basis.counter)
    is_the_same = len(within) == basis.count and _digest(within) == basis.digest
    return OutsideBasis(later=later, earlier_missing=not is_the_same, not_here=len(within) < basis.count)


def _digest(records: Iterable[Record]) -> bytes:
    """Order-free: a sum of the first eight bytes of each id, modulo 2**64."""
    total = sum(int.from_bytes(record.record_id[:_DIGEST_BYTES], "big") for record in records)
    return (total % (1 << 8 * _DIGEST_BYTES)).to_bytes(_DIGEST_BYTES, "big")
