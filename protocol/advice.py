"""The frames that a peer may pass over: what is safe, which key is gone, what to give back, who waits.

None of them moves custody. A peer that does not know one of them skips it; the next session says it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from .fields import Fields
from .header import RECIPIENT_KEY_BYTES
from .ids import Incarnation
from .ranges import RangeSet, encode_ranges
from .varint import encode_varint


@dataclass(frozen=True, slots=True)
class Safe:
    """Bundles with these numbers are in a verified backup at the sender of this frame."""

    CODE: ClassVar[int] = 0x01

    incarnation: Incarnation
    sequences: RangeSet

    def body(self) -> bytes:
        return self.incarnation + encode_ranges(self.sequences)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.sequences())


@dataclass(frozen=True, slots=True)
class Rekey:
    """The bundle was sealed for a key that is gone: seal it again for this one."""

    CODE: ClassVar[int] = 0x02

    incarnation: Incarnation
    sequence: int
    recipient_key: bytes

    def body(self) -> bytes:
        return self.incarnation + encode_varint(self.sequence) + self.recipient_key

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.number(), fields.raw(RECIPIENT_KEY_BYTES))


@dataclass(frozen=True, slots=True)
class Await:
    """The sender can go on only when it has heard what of all this is durable: hold no receipt back."""

    CODE: ClassVar[int] = 0x43

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Return:
    """The sender lost these bundles of its own, which the peer holds: give back what was in them."""

    CODE: ClassVar[int] = 0x04

    incarnation: Incarnation
    sequences: RangeSet

    def body(self) -> bytes:
        return self.incarnation + encode_ranges(self.sequences)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.sequences())


@dataclass(frozen=True, slots=True)
class Returning:
    """Answers `Return`: it is noted durably, and what is held under these numbers will come as bundles."""

    CODE: ClassVar[int] = 0x05

    incarnation: Incarnation
    sequences: RangeSet

    def body(self) -> bytes:
        return self.incarnation + encode_ranges(self.sequences)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.incarnation(), fields.sequences())


Advice = Safe | Rekey | Await | Return | Returning
