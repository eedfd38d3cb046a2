"""Unsigned LEB128 integers, shortest form only."""

from __future__ import annotations

from typing import Final

from .errors import MalformedInput

VARINT_BYTES_MAX: Final = 9
"""Enough for 63 bits; a longer run of continuation bytes is an attack or noise."""


def encode_varint(value: int) -> bytes:
    """`value` (0 ≤ value < 2**63) in as few bytes as it needs, least significant group first."""
    if not 0 <= value < 1 << 63:
        raise ValueError(f"{value} does not fit a varint")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes, position: int = 0) -> tuple[int, int]:
    """The value at `position` and the position after it; `MalformedInput` if cut short or not shortest."""
    value = 0
    for index in range(VARINT_BYTES_MAX):
        if position + index >= len(data):
            raise MalformedInput("an integer is cut short")
        byte = data[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise MalformedInput("an integer is not in its shortest form")
            return value, position + index + 1
    raise MalformedInput("an integer is too long")
