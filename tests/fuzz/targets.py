"""What a fuzzer calls: one function per entrance, which takes any bytes and fails if a promise is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from protocol.bundle import BundleContent, EntryBundle, LayerBundle, pack, unpack
from protocol.channel import DialerPreamble
from protocol.codec import Primitive, encode
from protocol.datagram_parts import Part, decode_parts, encode_parts
from protocol.enrolment import format_code
from protocol.entry import Entry, SignedEntry, read_entry
from protocol.frames import Frame
from protocol.framing import FrameDecoder, encode_frame
from protocol.header import BundleHeader, encode_header
from protocol.line_framing import UnitDecoder, encode_unit
from protocol.ranges import RangeSet, encode_ranges
from protocol.varint import encode_varint
from simulations.hostile.entrances import ENTRANCES, Entrance
from sync.core import Session

Promise = Callable[[bytes, Any], None]
"""What holds between bytes that were taken and the answer to them."""

_EFFECTS_AND_EVENTS_MAX: Final = 100_000


def _varint(data: bytes, answer: tuple[int, int]) -> None:
    value, end = answer
    assert encode_varint(value) == data[:end]


def _ranges(data: bytes, answer: tuple[RangeSet, int]) -> None:
    ranges, end = answer
    assert encode_ranges(ranges) == data[:end]
    assert RangeSet.of(ranges.spans) == ranges


def _message(data: bytes, answer: Primitive) -> None:
    assert encode(answer) == data


def _entry(data: bytes, answer: Entry) -> None:
    assert read_entry(SignedEntry(data, bytes(64))) == answer
    assert len({record.record_id for record in answer.records}) == len(answer.records)
    assert [record.stamp.counter for record in answer.records] == [
        answer.stamp.counter + index for index in range(len(answer.records))
    ]


def _bundle(data: bytes, answer: BundleContent) -> None:
    if isinstance(answer, EntryBundle):
        assert unpack(pack(answer, dictionaries=frozenset())) == answer
    elif isinstance(answer, LayerBundle):
        assert pack(answer) == data


def _header(data: bytes, answer: tuple[BundleHeader, int]) -> None:
    header, end = answer
    assert encode_header(header) == data[:end]


def _frames(data: bytes, answer: list[Frame]) -> None:
    decoder = FrameDecoder()
    assert [frame for at in range(len(data)) for frame in decoder.feed(data[at : at + 1])] == answer
    again = b"".join(map(encode_frame, answer))
    assert list(FrameDecoder().feed(again)) == answer


def _line(data: bytes, answer: list[bytes]) -> None:
    decoder = UnitDecoder()
    middle = len(data) // 2
    assert decoder.feed(data[:middle]) + decoder.feed(data[middle:]) == answer
    assert UnitDecoder().feed(b"".join(map(encode_unit, answer))) == answer


def _parts(data: bytes, answer: list[Part]) -> None:
    assert decode_parts(encode_parts(answer)) == answer


def _preamble(data: bytes, answer: DialerPreamble) -> None:
    assert answer.encode() == data


def _session(data: bytes, answer: Session) -> None:
    assert len(answer.effects()) < _EFFECTS_AND_EVENTS_MAX
    assert len(answer.events()) < _EFFECTS_AND_EVENTS_MAX
    answer.wake(1e9)
    answer.outgoing(1e9)
    assert answer.deadline() is None  # Nobody has answered for so long that it has ended.


def _code(data: bytes, answer: bytes) -> None:
    assert ENTRANCES["enrolment code"].enter(format_code(answer).encode()) == answer


PROMISES: Final[Mapping[str, Promise]] = {
    "varint": _varint,
    "ranges": _ranges,
    "message": _message,
    "entry": _entry,
    "bundle": _bundle,
    "header": _header,
    "frames": _frames,
    "line": _line,
    "parts of a datagram": _parts,
    "preamble": _preamble,
    "session": _session,
    "session after the greeting": _session,
    "enrolment code": _code,
}


def check(entrance: Entrance, data: bytes) -> None:
    """Refused as documented, or taken and the promise kept; anything else raises."""
    try:
        answer = entrance.enter(data)
    except entrance.refusals:
        return
    if promise := PROMISES.get(entrance.name):
        promise(data, answer)


def slug(name: str) -> str:
    """A target's name as part of a file name and on a command line."""
    return name.replace(" ", "-")


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    slug(name): partial(check, entrance) for name, entrance in ENTRANCES.items()
}
