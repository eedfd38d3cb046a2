"""Letters: sealed messages that need no session, for media which carry whole messages late, twice or never.

Each opens alone. It begins with a head: what its writer holds of the reader's bundles, as a set of numbers
with the digest over it, and which letter of the reader's it had read by then. Frames with bundles follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from .channel import DialerPreamble, Phase, SessionKeys
from .errors import MalformedInput, SealBroken
from .fields import Fields, encode_digest
from .frames import Data, Offer, Whole
from .framing import FrameDecoder, encode_frame
from .header import Priority
from .ids import PSEUDONYM_BYTES, SEAL_TAG_BYTES, Incarnation, Pseudonym, SealTag
from .limits import SEQUENCE_MAX
from .ranges import RangeSet, encode_ranges
from .varint import encode_varint

VERSION: Final = 1
_DOMAIN: Final = b"sf-letter/%d" % VERSION
SALT_BYTES: Final = 8
"""Drawn from the kernel for each letter, and each key seals one letter: of a hundred thousand letters of a
pair two have the same key with a probability below 2^-31."""
_TAG_BYTES: Final = 16
_CLEAR_BYTES: Final = 1 + PSEUDONYM_BYTES + SALT_BYTES
SEAL_BYTES: Final = _CLEAR_BYTES + _TAG_BYTES
"""What sealing adds to a letter."""
LETTER_BYTES_MAX: Final = 256 * 1024
"""The longest letter: it is opened at once, in memory. A bag on a boat holds as many as there are."""
HEAD_BYTES_MAX: Final = 4096
PARTIALS_MAX: Final = 32
"""Unfinished bundles that one head tells of."""
PARTS_MAX: Final = 1024
"""Frames in one letter, those of newer writers that mean nothing here among them."""
_NUMBER_MAX: Final = 2**40
"""More letters than a pair writes, and few enough for a number to be raised above any other."""
_HELD_BACK: Final = 0x03
_ASKS: Final = 0x04
_ANSWERS: Final = 0x08
_IS_CUT: Final = 0x10
_KNOWN_FLAGS: Final = _HELD_BACK | _ASKS | _ANSWERS | _IS_CUT

LetterFrame = Offer | Whole | Data


class Way(Enum):
    """Who wrote a letter; each way has keys of its own, so that none comes back as if from the other end."""

    FROM_SITE = b"up"
    FROM_HUB = b"down"


@dataclass(frozen=True, slots=True)
class HeldPart:
    """The bytes held of one unfinished bundle under one seal."""

    sequence: int
    seal_tag: SealTag
    held: RangeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the writer holds of one life of the reader's, as it was when it wrote."""

    number: int
    """The highest of the reader's letters that the writer has read."""
    incarnation: Incarnation
    """The reader's, as of that letter."""
    held: RangeSet
    digest: int
    """Over the bundles with these numbers."""
    complete_from: int = 1
    """Of numbers from this one on all that is held is told; of those below it more may be held."""
    parts: tuple[HeldPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a letter says before its bundles."""

    number: int
    """Grows from letter to letter of one writer."""
    incarnation: Incarnation
    """The writer's: its bundles are numbered in it."""
    floor: Priority = Priority.BULK
    """The least urgent class that the writer wants over this medium, in both directions."""
    asks: bool = False
    """The writer waits to hear what arrived."""
    heard: Heard | None = None
    """None: no letter of the reader's has come, or not since the writer forgot."""

    def encode(self) -> bytes:
        """Without its length."""
        heard = self.heard
        flags = Priority.BULK - self.floor
        flags |= (_ASKS if self.asks else 0) | (_ANSWERS if heard else 0)
        is_cut = heard is not None and heard.complete_from > 1
        out = bytearray((flags | (_IS_CUT if is_cut else 0),))
        out += encode_varint(self.number) + self.incarnation
        if heard is not None:
            out += encode_varint(heard.number) + heard.incarnation + encode_ranges(heard.held)
            out += encode_varint(heard.complete_from) if is_cut else b""
            if heard.held.spans:
                out += encode_digest(heard.digest)
            for part in heard.parts:
                out += encode_varint(part.sequence) + part.seal_tag + encode_ranges(part.held)
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes) -> Head:
        """`MalformedInput` for what is none."""
        fields = Fields(data)
        flags = fields.octet()
        if flags & ~_KNOWN_FLAGS or (flags & _IS_CUT and not flags & _ANSWERS):
            raise MalformedInput("a letter says something in its head that is not known here")
        number = fields.number_between(1, _NUMBER_MAX, "number of a letter")
        incarnation = fields.incarnation()
        heard = _read_heard(fields, is_cut=bool(flags & _IS_CUT)) if flags & _ANSWERS else None
        fields.end()
        return cls(
            number=number,
            incarnation=incarnation,
            floor=Priority(Priority.BULK - (flags & _HELD_BACK)),
            asks=bool(flags & _ASKS),
            heard=heard,
        )


def _read_heard(fields: Fields, *, is_cut: bool) -> Heard:
    number = fields.number_between(1, _NUMBER_MAX, "number of a letter")
    incarnation, held = fields.incarnation(), fields.sequences()
    complete_from = fields.number_between(2, SEQUENCE_MAX + 1, "sequence number") if is_cut else 1
    digest = fields.digest() if held.spans else 0
    parts: list[HeldPart] = []
    while fields.has_more:
        if len(parts) == PARTIALS_MAX:
            raise MalformedInput(f"a letter tells of more than {PARTIALS_MAX} unfinished bundles")
        parts.append(
            HeldPart(
                fields.number_between(1, SEQUENCE_MAX, "sequence number"),
                SealTag(fields.raw(SEAL_TAG_BYTES)),
                fields.byte_ranges(),
            )
        )
    return Heard(
        number=number,
        incarnation=incarnation,
        held=held,
        digest=digest,
        complete_from=complete_from,
        parts=tuple(parts),
    )


def encode_letter(head: Head, frames: Iterable[LetterFrame]) -> bytes:
    """The plain text of a letter."""
    encoded = head.encode()
    return b"".join((encode_varint(len(encoded)), encoded, *map(encode_frame, frames)))


def decode_letter(plaintext: bytes) -> tuple[Head, tuple[LetterFrame, ...]]:
    """Both parts; `MalformedInput` for what is no letter, or carries what may not stand in one."""
    fields = Fields(plaintext)
    head = Head.decode(fields.raw(fields.count(HEAD_BYTES_MAX)))
    frames: list[LetterFrame] = []
    decoder = FrameDecoder()
    for frame in decoder.feed(fields.rest_between(0, LETTER_BYTES_MAX)):
        if not isinstance(frame, Offer | Whole | Data):
            raise MalformedInput("a letter carries a frame that only a session can have use for")
        frames.append(frame)
        if len(frames) + decoder.skipped_count > PARTS_MAX:
            break
    if len(frames) + decoder.skipped_count > PARTS_MAX:
        raise MalformedInput(f"a letter carries more than {PARTS_MAX} frames")
    if not decoder.between_frames:
        raise MalformedInput("a letter ends within a frame")
    return head, tuple(frames)


def seal_letter(secret: bytes, pair: Pseudonym, way: Way, salt: bytes, plaintext: bytes) -> bytes:
    """One message. `salt` has `SALT_BYTES` and is never used twice with a secret."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"the salt of a letter has {SALT_BYTES} bytes")
    clear = bytes((VERSION,)) + pair + salt
    key = _key(secret, pair, way, salt)
    return clear + ChaCha20Poly1305(key).encrypt(bytes(12), plaintext, clear)


def open_letter(secret: bytes, way: Way, letter: bytes) -> bytes:
    """The plain text; `SealBroken` or `MalformedInput` if it is not of the other end of this pair."""
    clear = letter[:_CLEAR_BYTES]
    key = _key(secret, pair_of(letter), way, salt_of(letter))
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), letter[_CLEAR_BYTES:], clear)
    except InvalidTag as error:
        raise SealBroken("a letter was altered, or the two ends hold different secrets") from error


def pair_of(letter: bytes) -> Pseudonym:
    """Whose secret opens it; `MalformedInput` for what is no letter of a version that we speak."""
    if not SEAL_BYTES < len(letter) <= LETTER_BYTES_MAX or letter[0] != VERSION:
        raise MalformedInput("this is no letter of a version that we speak")
    return Pseudonym(letter[1 : 1 + PSEUDONYM_BYTES])


def salt_of(letter: bytes) -> bytes:
    """By which one letter is told from every other: a copy has the same."""
    return letter[1 + PSEUDONYM_BYTES : _CLEAR_BYTES]


def _key(secret: bytes, pair: Pseudonym, way: Way, salt: bytes) -> bytes:
    return SessionKeys(_DOMAIN, secret, DialerPreamble(pair, salt)).derive(way.value, Phase.EARLY)
