"""Whether the peer is in the middle of sending bulk, and when its staying away means that the link is dark.

Who reads hears of a returned link half a round trip before who writes: it knocks too, and what is on its way
into the darkness need not be spent on knocks.
"""

from __future__ import annotations

import math
from typing import Final

from .datagram_sizes import HEADERS_BYTES, UNIT_BYTES_MIN

BULK_BYTES_MIN: Final = UNIT_BYTES_MIN - HEADERS_BYTES - 16
"""A datagram as long as that is of bulk, or of a text."""
PATIENCE_S: Final = 1.5
PATIENCE_SPACINGS: Final = 3
"""So many times longer than bulk was apart before."""
SPACING_DECAY: Final = 0.9
OTHERS_MAX: Final = 2
"""Who answers so often and sends no bulk has none, or waits for something."""


class Reading:
    """What one end reads."""

    def __init__(self) -> None:
        self._bulk_count = 0
        self._others_count = 0
        """Short datagrams since the last long one."""
        self._heard_at = -math.inf
        self._bulk_heard_at = -math.inf
        self._spacing_s = 0.0

    def heard(self, now: float, size_bytes: int) -> None:
        """A datagram came."""
        self._heard_at = now
        if size_bytes < BULK_BYTES_MIN:
            self._others_count += 1
            if self._others_count > OTHERS_MAX:
                self._bulk_count = 0
            return
        self._others_count = 0
        if self._bulk_count:
            self._spacing_s = max(now - self._bulk_heard_at, SPACING_DECAY * self._spacing_s)
        self._bulk_count += 1
        self._bulk_heard_at = now

    def heard_bulk_since(self, moment: float) -> bool:
        """Whether anything long came since then."""
        return self._bulk_heard_at > moment

    @property
    def is_in_bulk(self) -> bool:
        """Several long datagrams came one after the other, and hardly anything since."""
        return self._bulk_count > 1

    def overdue_at(self) -> float:
        """When more of it should have come."""
        return self._heard_at + max(PATIENCE_S, PATIENCE_SPACINGS * self._spacing_s)
