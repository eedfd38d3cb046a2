"""The first frame of each side in full: who speaks, in which life, what it has sent and what it holds.

Two ends that know each other greet in short (`short_hello`); where they differ, an account says the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from .errors import MalformedInput
from .fields import Fields, encode_digest
from .header import Priority
from .ids import SEAL_TAG_BYTES, Incarnation, SealTag
from .limits import SEQUENCE_MAX
from .ranges import RangeSet, encode_ranges
from .stamps import Certainty
from .varint import encode_varint

SESSION_VERSION: Final = 1
HELLO_STREAMS_MAX: Final = 16
"""Incarnations in one hello; twice what a store of ours lists, for peers that keep more."""
HELLO_PARTIALS_MAX: Final = 256
HELLO_PARTIAL_SPANS_MAX: Final = 16
"""Spans a hello spends on one unfinished bundle; bytes beyond them are sent again."""
_CERTAINTY: Final = 0x03
_STAYS_OPEN: Final = 0x04
_HELD_BACK_SHIFT: Final = 3
_HELD_BACK: Final = 0x03
"""Two bits above the others: how many classes, from the least urgent one on, the sender does not want."""


@dataclass(frozen=True, slots=True)
class StreamView:
    """What the sender durably holds of one of the receiver's incarnations, and the digest over that."""

    incarnation: Incarnation
    held: RangeSet
    digest: int


@dataclass(frozen=True, slots=True)
class PartialView:
    """The bytes the sender durably holds of one unfinished bundle under one seal."""

    incarnation: Incarnation
    """One of those in the hello's views."""
    sequence: int
    seal_tag: SealTag
    held: RangeSet


@dataclass(frozen=True, slots=True)
class Manner:
    """What each hello's flags say: how its sender means to speak."""

    certainty: Certainty
    """Of the clock that the hello tells."""
    stays_open: bool
    """Whether the sender wants the session kept when nothing is left to send."""
    floor: Priority = Priority.BULK
    """The least urgent class that may go over this link, in both directions: its payer's wish."""

    @property
    def flags(self) -> int:
        """The low five bits of a hello's flags."""
        held_back = (Priority.BULK - self.floor) << _HELD_BACK_SHIFT
        return self.certainty | (_STAYS_OPEN if self.stays_open else 0) | held_back

    @classmethod
    def read(cls, flags: int) -> Self:
        """What those bits say."""
        if flags & _CERTAINTY not in Certainty.__members__.values():
            raise MalformedInput("a hello grades its clock in an unknown way")
        floor = Priority(Priority.BULK - (flags >> _HELD_BACK_SHIFT & _HELD_BACK))
        return cls(Certainty(flags & _CERTAINTY), bool(flags & _STAYS_OPEN), floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who speaks, in which life, what it has sent so far and what it holds."""

    CODE: ClassVar[int] = 0x81

    version: int = SESSION_VERSION
    generation: int
    incarnation: Incarnation
    sequence_max: int
    digest: int
    """Over all of the sender's bundles 1..`sequence_max` in this incarnation."""
    views: tuple[StreamView, ...]
    partials: tuple[PartialView, ...]
    credit_bytes: int
    """How much the sender takes in before it has answered with a receipt."""
    wall_s: int
    """What the sender's clock says, in seconds since 1970: a claim to show, never to order by."""
    certainty: Certainty
    stays_open: bool
    floor: Priority = Priority.BULK

    def body(self) -> bytes:
        flags = Manner(self.certainty, self.stays_open, self.floor).flags
        out = bytearray((self.version, flags))
        out += encode_varint(self.generation) + self.incarnation + encode_varint(self.sequence_max)
        out += encode_digest(self.digest) + encode_varint(self.credit_bytes) + encode_varint(self.wall_s)
        return bytes(out) + _encode_holdings(self.views, self.partials)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        version = fields.octet()
        if version != SESSION_VERSION:
            raise MalformedInput(f"the peer speaks version {version} of sync, we speak {SESSION_VERSION}")
        manner = Manner.read(fields.octet())
        generation, incarnation = fields.number(), fields.incarnation()
        sequence_max, digest = fields.count(SEQUENCE_MAX), fields.digest()
        credit_bytes, wall_s = fields.number(), fields.number()
        views, partials = _read_holdings(fields)
        return cls(
            version=version,
            generation=generation,
            incarnation=incarnation,
            sequence_max=sequence_max,
            digest=digest,
            credit_bytes=credit_bytes,
            wall_s=wall_s,
            certainty=manner.certainty,
            stays_open=manner.stays_open,
            floor=manner.floor,
            views=views,
            partials=partials,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """What a hail left out: a dialer says it when its listener could not confirm the sum of it."""

    CODE: ClassVar[int] = 0x8E

    digest: int
    """Over all of the sender's bundles in the incarnation of its hail."""
    views: tuple[StreamView, ...]
    partials: tuple[PartialView, ...]

    def body(self) -> bytes:
        return encode_digest(self.digest) + _encode_holdings(self.views, self.partials)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.digest(), *_read_holdings(fields))


def _encode_holdings(views: tuple[StreamView, ...], partials: tuple[PartialView, ...]) -> bytes:
    lives = {view.incarnation: index for index, view in enumerate(views)}
    out = bytearray(encode_varint(len(views)))
    for view in views:
        out += view.incarnation + encode_ranges(view.held) + encode_digest(view.digest)
    out += encode_varint(len(partials))
    for partial in partials:
        out += encode_varint(lives[partial.incarnation]) + encode_varint(partial.sequence)
        out += partial.seal_tag + encode_ranges(partial.held)
    return bytes(out)


def _read_holdings(fields: Fields) -> tuple[tuple[StreamView, ...], tuple[PartialView, ...]]:
    views = tuple(
        [
            StreamView(fields.incarnation(), fields.sequences(), fields.digest())
            for _ in range(fields.count(HELLO_STREAMS_MAX))
        ]
    )
    return views, tuple([_partial(fields, views) for _ in range(fields.count(HELLO_PARTIALS_MAX))])


def _partial(fields: Fields, views: tuple[StreamView, ...]) -> PartialView:
    index = fields.number()
    if index >= len(views):
        raise MalformedInput("a hello names an unfinished bundle of no stream")
    return PartialView(
        incarnation=views[index].incarnation,
        sequence=fields.number_between(1, SEQUENCE_MAX, "sequence number"),
        seal_tag=SealTag(fields.raw(SEAL_TAG_BYTES)),
        held=fields.byte_ranges(),
    )
