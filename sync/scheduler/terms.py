"""What a site says of one of its links: when to dial it, what may go over it, what it may cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from protocol.header import Priority

from .spending import DayCount
from .tariff import Tariff

RESERVE_SHARE: Final = 0.25
"""Of a cap, kept for emergencies: at the prices of narrow links some dozens of headlines and replies."""


class LinkMode(StrEnum):
    """When the node dials."""

    HOLD = "hold"
    """At once, and the session stays open: both sides push. For links where time costs nothing."""
    POLL = "poll"
    """When something waits and every `poll_s`; the session ends when nothing is left."""
    MANUAL = "manual"
    """Only when a person or script says `sync`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much one contact may cost before it is ended."""

    usd: float = math.inf
    size_bytes: float = math.inf

    @property
    def is_limited(self) -> bool:
        return self.usd < math.inf or self.size_bytes < math.inf

    def pays(self, *, usd: float, size_bytes: float) -> bool:
        return usd <= self.usd and size_bytes <= self.size_bytes


UNLIMITED: Final = Allowance()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCap:
    """What a link may cost in a day; a share of it is kept for emergencies, which no cap stops."""

    usd_per_day: float = math.inf
    bytes_per_day: float = math.inf
    reserve_share: float = RESERVE_SHARE

    @property
    def is_limited(self) -> bool:
        return self.usd_per_day < math.inf or self.bytes_per_day < math.inf

    def left(self, spent: DayCount) -> Allowance:
        """For all that is no emergency."""
        if not self.is_limited:
            return UNLIMITED
        share = 0.0 if spent.is_closed else 1 - self.reserve_share
        return Allowance(
            usd=_left(self.usd_per_day, share, spent.usd),
            size_bytes=_left(self.bytes_per_day, share, spent.size_bytes),
        )

    def left_for_emergencies(self, spent: DayCount) -> Allowance:
        """The reserve too."""
        if not self.is_limited:
            return UNLIMITED
        return Allowance(
            usd=_left(self.usd_per_day, 1.0, spent.usd),
            size_bytes=_left(self.bytes_per_day, 1.0, spent.size_bytes),
        )

    def is_used_up(self, spent: DayCount) -> bool:
        """The reserve too: what an emergency costs from here on is beyond what was agreed."""
        return spent.usd >= self.usd_per_day or spent.size_bytes >= self.bytes_per_day


def _left(whole: float, share: float, spent: float) -> float:
    return whole if math.isinf(whole) else max(0.0, whole * share - spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTerms:
    """One link as its owner declares it."""

    name: str
    mode: LinkMode = LinkMode.POLL
    poll_s: float = 900.0
    floor: Priority = Priority.BULK
    """The least urgent class that may go over it. Emergencies may go over any."""
    tariff: Tariff = field(default_factory=Tariff)
    cap: LinkCap = field(default_factory=LinkCap)
    message_bytes: int | None = None
    """Where messages are billed: how much one carries."""
    is_post: bool = False
    """It carries letters, which nobody dials for: what the peer has comes by itself, and nobody looks."""
