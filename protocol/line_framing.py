"""Whole units over an octet line that loses, flips and invents bytes: stuffed, checked, found after noise.

Law: noise never raises and never stops what comes after it. A damaged unit is dropped and counted, and the
next one is found at the next delimiter. Nothing here asks for a unit again: each stands alone, as a datagram
does, and the layer that numbers datagrams sends the lost ones anew. The records of `protocol.channel` do not
fit: their nonces count, so that one lost record would end the session.

A unit travels as `COBS(unit || CRC-32) || 0x00`: after stuffing no byte but the delimiter is zero (Cheshire
and Baker, 1999), at one byte in 254. The CRC is the one of Ethernet and zlib. It only spares the layer above
work and gives the line a figure for its noise; what may be believed is decided by that layer's 16-byte seal.
So the better distance of CRC-32C on long units is not worth a table in Python or a dependency.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from .limits import LINE_UNIT_BYTES_MAX

DELIMITER: Final = b"\x00"
"""Ends a unit. One more is sent before the first unit and after a silence, to close what noise has begun."""
CHECK_BYTES: Final = 4
_SLICE_BYTES: Final = 64 * 1024
"""Taken apart at once, so that a long read of nothing but delimiters costs no memory to speak of."""
_RUN_BYTES_MAX: Final = 254
"""Bytes without a zero that one stuffing byte can announce."""


def line_size_bytes(unit_bytes: int) -> int:
    """What a unit of this size takes on the line at most: 6 bytes more, and one for each further 254."""
    stuffed = unit_bytes + CHECK_BYTES
    return stuffed + -(-stuffed // _RUN_BYTES_MAX) + len(DELIMITER)


def encode_unit(unit: bytes) -> bytes:
    """The unit as it travels, with the delimiter that ends it."""
    if not 1 <= len(unit) <= LINE_UNIT_BYTES_MAX:
        raise ValueError(f"a unit has 1..{LINE_UNIT_BYTES_MAX} bytes, not {len(unit)}")
    return _stuffed(unit + crc32(unit).to_bytes(CHECK_BYTES, "big")) + DELIMITER


class UnitDecoder:
    """Turns a noisy line, cut anywhere, into the units that came through whole; holds at most one of them."""

    def __init__(self, unit_bytes_max: int = LINE_UNIT_BYTES_MAX) -> None:
        self._unit_bytes_max = unit_bytes_max
        self._stuffed_bytes_max = line_size_bytes(unit_bytes_max) - len(DELIMITER)
        self._pending = bytearray()
        self._overlong = False
        self.damaged_count = 0
        """Units, or runs of noise in their place, that were dropped."""

    @property
    def pending_bytes(self) -> int:
        """Bytes held of a unit whose end has not come."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[bytes]:
        """The units that `data` completes, in order; it takes whatever comes and refuses nothing."""
        units = []
        for start in range(0, len(data), _SLICE_BYTES):
            *ended, rest = data[start : start + _SLICE_BYTES].split(DELIMITER)
            for piece in ended:
                self._extend(piece)
                if (unit := self._finish()) is not None:
                    units.append(unit)
            self._extend(rest)
        return units

    def _extend(self, piece: bytes) -> None:
        """More of the unit at hand. One longer than any unit is noise: nothing of it is kept."""
        if self._overlong or len(self._pending) + len(piece) > self._stuffed_bytes_max:
            self._overlong = True
            self._pending.clear()
        else:
            self._pending += piece

    def _finish(self) -> bytes | None:
        """The unit that a delimiter has ended, if it is whole; two delimiters in a row are only padding."""
        if not self._pending and not self._overlong:
            return None
        unit = _checked(bytes(self._pending))
        self._pending.clear()
        self._overlong = False
        if unit is None or len(unit) > self._unit_bytes_max:
            self.damaged_count += 1
            return None
        return unit


def _checked(stuffed: bytes) -> bytes | None:
    plain = _unstuffed(stuffed) if len(stuffed) > CHECK_BYTES + 1 else None
    if plain is None or len(plain) <= CHECK_BYTES:
        return None
    unit, check = plain[:-CHECK_BYTES], plain[-CHECK_BYTES:]
    return unit if crc32(unit).to_bytes(CHECK_BYTES, "big") == check else None


def _stuffed(plain: bytes) -> bytes:
    """Each run up to a zero becomes its length plus one and the run; 0xFF announces 254 bytes and no zero."""
    out = bytearray()
    runs = plain.split(DELIMITER)
    for index, run in enumerate(runs):
        whole = range(0, len(run) - _RUN_BYTES_MAX + 1, _RUN_BYTES_MAX)
        for start in whole:
            out.append(_RUN_BYTES_MAX + 1)
            out += run[start : start + _RUN_BYTES_MAX]
        rest = run[len(whole) * _RUN_BYTES_MAX :]
        # Behind a full run that ends everything stands no zero, and so no announcement of one.
        if rest or not whole or index < len(runs) - 1:
            out.append(len(rest) + 1)
            out += rest
    return bytes(out)


def _unstuffed(stuffed: bytes) -> bytes | None:
    """The bytes before stuffing, or None where the announced runs do not meet the end."""
    out = bytearray()
    position, end = 0, len(stuffed)
    while position < end:
        after = position + stuffed[position]
        if after > end:
            return None
        out += stuffed[position + 1 : after]
        if stuffed[position] <= _RUN_BYTES_MAX and after < end:
            out.append(0)
        position = after
    return bytes(out)
