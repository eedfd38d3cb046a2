"""The other end of an enrolment, with real keys: what a node needs before it can write a case."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Role
from protocol.bundle import BundleContent, EntryBundle
from protocol.enrolment import (
    CODE_BYTES,
    NONCE_BYTES,
    HubKeys,
    PairSecrets,
    SiteKeys,
    code_key,
    format_code,
    pair_secrets,
    read_request,
    write_response,
)
from protocol.entry import SignedEntry, write_entry
from protocol.header import Priority
from protocol.ids import ActorId, CaseId, Mailbox, PatientId, Pseudonym, mailbox_of
from protocol.records import NewRecord
from protocol.sealing import HpkeSealer, Prekey
from protocol.small_seal import Direction, SmallKey
from protocol.stamps import Stamp
from sync.envelope import Envelope, SealedContent

ORGANISATION = "Example Telemedical Service"
HUB_NAME = "Duty desk"
PSEUDONYM = Pseudonym(b"\x51\x52\x53\x54")


def quick_key(secret: bytes) -> bytes:
    """In place of `code_key`, where nobody guesses codes."""
    return blake2b(secret, digest_size=32).digest()


@dataclass
class StandInHub:
    """Knows one code and, once a site has used it, that site."""

    secret: bytes = field(default_factory=lambda: os.urandom(CODE_BYTES))
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    opening: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    transport: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    author: ActorId = field(default_factory=lambda: ActorId(os.urandom(8)))
    site: SiteKeys | None = None
    organisation: str = ORGANISATION
    name: str = HUB_NAME
    pseudonym: Pseudonym = PSEUDONYM
    requests: list[bytes] = field(default_factory=list)
    stretched: Callable[[bytes], bytes] = code_key

    @property
    def address(self) -> Mailbox:
        return mailbox_of(self.organisation, self.name)

    @property
    def code(self) -> str:
        return format_code(self.secret)

    def answer(self, request: bytes) -> bytes:
        """Raises `EnrolmentRefused` for another code's request."""
        key = self.stretched(self.secret)
        self.requests.append(request)
        self.site = read_request(request, key=key)
        keys = HubKeys(
            organisation=self.organisation,
            hub_name=self.name,
            site_name=self.site.site_name,
            pseudonym=self.pseudonym,
            signing=self.signing.public_key().public_bytes_raw(),
            opening=self.opening.public_key().public_bytes_raw(),
            transport=self.transport.public_key().public_bytes_raw(),
        )
        return write_response(keys, request, key=key, nonce=os.urandom(NONCE_BYTES))

    @property
    def secrets(self) -> PairSecrets:
        return pair_secrets(self.transport, self.enrolled.transport, self.pseudonym)

    @property
    def enrolled(self) -> SiteKeys:
        if self.site is None:
            raise LookupError("no site has enrolled")
        return self.site

    def sign(
        self, records: list[NewRecord], *, case_id: CaseId, patient_id: PatientId, introduced: bool = True
    ) -> SignedEntry:
        """An entry of the specialist's, who is introduced in it."""
        if introduced:
            records = [NewRecord(Actor(name="Specialist on duty", role=Role.SPECIALIST)), *records]
        stamp = Stamp(1_000, 1_760_000_000)
        return write_entry(
            records,
            case_id=case_id,
            patient_id=patient_id,
            author=self.author,
            stamp=stamp,
            key=self.signing,
        )

    def seal(self, content: BundleContent, priority: Priority = Priority.URGENT) -> SealedContent:
        """For the site, as its custody will hold it."""
        return self.down.seal(
            content,
            priority=priority,
            recipient=Prekey(self.enrolled.opening),
            sealer=HpkeSealer(os.urandom),
        )

    def seal_entry(self, entry: SignedEntry) -> SealedContent:
        return self.seal(EntryBundle((entry,)))

    @property
    def down(self) -> Envelope:
        """From hub to site."""
        return self._envelope(self.enrolled.site_name, Direction.TO_SITE)

    @property
    def up(self) -> Envelope:
        """From site to hub."""
        return self._envelope(self.name, Direction.TO_HUB)

    def _envelope(self, name: str, direction: Direction) -> Envelope:
        return Envelope(
            destination=mailbox_of(self.organisation, name),
            origin=self.pseudonym,
            pair_secret=self.secrets.bundle_ids,
            small=SmallKey(secret=self.secrets.small, direction=direction),
        )
