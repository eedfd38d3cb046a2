"""The clear header of a bundle: all that a relay or courier may see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .errors import BundleRefused
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


RECIPIENT_KEY_BYTES: Final = 2
_DWELL_CODES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleHeader:
    """Addressing and custody facts of one sealed bundle (at most 40 bytes encoded below 2 MiB).

    `dwell_code` k means the bundle may wait 2**k seconds more in relays; holders decrement it, so it is
    the only field that the seal does not bind.
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
    """Size of the sealed bytes, header not counted."""

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
            bytes((header.suite,)),
            header.destination,
            header.origin,
            header.incarnation,
            encode_varint(header.sequence),
            header.recipient_key,
            header.bundle_id,
            header.seal_tag,
            bytes((header.priority << 5 | header.dwell_code,)),
            encode_varint(header.size_bytes),
        )
    )


def decode_header(data: bytes) -> tuple[BundleHeader, int]:
    """The header at the start of `data` and how many bytes it took; `BundleRefused` on anything else."""
    fields = _Cursor(data)
    suite = fields.take(1)[0]
    if suite not in Suite.__members__.values():
        raise BundleRefused(f"unknown version or cipher suite {suite}")
    destination = Mailbox(fields.take(MAILBOX_BYTES))
    origin = Pseudonym(fields.take(PSEUDONYM_BYTES))
    incarnation = Incarnation(fields.take(INCARNATION_BYTES))
    sequence = fields.varint()
    recipient_key = fields.take(RECIPIENT_KEY_BYTES)
    bundle_id = BundleId(fields.take(BUNDLE_ID_BYTES))
    seal_tag = SealTag(fields.take(SEAL_TAG_BYTES))
    urgency = fields.take(1)[0]
    if urgency >> 5 not in Priority.__members__.values():
        raise BundleRefused(f"unknown priority class {urgency >> 5}")
    header = BundleHeader(
        suite=Suite(suite),
        destination=destination,
        origin=origin,
        incarnation=incarnation,
        sequence=sequence,
        recipient_key=recipient_key,
        bundle_id=bundle_id,
        seal_tag=seal_tag,
        priority=Priority(urgency >> 5),
        dwell_code=urgency & 31,
        size_bytes=fields.varint(),
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
        value, self.position = decode_varint(self._data, self.position)
        return value
