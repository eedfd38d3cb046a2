"""Which references may take effect: a record can be rightly signed and still have no power over another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from .actors import Party
from .records import Kind, Record, Reference, Relation

_NEVER_VOIDED: Final = frozenset({Kind.ORDER_STOPPED, Kind.TOMBSTONE})
_OWN_WORDS: Final = frozenset({Kind.NOTE})
"""Written at both ends, and put right only at the end where they were written."""


def admitted(stated: Iterable[tuple[Record, Party]]) -> tuple[Record, ...]:
    """All records, with the kind of place that signed each, without the references that may not take effect.

    Voiding (and moving to another case) is for the place that wrote a record. A stop order is never voided,
    since an order that was stopped would open again; nor is a tombstone, since what is gone is gone.
    Superseding is for records of the same kind: a reply cannot make an allergy disappear. Nor does a place
    correct the notes of another.
    Node and hub fold what this gives, so that both ends show the same case.
    """
    records = {record.record_id: (record, party) for record, party in stated}

    def stands(record: Record, party: Party, ref: Reference) -> bool:
        target, target_party = records.get(ref.record, (None, party))
        if target is None:
            return True
        if ref.relation is Relation.VOIDS:
            return target_party is party and target.kind not in _NEVER_VOIDED
        if ref.relation is Relation.SUPERSEDES:
            is_own = target_party is party or record.kind not in _OWN_WORDS
            return target.kind == record.kind and is_own
        return True

    return tuple(
        replace(record, refs=tuple(ref for ref in record.refs if stands(record, party, ref)))
        for record, party in records.values()
    )
