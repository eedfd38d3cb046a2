"""The clear header of a bundle: all that a relay or courier may see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from .errors import BundleRefused, MalformedInput
from .ids import (
    BUNDLE_ID_BYTES,
    INCARNATION_BYTES,
    MAILBOX_BYTES,
    PSEUDONYM_BYTES,
    SEAL_TAG_BYTES,
    BundleId,
    Incarnation,
    Mailbox,
    Pseudonym,
    SealTag,
)
from .limits import BUNDLE_SEALED_BYTES_MAX, SEQUENCE_MAX
from .varint import decode_varint, encode_varint


class Priority(IntEnum):
    """Delivery class of a bundle; the smaller goes first."""

    EMERGENCY = 0
    URGENT = 1
    ROUTINE = 2
    BULK = 3


class Suite(IntEnum):
    """Version and cipher suite in one byte; an unknown one is refused."""

    HPKE = 1
    """HPKE base mode X25519, HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180), to the recipient's prekey."""
    HPKE_STREAM = 2
    """The same sealing a content key; the body follows in STREAM segments of 16 KiB."""
    SMALL = 3
    """AES-256-GCM-SIV under the pair's static secret, for bundles that fit one satellite message."""


RECIPIENT_KEY_BYTES: Final = 2
_DWELL_CODES: Final = 32
_SIZE_LOW_BITS: Final = 3
"""Low bits of the size that travel beside the dwell code, so that two more bytes hold sizes below 128 KiB."""
_SIZE_LOW: Final = (1 << _SIZE_LOW_BITS) - 1


def prekey_id(public_key: bytes) -> bytes:
    """The header's name of a recipient key: BLAKE2b of the public key."""
    return blake2b(public_key, digest_size=RECIPIENT_KEY_BYTES, person=b"sf-prekey").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleHeader:
    """Addressing and custody facts of one sealed bundle: 40 bytes while sequence < 16 384 and size < 128 KiB.

    The seal binds suite, destination, origin, recipient key, bundle id and priority. Incarnation, sequence,
    tag and dwell are custody facts that change without a new seal; `dwell_code` k lets the bundle wait 2**k
    seconds more in relays, and each holder decrements it.
    """

    suite: Suite
    destination: Mailbox
    origin: Pseudonym
    incarnation: Incarnation
    sequence: int
    recipient_key: bytes
    bundle_id: BundleId
    seal_tag: SealTag
    priority: Priority
    dwell_code: int
    size_bytes: int
    """Of the bundle as custody keeps it: the sealed bytes and the suite byte before them, which `seal_tag`
    covers too. The suite byte does not travel again behind a header that has named it."""

    def __post_init__(self) -> None:
        if not 1 <= self.sequence <= SEQUENCE_MAX:
            raise BundleRefused(f"sequence number {self.sequence} is outside 1..{SEQUENCE_MAX}")
        if not 1 <= self.size_bytes <= BUNDLE_SEALED_BYTES_MAX:
            raise BundleRefused(f"sealed size {self.size_bytes} is outside 1..{BUNDLE_SEALED_BYTES_MAX}")
        if not 0 <= self.dwell_code < _DWELL_CODES:
            raise BundleRefused(f"dwell code {self.dwell_code} is outside 0..{_DWELL_CODES - 1}")


def encode_header(header: BundleHeader) -> bytes:
    """The header as it travels outside an authenticated session."""
    return b"".join(
        (
            bytes((header.suite << 2 | header.priority,)),
            header.destination,
            header.origin,
            header.incarnation,
            encode_varint(header.sequence),
            header.recipient_key,
            header.bundle_id,
            header.seal_tag,
            bytes(((header.size_bytes & _SIZE_LOW) << 5 | header.dwell_code,)),
            encode_varint(header.size_bytes >> _SIZE_LOW_BITS),
        )
    )


def decode_header(data: bytes) -> tuple[BundleHeader, int]:
    """The header at the start of `data` and how many bytes it took; `BundleRefused` on anything else."""
    fields = _Cursor(data)
    suite, priority = divmod(fields.take(1)[0], len(Priority))
    if suite not in Suite.__members__.values():
        raise BundleRefused(f"unknown version or cipher suite {suite}")
    destination = Mailbox(fields.take(MAILBOX_BYTES))
    origin = Pseudonym(fields.take(PSEUDONYM_BYTES))
    incarnation = Incarnation(fields.take(INCARNATION_BYTES))
    sequence = fields.varint()
    recipient_key = fields.take(RECIPIENT_KEY_BYTES)
    bundle_id = BundleId(fields.take(BUNDLE_ID_BYTES))
    seal_tag = SealTag(fields.take(SEAL_TAG_BYTES))
    size_low, dwell_code = divmod(fields.take(1)[0], _DWELL_CODES)
    header = BundleHeader(
        suite=Suite(suite),
        destination=destination,
        origin=origin,
        incarnation=incarnation,
        sequence=sequence,
        recipient_key=recipient_key,
        bundle_id=bundle_id,
        seal_tag=seal_tag,
        priority=Priority(priority),
        dwell_code=dwell_code,
        size_bytes=fields.varint() << _SIZE_LOW_BITS | size_low,
    )
    return header, fields.position


class _Cursor:
    """Reads a header left to right, refusing to run past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, size_bytes: int) -> bytes:
        end = self.position + size_bytes
        if end > len(self._data):
            raise BundleRefused("the bundle header is cut short")
        piece = self._data[self.position : end]
        self.position = end
        return piece

    def varint(self) -> int:
        try:
            value, self.position = decode_varint(self._data, self.position)
        except MalformedInput as error:
            raise BundleRefused(f"a number in the bundle header is wrong: {error}") from error
        return value
