"""What a carrier bills for a session over a link."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .ranges import require_range

PRICE_USD_MAX = 10_000.0
BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the carrier bills for one session over the link, both directions together."""

    usd_per_mb: float = 0.0
    usd_per_minute: float = 0.0
    usd_per_message: float = 0.0
    increment_s: float = 0.0  # Connected time is rounded up to a multiple of this; 0 bills exactly.
    session_bytes_min: int = 0  # A session that carries less is billed as this.

    def __post_init__(self) -> None:
        for name in ("usd_per_mb", "usd_per_minute", "usd_per_message"):
            require_range(name, getattr(self, name), 0.0, PRICE_USD_MAX)
        require_range("increment_s", self.increment_s, 0.0, 86_400.0)
        require_range("session_bytes_min", self.session_bytes_min, 0, BYTES_PER_MB * 1000)

    def cost_usd(self, *, ip_bytes: int, connected_s: float = 0.0, messages: int = 0) -> float:
        """The price of one session that moved `ip_bytes` in `connected_s`."""
        billed_s = connected_s
        if self.increment_s > 0.0:
            billed_s = math.ceil(connected_s / self.increment_s) * self.increment_s
        billed_bytes = max(ip_bytes, self.session_bytes_min) if ip_bytes else 0
        return (
            self.usd_per_mb * billed_bytes / BYTES_PER_MB
            + self.usd_per_minute * billed_s / 60.0
            + self.usd_per_message * messages
        )
