"""Which class and length the bundles have that one side offered: how urgent the bytes of a datagram are.

Nothing here grows with what is sent: only the latest bundles are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.datagram_parts import Control, DataPiece, Part
from protocol.fields import Fields
from protocol.frames import Offer, Whole
from protocol.framing import next_bounds
from protocol.header import Priority

from .datagram_sizes import FIRST_FLIGHT_BYTES

OFFERS_MAX: Final = 1024
"""Bundles whose priority is remembered; a session plans no more than so many at once."""
WHOLES_MAX: Final = 16
"""Texts said in one frame whose urgency is remembered: more than a first flight holds of urgent ones."""


class Offered:
    """What is known of the latest bundles."""

    def __init__(self) -> None:
        self._priorities: dict[int, Priority] = {}
        self._sizes: dict[int, int] = {}
        self._urgent_wholes: list[tuple[int, int, Priority]] = []
        """Where in the ordered stream the latest urgent texts begin and end that were said in one frame."""

    def note_offer(self, offer: Offer) -> None:
        """Its bytes follow in pieces."""
        self._priorities[offer.handle] = offer.priority
        self._sizes[offer.handle] = offer.size_bytes
        if len(self._priorities) > OFFERS_MAX:
            oldest = next(iter(self._priorities))
            del self._priorities[oldest], self._sizes[oldest]

    def note_whole(self, frame: bytes, offset: int) -> None:
        """A frame with a whole bundle leaves, at this place of the ordered stream."""
        start, end = next_bounds(frame) or (0, len(frame))
        priority = Whole.read(Fields(frame[start:end])).priority
        if priority <= Priority.URGENT:
            newest = (offset, offset + len(frame), priority)
            self._urgent_wholes = [*self._urgent_wholes, newest][-WHOLES_MAX:]

    def priority_of(self, handle: int) -> Priority:
        """Of what nothing is known it is the least."""
        return self._priorities.get(handle, Priority.BULK)

    def size_bytes_of(self, handle: int) -> int:
        """Zero if nothing is known."""
        return self._sizes.get(handle, 0)

    def is_text(self, piece: DataPiece) -> bool:
        """Of a bundle that we know to be short."""
        return 0 < self.size_bytes_of(piece.handle) <= FIRST_FLIGHT_BYTES

    def urgency_of(self, parts: Iterable[Part]) -> Priority | None:
        """The class of the most urgent text that these hold bytes of, if it is an urgent one."""
        found: list[Priority] = []
        for part in parts:
            if isinstance(part, DataPiece) and self.is_text(part):
                found.append(self.priority_of(part.handle))
            elif isinstance(part, Control):
                end = part.offset + len(part.data)
                found += [p for low, high, p in self._urgent_wholes if low < end and part.offset < high]
        urgency = min(found, default=Priority.BULK)
        return urgency if urgency <= Priority.URGENT else None
