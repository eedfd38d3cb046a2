"""Authors, keys and entries for protocol tests; ids start at per-site offsets so that a mix-up fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.actors import Actor, Party, Role
from protocol.authority import Signer
from protocol.entry import Entry, SignedEntry, read_entry, write_entry
from protocol.header import Priority
from protocol.ids import ActorId, CaseId, Mailbox, PatientId, key_id_of, mailbox_of
from protocol.records import NewRecord
from protocol.stamps import Stamp

SITE = mailbox_of("Test Organisation", "site one")
HUB = mailbox_of("Test Organisation", "hub")
CASE = CaseId(b"case-one-1")
PATIENT = PatientId(b"patient-11")
WALL_S = 1_760_000_000


@dataclass(frozen=True, slots=True)
class Author:
    """One person at one place, with the device key that signs for them."""

    actor: ActorId
    key: Ed25519PrivateKey
    mailbox: Mailbox
    party: Party
    role: Role

    @property
    def signer(self) -> Signer:
        public = self.key.public_key().public_bytes_raw()
        return Signer(key_id_of(public), public, self.mailbox, self.party)

    def introduce(self) -> NewRecord:
        return NewRecord(Actor(name=f"{self.role.name.title()} on watch", role=self.role))

    def write(
        self,
        *bodies: Any,
        counter: int,
        case: CaseId = CASE,
        patient: PatientId = PATIENT,
        introduced: bool = True,
    ) -> SignedEntry:
        """Bodies (or ready `NewRecord`s) as one signed entry."""
        records: Sequence[NewRecord] = [b if isinstance(b, NewRecord) else NewRecord(b) for b in bodies]
        if introduced:
            records = [self.introduce(), *records]
        stamp = Stamp(counter, WALL_S + counter, 540)
        return write_entry(
            records, case_id=case, patient_id=patient, author=self.actor, stamp=stamp, key=self.key
        )

    def entry(self, *bodies: Any, counter: int, introduced: bool = True) -> Entry:
        return read_entry(self.write(*bodies, counter=counter, introduced=introduced))


def _key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes((seed,)) * 32)


MEDIC = Author(ActorId(b"medic-01"), _key(11), SITE, Party.SITE, Role.MEDIC)
SPECIALIST = Author(ActorId(b"doctor-1"), _key(12), HUB, Party.HUB, Role.SPECIALIST)
COORDINATOR = Author(ActorId(b"coordin1"), _key(12), HUB, Party.HUB, Role.COORDINATOR)
STRANGER = Author(ActorId(b"stranger"), _key(13), mailbox_of("Elsewhere", "x"), Party.SITE, Role.MEDIC)

URGENT = Priority.URGENT
