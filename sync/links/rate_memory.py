"""What one session over datagrams found out about a link, for the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

STALE_S: Final = 6 * 3600.0
"""A ship sails on, a contract changes: older than this, a rate is a guess."""


@dataclass(frozen=True, slots=True)
class RateMemory:
    """What a link carries, and how sure that is."""

    rate_bytes_s: float
    rtt_s: float
    is_proven: bool = False
    """Measured while we asked for all the link could carry, not guessed."""
    is_told: bool = False
    """By somebody who knows the link, where it is not measured."""

    def aged(self, age_s: float) -> RateMemory:
        """What is left of it so long afterwards."""
        return self if 0 <= age_s < STALE_S else replace(self, is_proven=False)
