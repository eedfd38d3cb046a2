"""Letters as an enemy would send them: from outside, and under the true seal of a pair."""

from __future__ import annotations

from typing import Final

from protocol.frames import Data, Offer, Whole
from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, SealTag
from protocol.letters import (
    LETTER_BYTES_MAX,
    Head,
    Heard,
    HeldPart,
    Way,
    encode_letter,
    open_letter,
    seal_letter,
)
from protocol.ranges import RangeSet
from protocol.varint import encode_varint

from .samples import PAIR, SECRET

_LIFE: Final = Incarnation(b"life")
_BUNDLE: Final = BundleId(b"twelve bytes")
_LARGEST: Final = encode_varint((1 << 63) - 1)
_HEAD: Final = Head(
    number=7,
    incarnation=_LIFE,
    floor=Priority.URGENT,
    asks=True,
    heard=Heard(
        number=3,
        incarnation=Incarnation(b"peer"),
        held=RangeSet(((1, 9), (12, 13))),
        digest=1 << 60,
        parts=(HeldPart(10, SealTag(b"seal"), RangeSet(((0, 200),))),),
    ),
)


def to_hub(letter: bytes) -> object:
    """What reaches a hub from anywhere."""
    return open_letter(SECRET, Way.FROM_SITE, letter)


def posted() -> tuple[bytes, ...]:
    """A site's letter."""
    return (seal_letter(SECRET, PAIR, Way.FROM_SITE, b"one salt", contents()[0]),)


def contents() -> tuple[bytes, ...]:
    """Letters with every frame that may stand in one, and one that only answers."""
    frames = (
        Whole(
            incarnation=None,
            sequence=9,
            bundle_id=_BUNDLE,
            priority=Priority.EMERGENCY,
            dwell_code=1,
            recipient_key=b"k1",
            data=b"sealed bytes",
        ),
        Offer(
            handle=1,
            incarnation=None,
            sequence=10,
            bundle_id=_BUNDLE,
            seal_tag=SealTag(b"seal"),
            priority=Priority.ROUTINE,
            dwell_code=1,
            recipient_key=b"k1",
            size_bytes=700,
        ),
        Data(1, 0, bytes(200)),
    )
    return encode_letter(_HEAD, frames), encode_letter(_HEAD, ())


def hostile_contents() -> dict[str, bytes]:
    """Letters that claim too much, or say nothing without end."""
    nothing = encode_letter(_HEAD, ())
    data = bytes((Data.CODE, 3, 1, 0, 0))
    unknown = bytes((0x7E,))
    head = nothing[1:]
    return {
        "pieces without end": nothing + data * (LETTER_BYTES_MAX // len(data) - 40),
        "unknown frames without end": nothing + unknown * 200_000,
        "unknown frames between pieces": nothing + (unknown * 1_000 + data) * 200,
        "a head longer than the letter": encode_varint(4_000) + head,
        "a head longer than any": encode_varint(1 << 40) + head,
        "unfinished bundles without end": _with_head(head + b"\x01seal\x00" * 600),
        "a number beyond all bounds": _with_head(bytes((0,)) + _LARGEST + _LIFE),
        "ranges without end": _with_head(bytes((0x08, 1)) + _LIFE + b"\x01" + _LIFE + _LARGEST),
        "a flag of tomorrow": _with_head(bytes((0x80, 1)) + _LIFE),
    }


def _with_head(head: bytes) -> bytes:
    return encode_varint(len(head)) + head
