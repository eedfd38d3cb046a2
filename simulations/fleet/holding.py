"""Sessions that are kept open with nothing to say: what they cost, and how long they last.

A word a minute keeps one open. What that comes to is measured once for each kind of link, of real sessions.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from protocol.ids import Incarnation, Pseudonym
from simulations.links import LinkModel, ServicePlan
from sync.core import LinkMemory
from sync.core.patience import GAP_S
from sync.links.rate_memory import RateMemory
from sync.ports import Offer
from sync.stores import MemoryStore

from .contact import Contact, Learnt, Terms
from .link import FleetLink
from .site import FleetSite, Held

MEASURED_S: Final = 1_200.0
SPANS_MAX: Final = 10_000
PAIR: Final = Pseudonym(b"kept")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """IP bytes a second."""

    up_bytes_s: float
    down_bytes_s: float


class Holding:
    """Knows what keeping open costs over each kind of link."""

    def __init__(self) -> None:
        self._measured: dict[str, Upkeep] = {}

    def begin(self, site: FleetSite, link: FleetLink, now_s: float) -> None:
        """A contact is over and its session stays."""
        usd_s = self._usd_s(link)
        left_usd = link.now(now_s).allowance(link.terms.floor).usd
        spent_s = now_s + left_usd / usd_s if usd_s else math.inf
        dark_s = _lost_s(link.service, now_s, now_s + link.terms.poll_s)
        site.held = Held(
            link=link,
            floor=link.now(now_s).lowest(),
            counted_s=now_s,
            until_s=min(spent_s, dark_s),
            is_spent_then=spent_s < dark_s,
        )

    def count(self, site: FleetSite, until_s: float) -> tuple[tuple[int, int], float]:
        """IP bytes up and down, and the price, since it was counted last."""
        held = site.held
        if held is None or until_s <= held.counted_s:
            return (0, 0), 0.0
        span_s = until_s - held.counted_s
        held.counted_s = until_s
        upkeep = self._upkeep(held.link)
        ip_bytes = round(upkeep.up_bytes_s * span_s), round(upkeep.down_bytes_s * span_s)
        return ip_bytes, self._usd_s(held.link) * span_s

    def _usd_s(self, link: FleetLink) -> float:
        tariff = link.terms.tariff
        if tariff.is_free:
            return 0.0
        upkeep = self._upkeep(link)
        return (upkeep.up_bytes_s + upkeep.down_bytes_s) * tariff.usd_per_megabyte / 1e6 + (
            tariff.usd_per_minute / 60
        )

    def _upkeep(self, link: FleetLink) -> Upkeep:
        name = link.profile.name
        if name not in self._measured:
            self._measured[name] = _measure(link)
        return self._measured[name]


class _Nobody:
    """Hears nothing, since nothing is carried."""

    def reading(self, *, from_site: bool, sequence: int, is_answered: bool, at_s: float) -> None: ...

    def received(self, offer: Offer, *, at_hub: bool, at_s: float) -> None: ...

    def released(self, offer: Offer, *, from_site: bool, at_s: float) -> None: ...


def _measure(link: FleetLink) -> Upkeep:
    """Two real sessions over this kind of link in the light, less what coming and going costs."""
    long, short = (_idle_bytes(link, seconds) for seconds in (2 * MEASURED_S, MEASURED_S))
    up, down = ((more - less) / MEASURED_S for more, less in zip(long, short, strict=True))
    return Upkeep(up, down)


def _idle_bytes(link: FleetLink, seconds: float) -> tuple[int, int]:
    lives = random.Random(f"upkeep/{link.profile.name}")
    stores = [MemoryStore(lambda: Incarnation(lives.randbytes(4))) for _ in range(2)]
    up = LinkModel(link.profile.up, seed="upkeep/up")
    down = LinkModel(link.profile.down, seed="upkeep/down")
    terms = Terms(
        floor=Priority.BULK,
        learnt=Learnt(
            session=LinkMemory(),
            site=RateMemory(link.profile.up.rate_bit_s / 8, link.profile.rtt_ms / 1_000, is_told=True),
        ),
        ip_bytes_max=math.inf,
        usd_by=lambda size_bytes, seconds: 0.0,
        usd_max=math.inf,
        stays_open_s=seconds,
    )
    contact = Contact(
        (stores[0], up), (stores[1], down), terms, _Nobody(), pair=PAIR, salts=lives, begins_s=0.0
    )
    outcome = contact.run(lambda before_s: None)
    return outcome.ip_bytes_up, outcome.ip_bytes_down


def _lost_s(service: ServicePlan, from_s: float, until_s: float) -> float:
    """When the first darkness has lasted longer than a session lives through; infinity if none before."""
    at_s = from_s
    for _ in range(SPANS_MAX):
        dark_s = service.next_down_s(at_s)
        if dark_s >= until_s:
            return math.inf
        at_s = service.next_up_s(dark_s)
        if at_s - dark_s > GAP_S:
            return dark_s + GAP_S
    return math.inf
