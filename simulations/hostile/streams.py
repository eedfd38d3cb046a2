"""Frames, sets and integers that break their bounds, or keep a reader busy with nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from protocol.channel import RECORD_PLAIN_BYTES_MAX
from protocol.frames import Data, Have, Stored
from protocol.framing import encode_frame
from protocol.limits import CHUNK_BYTES_MAX, RANGES_MAX
from protocol.line_framing import encode_unit
from protocol.ranges import RangeSet, encode_ranges
from protocol.varint import VARINT_BYTES_MAX, encode_varint

from .messages import MEGABYTE
from .samples import OFFER, OURS, header
from .samples import frames as true_frames

READ_BYTES: Final = 64 * 1024
"""What a serial port gives at once, at the very most."""


def integers() -> dict[str, bytes]:
    """Varints that are none."""
    return {
        "ten bytes": b"\x80" * VARINT_BYTES_MAX + b"\x01",
        "not the shortest": b"\x80\x00",
        "not the shortest, long": b"\xff" * 7 + b"\x80\x00",
        "cut short": b"\xff\xff",
        "the largest": encode_varint((1 << 63) - 1),
    }


def sets() -> dict[str, bytes]:
    """Ranges that touch, overlap or never end."""
    many = RangeSet(tuple((3 * index, 3 * index + 1) for index in range(RANGES_MAX)))
    largest = encode_varint((1 << 63) - 1)
    return {
        "as many spans as there may be": encode_ranges(many),
        "a span too many": encode_varint(RANGES_MAX + 1) + b"\x01\x01" * (RANGES_MAX + 1),
        "2**62 spans": encode_varint(1 << 62) + b"\x01\x01" * 500_000,
        "empty span": b"\x01\x05\x00",
        "spans that touch": b"\x02\x01\x01\x00\x01",
        "cut in the middle": b"\x02\x01",
        "numbers beyond 64 bits": encode_varint(RANGES_MAX) + largest * (2 * RANGES_MAX),
    }


def frames() -> dict[str, bytes]:
    """Rows of frames that break a rule of the format."""
    return {f"frame {frame[0]:#04x} cut short": frame[:-1] for frame in true_frames()} | {
        "a megabyte of unknown empty frames": b"\x55\x00" * (MEGABYTE // 2),
        "unknown critical frame": b"\xfe\x00",
        "length beyond the limit": b"\x83\xff\xff\x7f",
        "length of four bytes": b"\x83\x80\x80\x80\x01",
        "length not the shortest": b"\x8a\x80\x00",
        "chunk beyond the limit": b"\x83\x83\x80\x04" + bytes(CHUNK_BYTES_MAX + 3),
        "goodbye with a body": b"\x8a\x01\x00",
        "set of numbers beyond all bounds": b"\x85\x0elife\x01\x01" + b"\xff" * 7 + b"\x7f",
    }


def floods() -> dict[str, bytes]:
    """True frames that would keep a session busy with next to nothing, a channel record of each."""
    spans = RangeSet(tuple((4 * index, 4 * index + 2) for index in range(RANGES_MAX)))
    repeated = {f"frame {frame[0]:#04x} without end": frame for frame in true_frames()} | {
        "receipts of many spans": encode_frame(Have(1, spans)),
        "receipts of many bundles": encode_frame(Stored(OURS, spans)),
        "chunks of one byte": encode_frame(Data(1, 0, b"x")),
    }
    crumbs = b"".join(encode_frame(Data(1, 2 * index, b"x")) for index in range(10_000))
    offers = b"".join(encode_frame(replace(OFFER, handle=2 + index)) for index in range(2_000))
    return {name: frame * (RECORD_PLAIN_BYTES_MAX // len(frame)) for name, frame in repeated.items()} | {
        "chunks of one byte, all apart": crumbs[:RECORD_PLAIN_BYTES_MAX],
        "offers without end": offers[:RECORD_PLAIN_BYTES_MAX],
    }


def lines() -> dict[str, bytes]:
    """Noise on a line of units."""
    unit = encode_unit(b"x")
    return {
        "no delimiter": b"\x55" * READ_BYTES,
        "runs of nothing": b"\x01" * (READ_BYTES - 1) + b"\x00",
        "tiny pieces": b"\x01\x00" * (READ_BYTES // 2),
        "pieces with no check": b"\x06abcde\x00" * (READ_BYTES // 7),
        "units of one byte": unit * (READ_BYTES // len(unit)),
        "a unit with a wrong check": encode_unit(b"vital signs")[:-2] + b"\x07\x00",
    }


def records() -> dict[str, bytes]:
    """Records of a session channel, none of which opens."""
    return {
        "empty record": b"\x00\x00",
        "record shorter than its seal": b"\x00\x0f" + bytes(15),
        "longest record": b"\xff\xff" + bytes(0xFFFF),
        "a megabyte of records": (b"\x00\x10" + bytes(16)) * (MEGABYTE // 18),
        "record that never ends": b"\xff\xff" + bytes(1000),
    }


def headers() -> dict[str, bytes]:
    """Clear headers with one thing wrong."""
    true = header()
    number_at, size_at = 17, len(true) - 2
    return {
        "cut short": true[:-1],
        "unknown suite": b"\xfd" + true[1:],
        "sequence 0": true[:number_at] + b"\x00" + true[number_at + 2 :],
        "sequence not the shortest": true[:number_at] + b"\x81\x00" + true[number_at + 2 :],
        "sequence without end": true[:number_at] + b"\xff" * 20,
        "size 0": true[: size_at - 1] + b"\x15\x00",
        "size not the shortest": true[:size_at] + b"\x81\x00",
        "size of an exabyte": true[:size_at] + b"\xff" * 8 + b"\x7f",
    }
