"""A site with a real encrypted vault, and the hub it is enrolled with, for tests of the casebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.actors import Actor, Role
from protocol.basis import basis_of
from protocol.bundle import BundleContent, EntryBundle
from protocol.clinical import AllergyState, Patient, Sex, Vitals
from protocol.enrolment import HubKeys, PairSecrets
from protocol.entry import SignedEntry, read_entry, write_entry
from protocol.header import Priority
from protocol.ids import ActorId, BundleId, CaseId, PatientId, Pseudonym, RecordId, mailbox_of
from protocol.orders import Basis, Reply
from protocol.records import NewRecord, Record, Reference, Relation
from protocol.stamps import Stamp
from sfnode.domain.intake import NewCase
from sfnode.media.layers import EncodedLayer, PhotoLayers
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock
from sfnode.services.happenings import CasebookEvent
from sfnode.services.outgoing import Carriage, Outgoing
from sfnode.vault.keyfile import Stretching
from sfnode.vault.vault import Vault

NOW_S = 1_763_845_200
"""2025-11-22 21:00:00Z."""
PASSPHRASE = b"correct horse"
DOCTOR = ActorId(b"doctor01")
CHEAP = Stretching(memory_kib=64, passes=1, lanes=1)
"""Tests do not measure how long a guess takes."""


HUB = mailbox_of("ORG", "HUB")
PAIR = PairSecrets(bundle_ids=b"b" * 32, link=b"l" * 32, small=b"s" * 32)


def hub_keys(signing: bytes = b"", name: str = "HUB") -> HubKeys:
    return HubKeys(
        organisation="ORG",
        hub_name=name,
        site_name="MV ARGO",
        pseudonym=Pseudonym(b"psdn"),
        signing=signing or HubDesk().public_key,
        opening=b"o" * 32,
        transport=b"t" * 32,
    )


def new_case(**fields: Any) -> NewCase:
    patient = Patient(code="P-0917", age_years=54, sex=Sex.MALE, allergy_state=AllergyState.NONE_KNOWN)
    return NewCase(
        **{
            "template": "general",
            "urgency": Priority.URGENT,
            "complaint": "chest pain",
            "question": "Aspirin now?",
            "patient": patient,
            **fields,
        }
    )


def photo_layers(preview: bytes = b"p" * 2_000, standard: bytes = b"s" * 15_000) -> PhotoLayers:
    return PhotoLayers(
        preview=EncodedLayer(preview, 192, 256, 40),
        standard=EncodedLayer(standard, 960, 1_280, 50),
        source_sha256=b"h" * 32,
        source_width=3_000,
        source_height=4_000,
        metadata_removed=("EXIF", "GPS"),
        notes=(),
    )


@dataclass
class HubDesk:
    """Signs entries as the hub does: with its own key, as one specialist, after what it has seen."""

    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"k" * 32))
    author: ActorId = DOCTOR
    role: Role = Role.SPECIALIST
    seen: dict[CaseId, list[Record]] = field(default_factory=dict)
    now_s: int = NOW_S

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def receive(self, contents: Sequence[BundleContent]) -> None:
        for content in contents:
            if isinstance(content, EntryBundle):
                for signed in content.entries:
                    entry = read_entry(signed)
                    self.seen.setdefault(entry.case_id, []).extend(entry.records)

    def basis(self, case_id: CaseId) -> Basis:
        return basis_of(self.seen.get(case_id, []))

    def write(
        self,
        case_id: CaseId,
        *records: NewRecord,
        patient_id: PatientId | None = None,
        introduce: bool = True,
        counter: int | None = None,
    ) -> SignedEntry:
        seen = self.seen.setdefault(case_id, [])
        last = max((record.stamp.counter for record in seen), default=0)
        introduction = [NewRecord(Actor(name="Specialist on duty", role=self.role))] if introduce else []
        signed = write_entry(
            [*introduction, *records],
            case_id=case_id,
            patient_id=patient_id or seen[0].patient_id,
            author=self.author,
            stamp=Stamp(last + 1 if counter is None else counter, self.now_s),
            key=self.key,
        )
        seen.extend(read_entry(signed).records)
        return signed

    def reply(self, case_id: CaseId, *, refs: Sequence[Reference] = (), **fields: Any) -> SignedEntry:
        body = Reply(**{"basis": self.basis(case_id), "assessment": "Likely a heart attack.", **fields})
        return self.write(case_id, NewRecord(body, tuple(refs)))


def about(record_id: RecordId) -> Reference:
    return Reference(Relation.ABOUT, record_id)


def last_record(signed: SignedEntry) -> RecordId:
    return read_entry(signed).records[-1].record_id


def entries_in(row: Outgoing) -> tuple[SignedEntry, ...]:
    """The entries of a bundle that holds entries."""
    assert isinstance(row.content, EntryBundle)
    return row.content.entries


@dataclass
class Station:
    """One site: its vault's folder, its clock, its casebook and the hub."""

    folder: Path
    vault: Vault
    clock: SetClock
    book: CaseBook
    desk: HubDesk
    events: list[CasebookEvent]

    async def sent_case(self, **fields: Any) -> CaseId:
        """A case that was sent and that the hub has."""
        case_id = (await self.book.open_case(new_case(**fields))).case_id
        await self.book.send_case(case_id)
        await self.hub_reads()
        return case_id

    async def hub_reads(self) -> None:
        """Everything in the outbox goes to the hub."""
        rows = await self.book.outbox(1_000)
        for row in rows:
            await self.book.sealed(row.row, BundleId(row.row.to_bytes(12, "big")))
        self.desk.receive([row.content for row in rows])

    async def hear(self, *entries: SignedEntry) -> None:
        """A bundle of the hub's arrives and stands whole."""
        ingested = await self.book.ingest(EntryBundle(entries), HUB)
        assert not ingested.quarantined, ingested.quarantined

    def vitals(self, **readings: Any) -> Vitals:
        return Vitals(**{"observed_s": int(self.clock.wall_s()), **readings})

    async def restart(self, carriage: Carriage | None = None) -> None:
        """The daemon ends and starts again."""
        await self.vault.close()
        self.vault = await Vault.unlock(self.folder, PASSPHRASE)
        self.book = CaseBook(self.vault, clock=self.clock, carriage=carriage, observer=self.events.append)


async def open_station(folder: Path, *, enrolled: bool = True, carriage: Carriage | None = None) -> Station:
    vault = await Vault.create(
        folder,
        PASSPHRASE,
        site_name="MV ARGO",
        person_name="Medic on duty",
        role=Role.MEDIC,
        stretching=CHEAP,
    )
    clock = SetClock(wall_s=NOW_S)
    events: list[CasebookEvent] = []
    book = CaseBook(vault, clock=clock, carriage=carriage, observer=events.append)
    station = Station(folder=folder, vault=vault, clock=clock, book=book, desk=HubDesk(), events=events)
    if enrolled:
        await book.join_hub(hub_keys(), PAIR)
    return station
