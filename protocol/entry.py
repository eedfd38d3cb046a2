"""Entries: records of one case by one author, signed once, and forwarded whole with their proof.

Law: an entry's bytes are kept as they came. Its id and signature are over those bytes, so unknown fields,
re-bundling, referral and return never break the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .codec import Primitive, decode, encode
from .errors import InvalidRecord, MalformedInput, SignatureBroken
from .ids import (
    ACTOR_ID_BYTES,
    CASE_ID_BYTES,
    ENTRY_ID_BYTES,
    KEY_ID_BYTES,
    PATIENT_ID_BYTES,
    ActorId,
    CaseId,
    EntryId,
    KeyId,
    PatientId,
    key_id_of,
)
from .limits import COUNTER_MAX, ENTRY_BYTES_MAX, RECORDS_PER_ENTRY_MAX
from .records import NewRecord, Record, from_wire, to_wire
from .stamps import Stamp, check_stamp

SIGNATURE_BYTES: Final = 64
_SIGNING_DOMAIN: Final = b"sf-entry-1"
_READ_MAX: Final = 256
"""Entries whose reading is kept: one is read when it is written, kept, packed, shown and told of."""
_READ_BYTES_MAX: Final = 2 * 1024
"""Longer ones are read each time, so that what is kept is a few megabytes at most."""


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """The unit of authorship as it is kept and forwarded."""

    payload: bytes
    """Canonical encoding of the entry."""
    signature: bytes

    @property
    def entry_id(self) -> EntryId:
        return EntryId(blake2b(self.payload, digest_size=ENTRY_ID_BYTES, person=b"sf-entry").digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a signed entry says."""

    entry_id: EntryId
    case_id: CaseId
    patient_id: PatientId
    author: ActorId
    signer: KeyId
    """Names the device key that signed; which place it belongs to is the verifier's knowledge."""
    stamp: Stamp
    records: tuple[Record, ...]

    @property
    def counter_last(self) -> int:
        """Of its last record: whoever has read the entry writes above it."""
        return self.stamp.counter + len(self.records) - 1


def write_entry(
    records: Sequence[NewRecord],
    *,
    case_id: CaseId,
    patient_id: PatientId,
    author: ActorId,
    stamp: Stamp,
    key: Ed25519PrivateKey,
) -> SignedEntry:
    """Sign `records` as one entry; record i is stamped `stamp.at(i)`. `InvalidRecord` if its readers would
    refuse it: nothing is signed that nobody could read."""
    if not 1 <= len(records) <= RECORDS_PER_ENTRY_MAX:
        raise InvalidRecord(f"an entry holds 1..{RECORDS_PER_ENTRY_MAX} records, not {len(records)}")
    payload = encode(
        [
            case_id,
            patient_id,
            author,
            key_id_of(key.public_key().public_bytes_raw()),
            [stamp.counter, stamp.wall_s, stamp.offset_minutes, int(stamp.certainty)],
            [to_wire(record) for record in records],
        ]
    )
    if len(payload) > ENTRY_BYTES_MAX:
        raise InvalidRecord(
            f"an entry of {len(payload)} bytes is larger than {ENTRY_BYTES_MAX}; send it in parts"
        )
    unsigned = SignedEntry(payload, b"")
    try:
        read_entry(unsigned)
    except MalformedInput as error:
        raise InvalidRecord(str(error)) from error
    return SignedEntry(payload, key.sign(_SIGNING_DOMAIN + unsigned.entry_id))


def read_entry(signed: SignedEntry) -> Entry:
    """What the entry says, signature not checked; `MalformedInput` when it breaks a rule of the format."""
    if len(signed.payload) <= _READ_BYTES_MAX:
        return _known(signed.payload)
    return _read(signed.payload)


def forget_entries() -> None:
    """Nothing is kept of what was read: the vault was locked, or a case erased."""
    _known.cache_clear()


@lru_cache(maxsize=_READ_MAX)
def _known(payload: bytes) -> Entry:
    return _read(payload)


def _read(payload: bytes) -> Entry:
    match decode(payload, size_bytes_max=ENTRY_BYTES_MAX):
        case [
            bytes(case_id),
            bytes(patient_id),
            bytes(author),
            bytes(signer),
            [counter, wall_s, offset, certainty],
            list(items),
        ]:
            pass
        case _:
            raise MalformedInput("an entry does not have the six parts it must have")
    sizes = (len(case_id), len(patient_id), len(author), len(signer))
    if sizes != (CASE_ID_BYTES, PATIENT_ID_BYTES, ACTOR_ID_BYTES, KEY_ID_BYTES):
        raise MalformedInput("an entry names its case, patient, author or key with the wrong length")
    if not 1 <= len(items) <= RECORDS_PER_ENTRY_MAX:
        raise MalformedInput(f"an entry does not hold 1..{RECORDS_PER_ENTRY_MAX} records")
    stamp = check_stamp(counter, wall_s, offset, certainty)
    if stamp.at(len(items) - 1).counter > COUNTER_MAX:
        raise MalformedInput("the counter of an entry's last record is out of range")
    return Entry(
        entry_id=SignedEntry(payload, b"").entry_id,
        case_id=CaseId(case_id),
        patient_id=PatientId(patient_id),
        author=ActorId(author),
        signer=KeyId(signer),
        stamp=stamp,
        records=_records(CaseId(case_id), PatientId(patient_id), ActorId(author), stamp, items),
    )


def verify_entry(signed: SignedEntry, public_key: bytes) -> None:
    """`SignatureBroken` unless the holder of `public_key` signed exactly these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            signed.signature, _SIGNING_DOMAIN + signed.entry_id
        )
    except (InvalidSignature, ValueError) as error:
        raise SignatureBroken(
            "the signature does not match: the entry was altered or is not this author's"
        ) from error


def _records(
    case_id: CaseId, patient_id: PatientId, author: ActorId, stamp: Stamp, items: list[Primitive]
) -> tuple[Record, ...]:
    return tuple(
        from_wire(case_id, patient_id, author, stamp.at(index), item) for index, item in enumerate(items)
    )
