"""A case built entry by entry in memory, with a site and a hub that number their records as the product
does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.actors import Actor, Party, Role
from protocol.basis import basis_of
from protocol.clinical import CaseOpened, Patient, Vitals
from protocol.entry import Entry, read_entry, write_entry
from protocol.header import Priority
from protocol.ids import ActorId, CaseId, Mailbox, PatientId
from protocol.orders import Basis, Reply
from protocol.records import NewRecord, Record, Reference, Relation
from protocol.stamps import Certainty, Stamp
from sfnode.domain.case_file import CaseFile, KeptEntry
from sfnode.domain.moments import Moment

NOW_S = 1_763_845_200
"""2025-11-22 21:00:00Z."""
PLACES = {Party.SITE: Mailbox(b"s" * 8), Party.HUB: Mailbox(b"h" * 8)}


def moment(after_s: float = 0.0, *, boot: str = "boot 1", certainty: Certainty = Certainty.SYNCED) -> Moment:
    return Moment(boot=boot, monotonic_s=5_000.0 + after_s, wall_s=int(NOW_S + after_s), certainty=certainty)


def about(record: Record) -> Reference:
    return Reference(Relation.ABOUT, record.record_id)


class Chart:
    """One case; `offset` keeps ids of two charts apart."""

    def __init__(self, offset: int = 1, *, question: str = "What now?", **patient: Any) -> None:
        self.case_id = CaseId(bytes([offset]) * 10)
        self.patient_id = PatientId(bytes([offset + 100]) * 10)
        self.kept: list[KeptEntry] = []
        self.now = moment()
        self._keys = {party: Ed25519PrivateKey.from_private_bytes(bytes([party]) * 32) for party in Party}
        self._authors = {party: ActorId(bytes([party + 10]) * 8) for party in Party}
        self._counter = 1
        self._introduced: set[Party] = set()
        self.site(
            CaseOpened(
                template="general",
                template_version=1,
                urgency=Priority.URGENT,
                complaint="chest pain",
                question=question,
                site=PLACES[Party.SITE],
                hub=PLACES[Party.HUB],
            ),
            Patient(**{"code": "P-1", "age_years": 54, **patient}),
        )

    def site(self, *bodies: object) -> tuple[Record, ...]:
        return self._write(Party.SITE, bodies)

    def hub(self, *bodies: object) -> tuple[Record, ...]:
        return self._write(Party.HUB, bodies)

    def vitals(self, **readings: Any) -> Record:
        return self.site(Vitals(**{"observed_s": self.now.wall_s, **readings}))[0]

    def reply(self, *, refs: Sequence[Reference] = (), basis: Basis | None = None, **fields: Any) -> Record:
        """A reply of somebody who has seen everything so far, unless `basis` says what they saw."""
        body = Reply(**{"basis": basis or self.basis(), "assessment": "Seen.", **fields})
        return self.hub(NewRecord(body, tuple(refs)))[0]

    def basis(self) -> Basis:
        return basis_of(record for each in self.kept for record in each.entry.records)

    def pass_time(self, span_s: float) -> None:
        self.now = moment(self.now.monotonic_s - 5_000.0 + span_s, boot=self.now.boot)

    def file(self, *, sent: bool = True) -> CaseFile:
        return CaseFile.of(
            self.kept,
            case_id=self.case_id,
            patient_id=self.patient_id,
            priority=Priority.URGENT,
            sent_s=NOW_S if sent else None,
            hub=PLACES[Party.HUB],
        )

    def _write(self, party: Party, bodies: Sequence[object]) -> tuple[Record, ...]:
        records = [body if isinstance(body, NewRecord) else NewRecord(body) for body in bodies]
        role = Role.MEDIC if party is Party.SITE else Role.SPECIALIST
        if party not in self._introduced:
            records.insert(0, NewRecord(Actor(name=f"{role.name.lower()} on duty", role=role)))
        entry = self._entry(party, records)
        self.kept.append(KeptEntry(entry=entry, party=party, place=PLACES[party], first_seen=self.now))
        introduced = party in self._introduced
        self._introduced.add(party)
        return entry.records if introduced else entry.records[1:]

    def _entry(self, party: Party, records: Sequence[NewRecord]) -> Entry:
        signed = write_entry(
            records,
            case_id=self.case_id,
            patient_id=self.patient_id,
            author=self._authors[party],
            stamp=Stamp(self._counter, self.now.wall_s),
            key=self._keys[party],
        )
        self._counter += len(records)
        return read_entry(signed)
