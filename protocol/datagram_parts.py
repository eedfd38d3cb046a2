"""What a datagram carries under its seal: pieces of the session's frames, and word of what arrived.

Frames other than DATA form one ordered stream of bytes. DATA needs no order beyond its offer, so its bytes
travel as pieces that are cut anywhere and stand for themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .errors import MalformedInput
from .limits import BUNDLE_SEALED_BYTES_MAX
from .varint import decode_varint, encode_varint

RUNS_MAX: Final = 32
"""Runs of numbers in one acknowledgement, the newest first: at 5 % loss the last 640 datagrams."""
DELAY_UNIT_S: Final = 0.004
_DELAY_UNITS_MAX: Final = 127
DELAY_S_MAX: Final = DELAY_UNIT_S * _DELAY_UNITS_MAX
"""A longer wait is told as this one."""
_CONTROL_OFFSET_MAX: Final = 2**40
APART_UNIT_S: Final = 0.001
_APART_UNITS_MAX: Final = 1000
_PAIR_BYTES_MAX: Final = 2**16
PARTS_MAX: Final = 64
"""In one datagram: many times what an honest sender has to say at once. Pings alone could be a thousand."""

_ACKNOWLEDGED_RUN: Final = 0x01
_ACKNOWLEDGED_RUNS: Final = 0x02
_PAIR: Final = 0x03
_ACKNOWLEDGED_ALL: Final = 0x04
_CONTROL: Final = 0x10
_CONTROL_TO_END: Final = 0x11
_DATA: Final = 0x12
_DATA_TO_END: Final = 0x13
_END: Final = 0x14
_PING: Final = 0x15
_CLOSING: Final = 0x16
_CONTROL_BEGINS: Final = 0x17
_CONTROL_BEGINS_AND_GOES_ON: Final = 0x18
_WORDS: Final = frozenset((_ACKNOWLEDGED_RUN, _ACKNOWLEDGED_RUNS, _ACKNOWLEDGED_ALL))
_CONTROLS: Final = frozenset((_CONTROL, _CONTROL_TO_END, _CONTROL_BEGINS, _CONTROL_BEGINS_AND_GOES_ON))

PIECE_OVERHEAD_BYTES_MAX: Final = 12
"""What `encode_parts` puts before the bytes of a piece, at the most."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Which datagrams arrived, and how long the newest of them waited for this word."""

    runs: tuple[tuple[int, int], ...]
    """(lowest, highest) of each run, newest run first."""
    delay_s: float

    @property
    def highest(self) -> int:
        return self.runs[0][1]

    def covers(self, number: int) -> bool:
        """Whether it says that this one arrived."""
        return any(low <= number <= high for low, high in self.runs)


@dataclass(frozen=True, slots=True)
class Pair:
    """The datagrams 0 and 1 arrived so far apart: how long the narrowest link took for the second one."""

    size_bytes: int
    """Of datagram 1, with all headers."""
    apart_s: float


@dataclass(frozen=True, slots=True)
class Control:
    """Bytes of the ordered stream."""

    offset: int
    data: bytes
    goes_on: bool = False
    """The rest of what begins here follows at once and is small: an answer may wait for it. Said only where
    the stream's first bytes stand last in their datagram."""


@dataclass(frozen=True, slots=True)
class DataPiece:
    """Bytes of an offered bundle."""

    handle: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The ordered stream has this many bytes, and no data follow either."""

    offset: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Nothing, to be acknowledged."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The sender has let go of the session and hears nothing any more."""


Part = Acknowledged | Pair | Control | DataPiece | End | Ping | Closing


def encode_parts(parts: Iterable[Part]) -> bytes:
    """The parts one after the other; a piece that stands last needs no length."""
    listed = list(parts)
    if len(listed) > PARTS_MAX:
        raise ValueError(f"a datagram holds {PARTS_MAX} parts at most")
    last = len(listed) - 1
    return b"".join(_encode(part, to_end=index == last) for index, part in enumerate(listed))


def decode_parts(data: bytes) -> list[Part]:
    """The parts of one datagram; `MalformedInput` for anything else, and for more than `PARTS_MAX`."""
    parts: list[Part] = []
    for part in _decode(data):
        if len(parts) == PARTS_MAX:
            raise MalformedInput(f"a datagram holds more than {PARTS_MAX} parts")
        parts.append(part)
    return parts


def _encode(part: Part, *, to_end: bool) -> bytes:
    match part:
        case Acknowledged():
            return _encode_acknowledged(part)
        case Pair(size_bytes, apart_s):
            units = min(max(round(apart_s / APART_UNIT_S), 1), _APART_UNITS_MAX)
            return bytes((_PAIR,)) + encode_varint(size_bytes) + encode_varint(units)
        case Control():
            return _encode_control(part, to_end=to_end)
        case DataPiece(handle, offset, data):
            head = encode_varint(handle) + encode_varint(offset)
            return _encode_piece(_DATA_TO_END if to_end else _DATA, head, data, to_end=to_end)
        case End(offset):
            return bytes((_END,)) + encode_varint(offset)
        case Ping():
            return bytes((_PING,))
        case Closing():
            return bytes((_CLOSING,))


def _encode_control(part: Control, *, to_end: bool) -> bytes:
    if part.offset == 0 and to_end:
        return bytes((_CONTROL_BEGINS_AND_GOES_ON if part.goes_on else _CONTROL_BEGINS,)) + part.data
    code = _CONTROL_TO_END if to_end else _CONTROL
    return _encode_piece(code, encode_varint(part.offset), part.data, to_end=to_end)


def _encode_piece(code: int, head: bytes, data: bytes, *, to_end: bool) -> bytes:
    length = b"" if to_end else encode_varint(len(data))
    return bytes((code,)) + head + length + data


def _encode_acknowledged(part: Acknowledged) -> bytes:
    (low, high), *older = part.runs[:RUNS_MAX]
    units = min(int(part.delay_s / DELAY_UNIT_S), _DELAY_UNITS_MAX)
    if low == 0:
        return bytes((_ACKNOWLEDGED_ALL,)) + encode_varint(high) + encode_varint(units)
    code = _ACKNOWLEDGED_RUNS if older else _ACKNOWLEDGED_RUN
    out = bytearray((code,)) + encode_varint(high) + encode_varint(units) + encode_varint(high - low)
    if older:
        out += encode_varint(len(older))
    for below_low, below_high in older:
        out += encode_varint(low - below_high - 2) + encode_varint(below_high - below_low)
        low = below_low
    return bytes(out)


def _decode(data: bytes) -> Iterator[Part]:
    position = 0
    part: Part
    while position < len(data):
        code = data[position]
        position += 1
        if code in _WORDS:
            part, position = _decode_acknowledged(data, position, code)
            yield part
        elif code == _PAIR:
            part, position = _decode_pair(data, position)
            yield part
        elif code in _CONTROLS:
            part, position = _decode_control(data, position, code)
            yield part
        elif code in (_DATA, _DATA_TO_END):
            handle, position = decode_varint(data, position)
            offset, position = _bounded(data, position, BUNDLE_SEALED_BYTES_MAX)
            piece, position = _take_piece(data, position, to_end=code == _DATA_TO_END)
            yield DataPiece(handle, offset, piece)
        elif code == _END:
            offset, position = _bounded(data, position, _CONTROL_OFFSET_MAX)
            yield End(offset)
        else:
            yield _decode_bare(code)


def _decode_bare(code: int) -> Part:
    if code == _PING:
        return Ping()
    if code == _CLOSING:
        return Closing()
    raise MalformedInput(f"a datagram holds a part of unknown kind {code:#x}")


def _take_piece(data: bytes, position: int, *, to_end: bool) -> tuple[bytes, int]:
    if to_end:
        length = len(data) - position
    else:
        length, position = decode_varint(data, position)
    if not 0 < length <= len(data) - position:
        raise MalformedInput("a piece is empty or longer than its datagram")
    return data[position : position + length], position + length


def _bounded(data: bytes, position: int, most: int) -> tuple[int, int]:
    value, position = decode_varint(data, position)
    if value > most:
        raise MalformedInput(f"an offset of {value} is beyond {most}")
    return value, position


def _decode_pair(data: bytes, position: int) -> tuple[Pair, int]:
    size_bytes, position = _bounded(data, position, _PAIR_BYTES_MAX)
    units, position = decode_varint(data, position)
    if not 1 <= units <= _APART_UNITS_MAX:
        raise MalformedInput(f"two datagrams {units} ms apart tell nothing")
    return Pair(size_bytes, units * APART_UNIT_S), position


def _decode_control(data: bytes, position: int, code: int) -> tuple[Control, int]:
    offset = 0
    if code in (_CONTROL, _CONTROL_TO_END):
        offset, position = _bounded(data, position, _CONTROL_OFFSET_MAX)
    piece, position = _take_piece(data, position, to_end=code != _CONTROL)
    return Control(offset, piece, code == _CONTROL_BEGINS_AND_GOES_ON), position


def _decode_acknowledged(data: bytes, position: int, code: int) -> tuple[Acknowledged, int]:
    high, position = decode_varint(data, position)
    units, position = decode_varint(data, position)
    if code == _ACKNOWLEDGED_ALL:
        return Acknowledged(((0, high),), _delay_s(units)), position
    length, position = decode_varint(data, position)
    runs = [(high - length, high)]
    count = 0
    if code == _ACKNOWLEDGED_RUNS:
        count, position = decode_varint(data, position)
        if count >= RUNS_MAX:
            raise MalformedInput(f"{count + 1} runs, more than {RUNS_MAX}")
    for _ in range(count):
        gap, position = decode_varint(data, position)
        length, position = decode_varint(data, position)
        high = runs[-1][0] - gap - 2
        runs.append((high - length, high))
    if runs[-1][0] < 0:
        raise MalformedInput("an acknowledgement reaches below the first datagram")
    return Acknowledged(tuple(runs), _delay_s(units)), position


def _delay_s(units: int) -> float:
    return min(units, _DELAY_UNITS_MAX) * DELAY_UNIT_S
