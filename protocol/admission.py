"""Which references may take effect: a record can be rightly signed and still have no power over another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from .actors import Actor
from .authority import PRESCRIBERS, only_prescribers_write
from .ids import ActorId, Mailbox, RecordId
from .records import Kind, Record, Reference, Relation

_NEVER_VOIDED: Final = frozenset({Kind.ORDER_STOPPED, Kind.TOMBSTONE})
_OWN_WORDS: Final = frozenset({Kind.NOTE})
"""Written at every place, and put right only where they were written."""


def admitted(stated: Iterable[tuple[Record, Mailbox]]) -> tuple[Record, ...]:
    """All records, with the place that signed each, without the references that may not take effect.

    Voiding (and moving to another case) is for the place that wrote a record, and of what only a prescriber
    writes, for its author and for whom the place has introduced in this case as a prescriber. A stop order is
    never voided, since an order that was stopped would open again; nor is a tombstone, since what is gone is
    gone. Superseding is for records of the same kind: a reply cannot make an allergy disappear. Nor does a
    place correct the notes of another.
    Node and hub fold what this gives, so that both ends show the same case.
    """
    case = _Case.of(stated)
    return tuple(case.admitted(record) for record in case.records.values())


@dataclass(frozen=True, slots=True)
class _Case:
    """The records of one case, where each was signed, and who of those places prescribes."""

    records: Mapping[RecordId, Record]
    places: Mapping[RecordId, Mailbox]
    prescribers: frozenset[tuple[ActorId, Mailbox]]

    @classmethod
    def of(cls, stated: Iterable[tuple[Record, Mailbox]]) -> _Case:
        known = tuple(stated)
        return cls(
            records={record.record_id: record for record, _ in known},
            places={record.record_id: place for record, place in known},
            prescribers=frozenset(
                (record.author, place)
                for record, place in known
                if isinstance(record.body, Actor) and record.body.role in PRESCRIBERS
            ),
        )

    def admitted(self, record: Record) -> Record:
        """With the references that take effect; most have none."""
        refs = tuple(ref for ref in record.refs if self.lets_stand(record, ref))
        return record if refs == record.refs else replace(record, refs=refs)

    def lets_stand(self, record: Record, ref: Reference) -> bool:
        target = self.records.get(ref.record)
        if target is None:
            return True
        match ref.relation:
            case Relation.VOIDS:
                return self._may_void(record, target)
            case Relation.SUPERSEDES:
                is_own = self._is_of_same_place(record, target) or record.kind not in _OWN_WORDS
                return target.kind == record.kind and is_own
        return True

    def _may_void(self, record: Record, target: Record) -> bool:
        if target.kind in _NEVER_VOIDED or not self._is_of_same_place(record, target):
            return False
        if record.author == target.author or not only_prescribers_write(target.kind):
            return True
        return (record.author, self.places[record.record_id]) in self.prescribers

    def _is_of_same_place(self, record: Record, target: Record) -> bool:
        return self.places[record.record_id] == self.places[target.record_id]
