"""What the policy looks at: links, peers, what waits for them. Times are monotonic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from protocol.header import Priority
from protocol.ids import Pseudonym

from .estimate import Forecast, Measured, forecast, look
from .retry import FRESH, Attempts
from .spending import NOTHING_SPENT, DayCount
from .terms import UNLIMITED, Allowance, LinkTerms


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits of one class."""

    bundles: int = 0
    size_bytes: int = 0


_NOTHING_WAITS: Final = Backlog()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNow:
    """One link: its terms, what was measured of it, what it has cost today."""

    terms: LinkTerms
    measured: Measured
    spent: DayCount = NOTHING_SPENT

    @property
    def name(self) -> str:
        return self.terms.name

    def forecast(self, size_bytes: int) -> Forecast:
        """For a contact that carries so much."""
        return forecast(self.terms, self.measured, size_bytes)

    def may_look(self) -> bool:
        """Whether what is left today pays for a contact that carries nothing."""
        # Asked several times a decision, and mostly of links without a cap.
        return not self.terms.cap.is_limited or self._pays(look(self.terms, self.measured))

    def may_look_for_emergencies(self) -> bool:
        """Whether the reserve pays for such a contact: what answers an emergency is one too."""
        each = look(self.terms, self.measured)
        left = self.terms.cap.left_for_emergencies(self.spent)
        return left.pays(usd=each.usd, size_bytes=each.size_bytes)

    def may_carry(self, priority: Priority) -> bool:
        """Whether a class may go over it now, whatever the pauses say."""
        return priority is Priority.EMERGENCY or (priority <= self.terms.floor and self.may_look())

    def lowest(self) -> Priority:
        """The least urgent class that it may carry now."""
        return self.terms.floor if self.may_look() else Priority.EMERGENCY

    def allowance(self, floor: Priority) -> Allowance:
        """For a contact of these classes; emergencies have no limit."""
        return UNLIMITED if floor is Priority.EMERGENCY else self.terms.cap.left(self.spent)

    def _pays(self, each: Forecast) -> bool:
        return self.terms.cap.left(self.spent).pays(usd=each.usd, size_bytes=each.size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A contact under way."""

    link: str
    floor: Priority
    stays_open: bool
    heard: bool = True
    """Whether the peer has answered."""
    began_s: float = -math.inf
    silent_since_s: float = math.inf
    """Since when nothing has come in although an emergency waits; infinite while none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairNow:
    """One peer: what waits for it, and how reaching it went."""

    pair: Pseudonym
    waiting: Mapping[Priority, Backlog] = field(default_factory=dict)
    attempts: Mapping[str, Attempts] = field(default_factory=dict)
    """By link."""
    good_s: float = -math.inf
    """When the last contact ended well, over whatever link."""
    let_go_s: float = -math.inf
    """When the peer last ended a contact that we would have kept open."""
    asked_s: float = -math.inf
    """When the last emergency of ours was seen to have reached the peer: somebody waits for its answer."""
    current: Current | None = None

    def waits(self, priority: Priority) -> bool:
        return self.backlog(priority).bundles > 0

    def backlog(self, priority: Priority) -> Backlog:
        return self.waiting.get(priority, _NOTHING_WAITS)

    def over(self, link: LinkNow) -> Attempts:
        """A contact under way proves that nothing fails."""
        if self.current is not None and self.current.link == link.name:
            return FRESH
        return self.attempts.get(link.name, FRESH)
