"""The greeting of two ends that know each other: one sum in place of what a hello lists.

Law: eight bytes prove what both hold of each other, as much as a digest of a hello proves of one of them.
Where the sums differ nothing of it is believed, and the hello and the account say everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from .errors import MalformedInput
from .fields import Fields, encode_digest
from .hello import HELLO_PARTIALS_MAX, Hello, Manner, PartialView, StreamView
from .ids import SEAL_TAG_BYTES, Incarnation, SealTag
from .limits import SEQUENCE_MAX
from .ranges import RangeSet, encode_ranges
from .summary import add_digests
from .varint import encode_varint

USUAL_CREDIT_BYTES: Final = 3 * 1024 * 1024
"""What need not be said: twice what a 10 Mbit/s satellite link holds, and a round trip more."""
CLOCK_BEGINS_S: Final = 1_577_836_800
"""The minute that a clock is counted from: the first of 2020 in UTC."""
MINUTE_S: Final = 60
_CLOCK_BYTES: Final = 3
MINUTES_MAX: Final = (1 << 8 * _CLOCK_BYTES) - 1
"""Towards the end of 2051."""
_HELD_FACTOR: Final = 3
_DIALERS_PAST_FACTOR: Final = 5
_LISTENERS_PAST_FACTOR: Final = 7
_CREDIT: Final = 0x20
_CLOCK: Final = 0x40
"""In a hail."""
_RANGES: Final = 0x80
"""In a hail: the sets stand as ranges, not as the highest of 1, 2, 3 …, and the total follows in any case."""
_INCARNATION: Final = 0x40
"""In an answer."""
_OTHERWISE: Final = 0x80
"""In an answer: what it holds is not just what the hail said."""
_FLAGS_MAX: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The bytes held of one unfinished bundle of the one stream that a short hello speaks of."""

    sequence: int
    seal_tag: SealTag
    held: RangeSet

    def of(self, incarnation: Incarnation) -> PartialView:
        """As a hello says it."""
        return PartialView(incarnation, self.sequence, self.seal_tag, self.held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hail:
    """A dialer's short hello: of each side it speaks of one incarnation."""

    CODE: ClassVar[int] = 0x8C

    generation: int
    incarnation: Incarnation
    stored: RangeSet
    """Those of the dialer's own bundles that it knows to be held by its peer."""
    sequence_max: int
    held: RangeSet
    """What the dialer holds of its peer's."""
    total: int
    """`total_of` both, and of lives that ended; 0 where there is nothing of any."""
    partials: tuple[Unfinished, ...]
    credit_bytes: int
    minutes: int
    """Of the clock, since `CLOCK_BEGINS_S`; 0: not told."""
    manner: Manner

    def body(self) -> bytes:
        is_empty = not (self.stored.spans or self.held.spans)
        is_long = not (_is_run(self.stored) and _is_run(self.held)) or (is_empty and self.total != 0)
        flags = self.manner.flags | _credit_flag(self.credit_bytes)
        flags |= (_CLOCK if self.minutes else 0) | (_RANGES if is_long else 0)
        out = bytearray((flags,)) + encode_varint(self.generation) + self.incarnation
        out += self.minutes.to_bytes(_CLOCK_BYTES, "big") if self.minutes else b""
        out += _encode_credit(self.credit_bytes)
        out += _encode_set(self.stored, is_long=is_long)
        out += encode_varint(self.sequence_max - last_of(self.stored))
        out += _encode_set(self.held, is_long=is_long)
        out += encode_digest(self.total) if is_long or not is_empty else b""
        return bytes(out) + _encode_unfinished(self.partials)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        flags = fields.octet()
        generation, incarnation = fields.number(), fields.incarnation()
        minutes = int.from_bytes(fields.raw(_CLOCK_BYTES), "big") if flags & _CLOCK else 0
        credit_bytes = _read_credit(fields, flags)
        is_long = bool(flags & _RANGES)
        stored = _read_set(fields, is_long=is_long)
        sequence_max = last_of(stored) + fields.count(SEQUENCE_MAX - last_of(stored))
        held = _read_set(fields, is_long=is_long)
        return cls(
            generation=generation,
            incarnation=incarnation,
            stored=stored,
            sequence_max=sequence_max,
            held=held,
            total=fields.digest() if is_long or stored.spans or held.spans else 0,
            partials=_read_unfinished(fields),
            credit_bytes=credit_bytes,
            minutes=minutes,
            manner=Manner.read(flags),
        )

    def hello(self, digest: int, views: tuple[StreamView, ...], partials: tuple[PartialView, ...]) -> Hello:
        """What it stands for, once what it holds is known."""
        return Hello(
            generation=self.generation,
            incarnation=self.incarnation,
            sequence_max=self.sequence_max,
            digest=digest,
            views=views,
            partials=partials,
            credit_bytes=self.credit_bytes,
            wall_s=wall_s_of(self.minutes),
            certainty=self.manner.certainty,
            stays_open=self.manner.stays_open,
            floor=self.manner.floor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A listener's short hello, to a hail whose sum is that of what the listener knows itself. The session is
    that of the hail's generation."""

    CODE: ClassVar[int] = 0x8D

    incarnation: Incarnation | None
    """None: the one of which the dialer holds something."""
    sequences_ahead: int
    """The highest of the listener's own numbers, beyond the highest that the dialer holds."""
    minutes_ahead: int
    """Of the hail's clock; both count from `CLOCK_BEGINS_S`."""
    otherwise: tuple[RangeSet, int] | None
    """What the listener holds of the dialer's, and the digest over it; None: just what the hail said."""
    partials: tuple[Unfinished, ...]
    credit_bytes: int
    manner: Manner

    def body(self) -> bytes:
        flags = self.manner.flags | _credit_flag(self.credit_bytes)
        flags |= (_INCARNATION if self.incarnation else 0) | (_OTHERWISE if self.otherwise else 0)
        head = bytes((flags,)) + (self.incarnation or b"")
        numbers = encode_varint(self.sequences_ahead) + _encode_signed(self.minutes_ahead)
        told = _encode_credit(self.credit_bytes)
        if self.otherwise is not None:
            told += encode_ranges(self.otherwise[0]) + encode_digest(self.otherwise[1])
        told += _encode_unfinished(self.partials)
        return head + numbers + told if told else _without_noughts(head, numbers)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        flags = _unless_nought(fields, _FLAGS_MAX)
        incarnation = fields.incarnation() if flags & _INCARNATION else None
        sequences_ahead = _unless_nought(fields, SEQUENCE_MAX)
        minutes_ahead = _signed(_unless_nought(fields, 2 * MINUTES_MAX))
        credit_bytes = _read_credit(fields, flags)
        return cls(
            incarnation=incarnation,
            sequences_ahead=sequences_ahead,
            minutes_ahead=minutes_ahead,
            otherwise=(fields.sequences(), fields.digest()) if flags & _OTHERWISE else None,
            partials=_read_unfinished(fields),
            credit_bytes=credit_bytes,
            manner=Manner.read(flags),
        )

    def hello(self, hail: Hail, *, stored_digest: int, held: StreamView | None) -> Hello:
        """What it stands for after that hail; `held` is what the dialer holds of its peer's."""
        incarnation = self.incarnation or (held.incarnation if held is not None else None)
        sequence_max = last_of(hail.held) + self.sequences_ahead
        if incarnation is None or sequence_max > SEQUENCE_MAX:
            raise MalformedInput("an answer to our hail says what cannot follow it")
        here, digest = self.otherwise or (hail.stored, stored_digest)
        is_listed = here.spans or self.partials
        return Hello(
            generation=hail.generation,
            incarnation=incarnation,
            sequence_max=sequence_max,
            digest=held.digest if held is not None else 0,
            views=(StreamView(hail.incarnation, here, digest),) if is_listed else (),
            partials=tuple([partial.of(hail.incarnation) for partial in self.partials]),
            credit_bytes=self.credit_bytes,
            wall_s=wall_s_of(min(max(0, hail.minutes + self.minutes_ahead), MINUTES_MAX)),
            certainty=self.manner.certainty,
            stays_open=self.manner.stays_open,
            floor=self.manner.floor,
        )


def total_of(
    stored_digest: int,
    held_digest: int,
    incarnation: Incarnation | None,
    *,
    dialers_past: int = 0,
    listeners_past: int = 0,
) -> int:
    """The sum of a hail: over what the peer holds of the dialer's, over what the dialer holds of the peer's,
    and the incarnation of the latter, as the upper half, if there is any; then the `past_digest` of what each
    has of the other's former lives. What went both ways under one id cannot make up for itself: no two of
    these count alike."""
    life = int.from_bytes(incarnation, "big") << 32 if incarnation is not None else 0
    past = _DIALERS_PAST_FACTOR * dialers_past + _LISTENERS_PAST_FACTOR * listeners_past
    return add_digests(stored_digest, _HELD_FACTOR * held_digest, life, past)


def minutes_of(wall_s: int) -> int:
    """A clock to the minute; 0 where it says what none of today's can."""
    minutes = (wall_s - CLOCK_BEGINS_S) // MINUTE_S
    return minutes if 0 < minutes <= MINUTES_MAX else 0


def wall_s_of(minutes: int) -> int:
    """And back; 0: not told."""
    return CLOCK_BEGINS_S + minutes * MINUTE_S if minutes else 0


def last_of(numbers: RangeSet) -> int:
    """The highest member, 0 if there is none."""
    return numbers.spans[-1][1] - 1 if numbers.spans else 0


def _is_run(numbers: RangeSet) -> bool:
    return not numbers.spans or (len(numbers.spans) == 1 and numbers.spans[0][0] == 1)


def _encode_set(numbers: RangeSet, *, is_long: bool) -> bytes:
    return encode_ranges(numbers) if is_long else encode_varint(last_of(numbers))


def _read_set(fields: Fields, *, is_long: bool) -> RangeSet:
    return fields.sequences() if is_long else RangeSet.of([(1, fields.count(SEQUENCE_MAX) + 1)])


def _credit_flag(credit_bytes: int) -> int:
    return _CREDIT if credit_bytes != USUAL_CREDIT_BYTES else 0


def _encode_credit(credit_bytes: int) -> bytes:
    return encode_varint(credit_bytes) if _credit_flag(credit_bytes) else b""


def _read_credit(fields: Fields, flags: int) -> int:
    return fields.number() if flags & _CREDIT else USUAL_CREDIT_BYTES


def _without_noughts(head: bytes, numbers: bytes) -> bytes:
    """What ends a frame and is 0 goes without saying."""
    said = numbers.rstrip(b"\0")
    return head + said if said or head != b"\0" else b""


def _unless_nought(fields: Fields, most: int) -> int:
    """A number that is left out where it is 0 and nothing follows."""
    if not fields.has_more:
        return 0
    value = fields.octet() if most == _FLAGS_MAX else fields.count(most)
    if not value and not fields.has_more:
        raise MalformedInput("an answer says a nought that goes without saying")
    return value


def _encode_unfinished(partials: tuple[Unfinished, ...]) -> bytes:
    return b"".join(
        encode_varint(partial.sequence) + partial.seal_tag + encode_ranges(partial.held)
        for partial in partials
    )


def _read_unfinished(fields: Fields) -> tuple[Unfinished, ...]:
    partials: list[Unfinished] = []
    while fields.has_more:
        if len(partials) == HELLO_PARTIALS_MAX:
            raise MalformedInput(f"a hello names more than {HELLO_PARTIALS_MAX} unfinished bundles")
        sequence = fields.number_between(1, SEQUENCE_MAX, "sequence number")
        partials.append(Unfinished(sequence, SealTag(fields.raw(SEAL_TAG_BYTES)), fields.byte_ranges()))
    return tuple(partials)


def _encode_signed(value: int) -> bytes:
    """Small numbers of either sign in one byte: 0, then minus one, one, minus two …"""
    return encode_varint(2 * value if value >= 0 else -2 * value - 1)


def _signed(value: int) -> int:
    return -(value + 1) // 2 if value & 1 else value // 2
