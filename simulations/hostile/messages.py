"""MessagePack that costs its reader more than it is worth, or says one thing in two ways."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping
from typing import Any, Final

import msgpack

from protocol.limits import ENTRY_BYTES_MAX, RECORDS_PER_ENTRY_MAX, REFERENCES_PER_RECORD_MAX

MEGABYTE: Final = 1_000_000
_UNREAD_BYTES: Final = 9_000
"""Few enough that a count of bytes alone does not tell a bomb."""
_SIZES: Final = (_UNREAD_BYTES, ENTRY_BYTES_MAX - 64, MEGABYTE)

_ENDLESS: Final[Mapping[str, bytes]] = {
    "arrays in arrays": b"\x91",
    "maps in maps": b"\x81\x01",
    "long arrays in long arrays": b"\xdd\x00\x00\x00\x01",
    "wide arrays in wide arrays": b"\xdd\xff\xff\xff\xff",
    "empty maps": b"\x80",
    "nothing": b"\xc0",
}
_CLAIMS: Final[Mapping[str, bytes]] = {
    "array of 4 G items": b"\xdd\xff\xff\xff\xff",
    "map of 4 G pairs": b"\xdf\xff\xff\xff\xff",
    "text of 4 GB": b"\xdb\xff\xff\xff\xff",
    "bytes of 4 GB": b"\xc6\xff\xff\xff\xff",
    "extension of 4 GB": b"\xc9\xff\xff\xff\xff\x01",
    "array of 64 K items": b"\xdc\xff\xff",
    "array cut short": b"\x95\x01\x02",
}
_FOREIGN: Final[Mapping[str, bytes]] = {
    "float": b"\xca\x3f\x80\x00\x00",
    "not a number": b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    "infinity": b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    "extension": b"\xd4\x05\x00",
    "timestamp": b"\xd6\xff\x00\x00\x00\x01",
    "long timestamp": b"\xc7\x0c\xff" + bytes(3) + b"\x01" + b"\x7f" * 8,
    "extension of nothing": b"\xc7\x00\x01",
    "reserved byte": b"\xc1",
    "text that is not UTF-8": b"\xa2\xff\xfe",
    "half of a surrogate pair": b"\xa3\xed\xa0\x80",
}
_DOUBLE: Final[Mapping[str, bytes]] = {
    "key twice": b"\x82\x01\x01\x01\x02",
    "key once as a number and once as yes": b"\x82\x01\x01\xc3\x02",
    "keys jumbled": b"\x82\x02\x01\x01\x02",
    "text as a key": b"\x81\xa1a\x01",
    "bytes as a key": b"\x81\xc4\x01a\x01",
    "array as a key": b"\x81\x91\x01\x01",
    "map as a key": b"\x81\x81\x01\x01\x01",
    "nothing as a key": b"\x81\xc0\x01",
    "negative key": b"\x81\xff\x01",
    "large key": b"\x81\xcd\x01\x00\x01",
    "number in two bytes": b"\xcc\x01",
    "number in nine bytes": b"\xcf" + bytes(7) + b"\x01",
    "positive number as a signed one": b"\xd0\x01",
    "short text in a long form": b"\xd9\x01a",
    "short bytes in a long form": b"\xc5\x00\x01a",
    "short array in a long form": b"\xdc\x00\x01\x01",
    "short map in a long form": b"\xde\x00\x01\x01\x01",
    "key in two bytes": b"\x81\xcc\x01\x01",
    "tail": b"\x01\x01",
    "tail of nothing": b"\x91\x01\xc0",
    "two messages": b"\x90\x90",
}


def messages() -> dict[str, bytes]:
    """By what is wrong with each."""
    return (
        {
            f"{name}, {size} bytes": (piece * (size // len(piece) + 1))[:size]
            for name, piece in _ENDLESS.items()
            for size in _SIZES
        }
        | {
            f"{name} among {size} bytes": head + b"\x90" * (size - len(head))
            for name, head in _CLAIMS.items()
            for size in _SIZES
        }
        | dict(_CLAIMS)
        | dict(_FOREIGN)
        | {f"{name}, within an array": b"\x91" + piece for name, piece in {**_FOREIGN, **_DOUBLE}.items()}
        | dict(_DOUBLE)
        | _wide()
    )


def _wide() -> dict[str, bytes]:
    """True messages with as many items as their bytes can hold."""
    out = {}
    for size in _SIZES:
        out[f"array of numbers, {size} bytes"] = _array(b"\x01" * (size - 5), size - 5)
        out[f"array of empty arrays, {size} bytes"] = _array(b"\x90" * (size - 5), size - 5)
        out[f"array of pairs of arrays, {size} bytes"] = _array(b"\x92\x90\x90" * (size // 3), size // 3)
        pairs = min((size - 5) // 3, 0xFFFF)
        out[f"map with one key {pairs} times"] = b"\xde" + struct.pack(">H", pairs) + b"\x01\xc4\x00" * pairs
    return out


def _array(items: bytes, count: int) -> bytes:
    return b"\xdd" + struct.pack(">I", count) + items


def entry_payloads() -> dict[str, bytes]:
    """Entries whose frame is right and whose records are not, or are as costly as the bounds allow."""
    note, vitals, reply = 9, 10, 128
    stamp = [1, 1_760_000_000, 540, 0]
    record_lists: dict[str, Any] = {
        "no record": [],
        "too many records": [[note, {1: "en", 2: "x"}]] * (RECORDS_PER_ENTRY_MAX + 1),
        "all the records there may be": [[vitals, {1: 1, 2: 80}]] * RECORDS_PER_ENTRY_MAX,
        "all the items there may be": [[77, [[]] * 18]] * RECORDS_PER_ENTRY_MAX,
        "record larger than a record": [[77, bytes(20_000)]],
        "references to nothing": [
            [note, {1: "en", 2: "x"}, [[1, bytes(16)]] * (REFERENCES_PER_RECORD_MAX + 1)]
        ],
        "reference of another kind": [[note, {1: "en", 2: "x"}, [[9, bytes(16)]]]],
        "reference too short": [[note, {1: "en", 2: "x"}, [[1, bytes(15)]]]],
        "body is a list": [[note, [1, 2]]],
        "body is text": [[note, "text"]],
        "kind is text": [["9", {}]],
        "kind is yes": [[True, {}]],
        "version 0": [[note, {1: "en", 2: "x"}, [], 0]],
        "version is yes": [[note, {1: "en", 2: "x"}, [], True]],
        "five parts": [[note, {}, [], 1, 1]],
        "field missing": [[note, {1: "en"}]],
        "field of another type": [[note, {1: "en", 2: 7}]],
        "terminal escape": [[note, {1: "en", 2: "\x1b]52;c;aGk=\x07"}]],
        "right-to-left override": [[note, {1: "en", 2: "5\u202e0 mg"}]],
        "text too long": [[note, {1: "en", 2: "x" * 13_000}]],
        "reading out of range": [[vitals, {1: 1, 2: 1 << 40}]],
        "yes for a number": [[vitals, {1: 1, 2: True}]],
        "reply without anything": [[reply, {}]],
        "unknown critical kind": [[250, {1: {2: {3: [1]}}}]],
    }
    good = [[note, {1: "en", 2: "x"}]]
    frames: dict[str, Any] = {
        "five parts of an entry": [bytes(10), bytes(10), bytes(8), bytes(8), stamp],
        "case id too long": [bytes(11), bytes(10), bytes(8), bytes(8), stamp, good],
        "case id as text": ["0123456789", bytes(10), bytes(8), bytes(8), stamp, good],
        "counter below zero": [bytes(10), bytes(10), bytes(8), bytes(8), [-1, 0, 0, 0], good],
        "counter is yes": [bytes(10), bytes(10), bytes(8), bytes(8), [True, 0, 0, 0], good],
        "stamp of five": [bytes(10), bytes(10), bytes(8), bytes(8), [1, 0, 0, 0, 0], good],
        "unknown certainty": [bytes(10), bytes(10), bytes(8), bytes(8), [1, 0, 0, 3], good],
        "time zone of a month": [bytes(10), bytes(10), bytes(8), bytes(8), [1, 0, 43_200, 0], good],
        "records are a map": [bytes(10), bytes(10), bytes(8), bytes(8), stamp, {1: good}],
    }
    whole = {
        name: [bytes(10), bytes(10), bytes(8), bytes(8), stamp, records]
        for name, records in record_lists.items()
    }
    return {name: msgpack.packb(value, use_bin_type=True) for name, value in (whole | frames).items()}


def anything() -> dict[str, bytes]:
    """Bytes that mean nothing in any format."""
    noise = random.Random(1)
    return {
        "no byte": b"",
        **{f"one byte {byte:#04x}": bytes((byte,)) for byte in (0, 1, 2, 3, 0x7F, 0x80, 0x83, 0xC1, 0xFF)},
        **{f"a megabyte of {byte:#04x}": bytes((byte,)) * MEGABYTE for byte in (0, 1, 2, 0x80, 0xFF)},
        **{f"{size} random bytes": noise.randbytes(size) for size in (2, 17, 64, 500, 12_000, MEGABYTE)},
    }
