"""Which link one class of what waits should take: the fastest for an emergency, else the cheapest that works.

Law: an emergency may take any link that dials by itself; no floor, cap or pause of another class holds it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from protocol.header import Priority

from .decisions import HeldBy
from .situation import LinkNow, PairNow
from .terms import LinkMode

DEAR_AFTER_S: Final[Mapping[Priority, float]] = MappingProxyType(
    {Priority.URGENT: 30.0, Priority.ROUTINE: 600.0, Priority.BULK: 3600.0}
)
"""How long a cheaper link must have failed before a dearer one is paid for: a blip, a manoeuvre, a passage
under a cliff. Who never wants to pay for a class sets the link's floor above it."""
POST_BORNE_S: Final[Mapping[Priority, float]] = MappingProxyType(
    {Priority.URGENT: 3_600.0, Priority.ROUTINE: 86_400.0, Priority.BULK: math.inf}
)
"""What takes letters is not chosen for its price where a word there and back takes longer than this and
another link works: a boat that costs nothing brings the answer next week."""
NOMINAL_BYTES: Final = 1_000
"""To compare links for a class of which nothing waits yet."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a class goes."""

    link: LinkNow | None = None
    """None where no link may carry it."""
    ready_s: float = math.inf
    """When that link may be dialled."""
    changes_s: float = math.inf
    """When another link will be chosen, if nothing happens until then."""


def choose(priority: Priority, pair: PairNow, links: Sequence[LinkNow], now_s: float) -> Choice:
    """For one class of one peer."""
    able = [link for link in links if not held_by(link, priority)]
    if not able:
        return Choice()
    if priority is Priority.EMERGENCY:
        return _fastest(pair, able, now_s)
    return _cheapest(priority, pair, able, now_s)


def held_by(link: LinkNow, priority: Priority) -> HeldBy | None:
    """Why a link does not carry a class by itself, if it does not."""
    if link.terms.mode is LinkMode.MANUAL:
        return HeldBy.MANUAL
    if link.may_carry(priority):
        return None
    return HeldBy.FLOOR if priority > link.terms.floor else HeldBy.CAP


def _fastest(pair: PairNow, able: Sequence[LinkNow], now_s: float) -> Choice:
    size_bytes = max(NOMINAL_BYTES, pair.backlog(Priority.EMERGENCY).size_bytes)

    def arrival(link: LinkNow) -> tuple[bool, float, float]:
        attempts, each = pair.over(link), link.forecast(size_bytes)
        wait_s = max(0.0, attempts.ready_s(Priority.EMERGENCY) - now_s)
        # What has just failed is asked after all others: a dial that finds nobody can cost half a minute.
        return attempts.is_failing, wait_s + each.seconds, each.usd

    best = min(able, key=arrival)
    return Choice(best, pair.over(best).ready_s(Priority.EMERGENCY))


def _cheapest(priority: Priority, pair: PairNow, able: Sequence[LinkNow], now_s: float) -> Choice:
    size_bytes = sum(pair.backlog(each).size_bytes for each in Priority if each <= priority)
    forecasts = {link.name: link.forecast(max(NOMINAL_BYTES, size_bytes)) for link in able}
    in_time = [
        link for link in able if not link.terms.is_post or link.measured.rtt_s <= POST_BORNE_S[priority]
    ]
    ordered = sorted(
        in_time or able, key=lambda link: (forecasts[link.name].usd, forecasts[link.name].seconds)
    )
    for link, dearer in zip(ordered, [*ordered[1:], None], strict=True):
        attempts = pair.over(link)
        ready_s = attempts.ready_s(priority)
        if ready_s <= now_s:
            return Choice(link, ready_s)
        patient_until_s = attempts.down_since_s + DEAR_AFTER_S[priority]
        costs_more = dearer is not None and forecasts[dearer.name].usd > forecasts[link.name].usd
        if costs_more and now_s < patient_until_s:
            return Choice(link, ready_s, patient_until_s)
    soonest = min(ordered, key=lambda link: pair.over(link).ready_s(priority))
    return Choice(soonest, pair.over(soonest).ready_s(priority))
