"""Entries with the ends of their strings marked, in place of lengths that no phrase could hold.

A mark is two bytes of which the first occurs neither in MessagePack heads nor in UTF-8. Where identifiers or
numbers hold such a pair by chance, `KEPT` goes between the two: any entries join and split exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgpack

from ..codec import Primitive, decode
from ..errors import MalformedInput
from ..limits import ENTRY_BYTES_MAX

BEGIN: Final = b"\xc1\xfe"
END: Final = b"\xc1\xff"
NEXT: Final = b"\xc1\xfd"
"""Between two entries."""
KEPT: Final = 0xFC
"""After 0xC1: the byte behind it belongs to no mark."""
_LOOKS_MARKED: Final = re.compile(b"\xc1(?=[\xfc-\xff])")
_KEPT_APART: Final = re.compile(b"\xc1\xfc(?=[\xfc-\xff])")


def join_entries(payloads: Sequence[bytes]) -> bytes:
    """All payloads with marked strings; `MalformedInput` when one is not canonical."""
    return NEXT.join(_open(decode(payload, size_bytes_max=ENTRY_BYTES_MAX)) for payload in payloads)


def split_entries(joined: bytes) -> list[bytes]:
    """The payloads; what is not what `join_entries` gives comes out as something else, but is never large."""
    return [_closed(opened) for opened in joined.split(NEXT)]


def _open(value: Primitive) -> bytes:
    """The bytes of a value with marks: between two of them everything is kept from looking like a third."""
    opened = bytearray()
    unmarked = bytearray()
    for piece in _pieces(value):
        if isinstance(piece, bytes):
            unmarked += piece
        else:
            opened += _kept(unmarked) + BEGIN + piece.encode() + END
            unmarked.clear()
    return bytes(opened + _kept(unmarked))


def _kept(unmarked: bytes | bytearray) -> bytes:
    return _LOOKS_MARKED.sub(bytes((0xC1, KEPT)), unmarked)


def _pieces(value: Primitive) -> Iterator[bytes | str]:
    """Strings as they are, everything else packed."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (bytes, int)):
        yield msgpack.packb(value, use_bin_type=True)
    elif isinstance(value, Mapping):
        yield msgpack.Packer().pack_map_header(len(value))
        for key, item in value.items():
            yield msgpack.packb(key)
            yield from _pieces(item)
    elif isinstance(value, Sequence):
        yield msgpack.Packer().pack_array_header(len(value))
        for item in value:
            yield from _pieces(item)
    else:
        yield msgpack.packb(value, use_bin_type=True)


def _closed(opened: bytes) -> bytes:
    first, *others = opened.split(BEGIN)
    closed = [_unkept(first)]
    for other in others:
        text, end, rest = other.partition(END)
        if not end:
            raise MalformedInput("a string of coded data has no end")
        closed += (_head(len(text)), text, _unkept(rest))
    return b"".join(closed)


def _unkept(unmarked: bytes) -> bytes:
    return _KEPT_APART.sub(b"\xc1", unmarked)


def _head(size: int) -> bytes:
    """What MessagePack puts before a string of this many bytes."""
    if size < 32:
        return bytes((0xA0 | size,))
    if size < 1 << 8:
        return bytes((0xD9, size))
    return b"\xda" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xdb" + size.to_bytes(4, "big")
