"""Sessions that are kept open with nothing to say: what they cost, and how long they last.

A word a minute keeps one open, and in the dark it knocks until the link is back or it gives up. What either
comes to is measured once for each kind of link, of real sessions.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Final

from protocol.header import Priority
from protocol.ids import Incarnation, Pseudonym
from simulations.links import LinkModel, LinkProfile, Outage, ServicePlan
from sync.core import LinkMemory
from sync.core.patience import KEEPALIVE_MISSED_S, KEEPALIVE_S
from sync.links.rate_memory import RateMemory
from sync.ports import Offer
from sync.stores import MemoryStore

from .contact import Contact, Learnt, Terms
from .darkness import Darkness
from .link import FleetLink
from .site import FleetSite, Held

MEASURED_S: Final = 1_200.0
DARK_FROM_S: Final = 600.0
FADES_S: Final = (60.0, 70.0)
"""Two that a session lives through, to measure what a second more of it costs."""
KNOCKS_AFTER_S: Final = KEEPALIVE_S / 2
"""Into the dark, on average: once a word goes unanswered."""
LIVES_S: Final = KEEPALIVE_MISSED_S - KEEPALIVE_S / 2
"""In the dark, on average: its patience runs from when the peer was heard last."""
PAIR: Final = Pseudonym(b"kept")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """IP bytes a second: of words with nothing to say, and beside them of knocks in the dark."""

    up_bytes_s: float
    down_bytes_s: float
    knocks_up_bytes_s: float
    knocks_down_bytes_s: float


class Holding:
    """Knows what keeping open costs over each kind of link."""

    def __init__(self) -> None:
        self._measured: dict[str, Upkeep] = {}

    def begin(self, site: FleetSite, link: FleetLink, now_s: float) -> None:
        """A contact is over and its session stays."""
        darkness = Darkness(link.profile, link.service)
        dark_s = _lost_s(darkness, now_s, now_s + link.terms.poll_s)
        spent_s = self._spent_s(link, now_s, dark_s)
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
        span_s, knocks_s = until_s - held.counted_s, _knocks_s(held.link, held.counted_s, until_s)
        held.counted_s = until_s
        upkeep, tariff = self._upkeep(held.link), held.link.terms.tariff
        knocks = round(upkeep.knocks_up_bytes_s * knocks_s), round(upkeep.knocks_down_bytes_s * knocks_s)
        ip_bytes = (
            round(upkeep.up_bytes_s * span_s) + knocks[0],
            round(upkeep.down_bytes_s * span_s) + knocks[1],
        )
        knocks_usd = sum(knocks) * tariff.usd_per_megabyte / 1e6
        return ip_bytes, self._usd_s(held.link) * span_s + knocks_usd

    def _spent_s(self, link: FleetLink, now_s: float, dark_s: float) -> float:
        """When it has cost all that it may, if darkness does not end it before; infinity where it is free."""
        usd_s, left_usd = self._usd_s(link), link.allowance(now_s).usd
        if not usd_s or math.isinf(left_usd):
            return math.inf
        spent_s = now_s + left_usd / usd_s
        # What it knocks until then is paid for too.
        knocks_usd = self._knocks_usd(link, now_s, min(spent_s, dark_s))
        return now_s + max(0.0, left_usd - knocks_usd) / usd_s

    def _knocks_usd(self, link: FleetLink, from_s: float, until_s: float) -> float:
        upkeep = self._upkeep(link)
        knocks_bytes_s = upkeep.knocks_up_bytes_s + upkeep.knocks_down_bytes_s
        knocks_bytes = round(knocks_bytes_s * _knocks_s(link, from_s, until_s))
        return knocks_bytes * link.terms.tariff.usd_per_megabyte / 1e6

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
    """Real sessions over this kind of link: two in the light, less what coming and going costs, and two that
    live through a fade."""
    lit = replace(link.profile, outages=(), cycle=None, random_outages=None, orbit=None)
    long, short = (_idle_bytes(lit, seconds) for seconds in (2 * MEASURED_S, MEASURED_S))
    up, down = ((more - less) / MEASURED_S for more, less in zip(long, short, strict=True))
    less_dark, more_dark = (
        _idle_bytes(replace(lit, outages=(Outage(DARK_FROM_S, fade_s),)), MEASURED_S) for fade_s in FADES_S
    )
    dark_s = FADES_S[1] - FADES_S[0]
    knocks_up, knocks_down = (
        max(0.0, more - less) / dark_s for more, less in zip(more_dark, less_dark, strict=True)
    )
    return Upkeep(up, down, knocks_up, knocks_down)


def _idle_bytes(profile: LinkProfile, seconds: float) -> tuple[int, int]:
    lives = random.Random(f"upkeep/{profile.name}")
    stores = [MemoryStore(lambda: Incarnation(lives.randbytes(4))) for _ in range(2)]
    service = ServicePlan.of(profile)
    up = LinkModel(profile.up, seed="upkeep/up", service=service)
    down = LinkModel(profile.down, seed="upkeep/down", service=service)
    terms = Terms(
        floor=Priority.BULK,
        learnt=Learnt(
            session=LinkMemory(),
            site=RateMemory(profile.up.rate_bit_s / 8, profile.rtt_ms / 1_000, is_told=True),
        ),
        stays_open_s=seconds,
    )
    contact = Contact(
        (stores[0], up), (stores[1], down), terms, _Nobody(), pair=PAIR, salts=lives, begins_s=0.0
    )
    outcome = contact.run(lambda before_s: None)
    return outcome.ip_bytes_up, outcome.ip_bytes_down


def _lost_s(darkness: Darkness, from_s: float, until_s: float) -> float:
    """When the first darkness has lasted longer than a session lives through; infinity if none before."""
    for dark_s, lit_s in darkness.spans(from_s, until_s):
        if lit_s - dark_s > LIVES_S:
            return dark_s + LIVES_S
    return math.inf


def _knocks_s(link: FleetLink, from_s: float, until_s: float) -> float:
    """For how long it has knocked, in darknesses that began in between."""
    spans = Darkness(link.profile, link.service).spans(from_s, until_s)
    lasted_s = [min(lit_s - dark_s, LIVES_S) for dark_s, lit_s in spans if dark_s > from_s]
    return sum(max(0.0, each - KNOCKS_AFTER_S) for each in lasted_s)
