"""Identifiers: what each names, how long it is, and how a person reads it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NewType

RecordId = NewType("RecordId", bytes)
"""16 bytes: BLAKE2b of the record's canonical encoding."""
EntryId = NewType("EntryId", bytes)
"""32 bytes: BLAKE2b of the entry's canonical encoding; what its author signs."""
BundleId = NewType("BundleId", bytes)
"""12 bytes: keyed hash over what the bundle holds, stable when it is sealed again."""
CaseId = NewType("CaseId", bytes)
"""10 random bytes."""
PatientId = NewType("PatientId", bytes)
"""10 random bytes; joined across sites only by a link record."""
ActorId = NewType("ActorId", bytes)
"""8 random bytes, bound to a person, a role and a device by a signed record."""
KeyId = NewType("KeyId", bytes)
"""8 bytes: BLAKE2b of a public key."""
Mailbox = NewType("Mailbox", bytes)
"""8 bytes: hash of (organisation, service or site)."""
Incarnation = NewType("Incarnation", bytes)
"""4 random bytes: one life of a store."""
Pseudonym = NewType("Pseudonym", bytes)
"""4 bytes by which a pair is known on the wire."""
SealTag = NewType("SealTag", bytes)
"""4 bytes: hash of the ciphertext; a new seal of the same bundle has another."""

RECORD_ID_BYTES: Final = 16
ENTRY_ID_BYTES: Final = 32
BUNDLE_ID_BYTES: Final = 12
CASE_ID_BYTES: Final = 10
PATIENT_ID_BYTES: Final = 10
ACTOR_ID_BYTES: Final = 8
KEY_ID_BYTES: Final = 8
MAILBOX_BYTES: Final = 8
INCARNATION_BYTES: Final = 4
PSEUDONYM_BYTES: Final = 4
SEAL_TAG_BYTES: Final = 4

_SHORT_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def mailbox_of(organisation: str, name: str) -> Mailbox:
    """The address of a service or site: 8 bytes of BLAKE2b over both names, each length-prefixed."""
    material = b"".join(
        len(part).to_bytes(2, "big") + part for part in (organisation.encode(), name.encode())
    )
    return Mailbox(blake2b(material, digest_size=MAILBOX_BYTES, person=b"sf-mailbox").digest())


def key_id_of(public_key: bytes) -> KeyId:
    """The name under which a public key is looked up."""
    return KeyId(blake2b(public_key, digest_size=KEY_ID_BYTES, person=b"sf-key").digest())


def seal_tag_of(ciphertext: bytes) -> SealTag:
    """Names one particular sealing, so that chunks of two sealings never mix."""
    return SealTag(blake2b(ciphertext, digest_size=SEAL_TAG_BYTES, person=b"sf-seal").digest())


def short(identifier: bytes) -> str:
    """Four look-alike-free characters for people ("C-7K2M" is prefix plus these); never used as a key."""
    number = int.from_bytes(identifier[:3], "big") >> 4
    return "".join(_SHORT_ALPHABET[(number >> shift) & 31] for shift in (15, 10, 5, 0))
