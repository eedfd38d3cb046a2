"""Which references may take effect: a record can be rightly signed and still have no power over another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .actors import Party
from .records import Kind, Record, Reference, Relation


def admitted(stated: Iterable[tuple[Record, Party]]) -> tuple[Record, ...]:
    """All records, with the kind of place that signed each, without the references that may not take effect.

    Voiding is for the place that wrote a record, and a stop order is never voided: an order that was stopped
    would open again. Superseding is for records of the same kind: a reply cannot make an allergy disappear.
    Node and hub fold what this gives, so that both ends show the same case.
    """
    records = {record.record_id: (record, party) for record, party in stated}

    def stands(record: Record, party: Party, ref: Reference) -> bool:
        target, target_party = records.get(ref.record, (None, party))
        if target is None:
            return True
        if ref.relation is Relation.VOIDS:
            return target_party is party and target.kind != Kind.ORDER_STOPPED
        return ref.relation is not Relation.SUPERSEDES or target.kind == record.kind

    return tuple(
        replace(record, refs=tuple(ref for ref in record.refs if stands(record, party, ref)))
        for record, party in records.values()
    )
