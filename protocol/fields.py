"""The fields that frames are made of: a reader that refuses to run past the end, and their encodings."""

from __future__ import annotations

from .errors import MalformedInput
from .ids import INCARNATION_BYTES, Incarnation
from .limits import BUNDLE_SEALED_BYTES_MAX, SEQUENCE_MAX
from .ranges import RangeSet, decode_ranges
from .summary import DIGEST_BYTES
from .varint import decode_varint


class Fields:
    """A cursor over one frame's body; every method takes the next field or raises `MalformedInput`."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0

    def number(self) -> int:
        """A varint."""
        value, self._position = decode_varint(self._body, self._position)
        return value

    def count(self, most: int) -> int:
        """A varint that announces how many items follow."""
        value = self.number()
        if value > most:
            raise MalformedInput(f"a frame announces {value} items where {most} are allowed")
        return value

    def number_between(self, low: int, high: int, what: str) -> int:
        """A varint with bounds."""
        value = self.number()
        if not low <= value <= high:
            raise MalformedInput(f"a {what} of {value} is outside {low}..{high}")
        return value

    def octet(self) -> int:
        """One byte as a number."""
        return self.raw(1)[0]

    def raw(self, size_bytes: int) -> bytes:
        """Exactly so many bytes."""
        end = self._position + size_bytes
        if end > len(self._body):
            raise MalformedInput("a frame ends in the middle of a field")
        piece = self._body[self._position : end]
        self._position = end
        return piece

    def byte_ranges(self) -> RangeSet:
        """A set of offsets into one bundle."""
        return self._ranges(BUNDLE_SEALED_BYTES_MAX)

    def sequences(self) -> RangeSet:
        """A set of the numbers of bundles."""
        return self._ranges(SEQUENCE_MAX + 1)

    def _ranges(self, end_max: int) -> RangeSet:
        ranges, self._position = decode_ranges(self._body, self._position)
        if ranges.spans and ranges.spans[-1][1] > end_max:
            raise MalformedInput(f"a set reaches beyond {end_max}")
        return ranges

    def incarnation(self) -> Incarnation:
        """One life of a store."""
        return Incarnation(self.raw(INCARNATION_BYTES))

    def digest(self) -> int:
        """A sum of bundle ids."""
        return int.from_bytes(self.raw(DIGEST_BYTES), "big")

    @property
    def has_more(self) -> bool:
        """Whether anything is left."""
        return self._position < len(self._body)

    def rest_between(self, low: int, high: int) -> bytes:
        """Everything that is left, within bounds."""
        left = len(self._body) - self._position
        if not low <= left <= high:
            raise MalformedInput(f"a frame carries {left} bytes where {low}..{high} are allowed")
        return self.raw(left)

    def end(self) -> None:
        """Nothing may be left."""
        if self._position != len(self._body):
            raise MalformedInput(f"a frame has {len(self._body) - self._position} bytes too many")


def encode_digest(digest: int) -> bytes:
    """A sum of bundle ids, in full."""
    return digest.to_bytes(DIGEST_BYTES, "big")
