"""The frames that a peer must understand, as values, and each one's body as bytes; the first is in hello.

A frame means the same wherever it stands and does no harm when it comes twice, so links may repeat and, where
they keep no order, reorder them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, Self, TypedDict

from .advice import Advice
from .fields import Fields, encode_digest
from .header import RECIPIENT_KEY_BYTES, Priority
from .hello import Account, Hello
from .ids import BUNDLE_ID_BYTES, SEAL_TAG_BYTES, BundleId, Incarnation, SealTag
from .limits import BUNDLE_SEALED_BYTES_MAX, CHUNK_BYTES_MAX, SEQUENCE_MAX
from .ranges import RangeSet, encode_ranges
from .short_hello import Answer, Hail
from .varint import encode_varint

_DWELL_BITS: Final = 5
_EXPLICIT_INCARNATION: Final = 0x80


class RefusalReason(IntEnum):
    """Why a receiver will not take a bundle; unknown codes from newer peers read as `OTHER`."""

    OTHER = 0
    QUARANTINED = 1
    NO_ROOM = 2
    CORRUPT = 3

    @classmethod
    def of(cls, code: int) -> RefusalReason:
        return cls(code) if code in cls.__members__.values() else cls.OTHER


class _Naming(TypedDict):
    """What a bundle is known by before its bytes mean anything."""

    incarnation: Incarnation | None
    sequence: int
    bundle_id: BundleId
    priority: Priority
    dwell_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A bundle whose bytes may follow under `handle`; handles grow within a session."""

    CODE: ClassVar[int] = 0x82

    handle: int
    incarnation: Incarnation | None
    """None: the one of the sender's hello."""
    sequence: int
    bundle_id: BundleId
    seal_tag: SealTag
    priority: Priority
    dwell_code: int
    recipient_key: bytes
    size_bytes: int

    def body(self) -> bytes:
        return b"".join(
            (
                encode_varint(self.handle),
                _encode_naming(self),
                self.seal_tag,
                self.recipient_key,
                encode_varint(self.size_bytes),
            )
        )

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            handle=fields.number(),
            **_read_naming(fields),
            seal_tag=SealTag(fields.raw(SEAL_TAG_BYTES)),
            recipient_key=fields.raw(RECIPIENT_KEY_BYTES),
            size_bytes=fields.number_between(1, BUNDLE_SEALED_BYTES_MAX, "bundle size"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A bundle named and carried by one frame; having no handle, it is answered by its number alone. Its
    seal tag is that of the bytes, which its sender has looked at."""

    CODE: ClassVar[int] = 0x8B

    incarnation: Incarnation | None
    """None: the one of the sender's hello."""
    sequence: int
    bundle_id: BundleId
    priority: Priority
    dwell_code: int
    recipient_key: bytes
    data: bytes

    def body(self) -> bytes:
        return _encode_naming(self) + self.recipient_key + self.data

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            **_read_naming(fields),
            recipient_key=fields.raw(RECIPIENT_KEY_BYTES),
            data=fields.rest_between(1, CHUNK_BYTES_MAX),
        )


@dataclass(frozen=True, slots=True)
class Data:
    """Sealed bytes of an offered bundle."""

    CODE: ClassVar[int] = 0x83

    handle: int
    offset: int
    data: bytes

    def body(self) -> bytes:
        return encode_varint(self.handle) + encode_varint(self.offset) + self.data

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.number(), fields.number(), fields.rest_between(1, CHUNK_BYTES_MAX))


@dataclass(frozen=True, slots=True)
class Have:
    """Which bytes of an offered bundle are durable at the sender of this frame."""

    CODE: ClassVar[int] = 0x84

    handle: int
    held: RangeSet

    def body(self) -> bytes:
        return encode_varint(self.handle) + encode_ranges(self.held)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.number(), fields.byte_ranges())


@dataclass(frozen=True, slots=True)
class Stored:
    """Whole bundles that are durable at the sender of this frame: custody passes."""

    CODE: ClassVar[int] = 0x85

    incarnation: Incarnation
    sequences: RangeSet

    def body(self) -> bytes:
        return self.incarnation + encode_ranges(self.sequences)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.sequences())


@dataclass(frozen=True, slots=True)
class Kept:
    """`Stored` for a run of numbers of the incarnation that the reader greeted as."""

    CODE: ClassVar[int] = 0x8F

    first: int
    count: int = 1

    @property
    def sequences(self) -> RangeSet:
        """The numbers."""
        return RangeSet(((self.first, self.first + self.count),))

    def body(self) -> bytes:
        return encode_varint(self.first) + (encode_varint(self.count) if self.count > 1 else b"")

    @classmethod
    def read(cls, fields: Fields) -> Self:
        first = fields.number_between(1, SEQUENCE_MAX, "sequence number")
        most = SEQUENCE_MAX + 1 - first
        return cls(first, fields.number_between(2, most, "run of bundles") if fields.has_more else 1)


@dataclass(frozen=True, slots=True)
class KeptLast:
    """`Kept` for the highest number that the reader's greeting named: nearly always the one it is about."""

    CODE: ClassVar[int] = 0xCB

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class DigestAsk:
    """Asks for the digest over those of the asker's bundles that the peer holds."""

    CODE: ClassVar[int] = 0x86

    incarnation: Incarnation
    sequences: RangeSet

    def body(self) -> bytes:
        return self.incarnation + encode_ranges(self.sequences)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.sequences())


@dataclass(frozen=True, slots=True)
class DigestTell:
    """Answers `DigestAsk`, repeating what was asked."""

    CODE: ClassVar[int] = 0x87

    incarnation: Incarnation
    sequences: RangeSet
    digest: int

    def body(self) -> bytes:
        return self.incarnation + encode_ranges(self.sequences) + encode_digest(self.digest)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.sequences(), fields.digest())


@dataclass(frozen=True, slots=True)
class Refused:
    """The sender of this frame will not take a bundle as it is."""

    CODE: ClassVar[int] = 0x88

    incarnation: Incarnation
    sequence: int
    reason: RefusalReason

    def body(self) -> bytes:
        return self.incarnation + encode_varint(self.sequence) + bytes((self.reason,))

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.number(), RefusalReason.of(fields.octet()))


@dataclass(frozen=True, slots=True)
class Idle:
    """The sender has sent all it has.

    It does not say that all of it arrived: who hears it still waits for what was offered and is not whole.
    Should a bundle leave custody after it was offered, a second one follows when all else was receipted.
    Sent again now and then, it also shows that a session kept open still lives.
    """

    CODE: ClassVar[int] = 0xC9

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender's last frame; it has read everything it ever will."""

    CODE: ClassVar[int] = 0xCA

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls()


Greeting = Hello | Hail | Answer
Frame = (
    Greeting
    | Account
    | Offer
    | Whole
    | Data
    | Have
    | Stored
    | Kept
    | KeptLast
    | DigestAsk
    | DigestTell
    | Refused
    | Idle
    | Bye
    | Advice
)


def _encode_naming(frame: Offer | Whole) -> bytes:
    urgency = frame.priority << _DWELL_BITS | frame.dwell_code
    return b"".join(
        (
            bytes((urgency | (_EXPLICIT_INCARNATION if frame.incarnation else 0),)),
            frame.incarnation or b"",
            encode_varint(frame.sequence),
            frame.bundle_id,
        )
    )


def _read_naming(fields: Fields) -> _Naming:
    urgency = fields.octet()
    incarnation = fields.incarnation() if urgency & _EXPLICIT_INCARNATION else None
    return _Naming(
        incarnation=incarnation,
        sequence=fields.number_between(1, SEQUENCE_MAX, "sequence number"),
        bundle_id=BundleId(fields.raw(BUNDLE_ID_BYTES)),
        priority=Priority(urgency >> _DWELL_BITS & 3),
        dwell_code=urgency & (1 << _DWELL_BITS) - 1,
    )
