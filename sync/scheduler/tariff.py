"""What a carrier bills for one contact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

BYTES_PER_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """Bytes of both directions together, minutes and messages; whatever costs nothing is 0."""

    usd_per_megabyte: float = 0.0
    usd_per_minute: float = 0.0
    increment_s: float = 0.0
    """Time is rounded up to whole increments; 0 bills each second."""
    usd_per_message: float = 0.0

    @property
    def is_free(self) -> bool:
        return not (self.usd_per_megabyte or self.usd_per_minute or self.usd_per_message)

    def cost_usd(self, *, size_bytes: int, connected_s: float = 0.0, messages: int = 0) -> float:
        """The price of one contact."""
        billed_s = connected_s
        if self.increment_s > 0:
            billed_s = math.ceil(connected_s / self.increment_s) * self.increment_s
        return (
            self.usd_per_megabyte * size_bytes / BYTES_PER_MEGABYTE
            + self.usd_per_minute * billed_s / 60
            + self.usd_per_message * messages
        )
