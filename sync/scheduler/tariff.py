"""What a carrier bills for one contact."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

BYTES_PER_MEGABYTE: Final = 1_000_000
ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """Bytes of both directions together, minutes and messages; whatever costs nothing is 0."""

    usd_per_megabyte: float = 0.0
    usd_per_minute: float = 0.0
    increment_s: float = 0.0
    """Time is rounded up to whole increments; 0 bills each second."""
    usd_per_message: float = 0.0
    usd_per_session: float = 0.0
    """For setting one up, whatever it carries."""
    session_bytes_min: int = 0
    """A session that carries less is billed as this."""
    session_s_min: float = 0.0
    """A session that lasts less is billed as this: the first minute of a call."""

    @property
    def is_free(self) -> bool:
        return not (
            self.usd_per_megabyte or self.usd_per_minute or self.usd_per_message or self.usd_per_session
        )

    def paid_s(self, usd: float, *, size_bytes: int, messages: int = 0) -> float:
        """How long a contact that carries so much may last for so much money; for ever where time is free."""
        if not self.usd_per_minute or math.isinf(usd):
            return math.inf
        at_once = replace(self, usd_per_minute=0.0).cost_usd(size_bytes=size_bytes, messages=messages)
        paid_s = max(0.0, usd - at_once) / self.usd_per_minute * 60
        if self.increment_s > 0:
            # A step that is paid for to the last digit is one.
            paid_s = math.floor(paid_s / self.increment_s + ROUNDING) * self.increment_s
        return paid_s if paid_s >= self.session_s_min else 0.0

    def cost_usd(self, *, size_bytes: int, connected_s: float = 0.0, messages: int = 0) -> float:
        """The price of one contact; of one that never came about, nothing."""
        if not (size_bytes or connected_s or messages):
            return 0.0
        billed_bytes = max(size_bytes, self.session_bytes_min) if size_bytes else 0
        billed_s = max(connected_s, self.session_s_min)
        if self.increment_s > 0:
            billed_s = math.ceil(billed_s / self.increment_s) * self.increment_s
        return (
            self.usd_per_megabyte * billed_bytes / BYTES_PER_MEGABYTE
            + self.usd_per_minute * billed_s / 60
            + self.usd_per_message * messages
            + self.usd_per_session
        )
