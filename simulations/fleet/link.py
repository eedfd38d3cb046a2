"""One link of one site in a fleet: its model, its price, and what the node has learnt of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from simulations.links import LinkModel, LinkProfile, Mailbox, Outage, ServicePlan, SharedChannel
from simulations.world import SiteLink
from sync.links.rate_memory import RateMemory
from sync.scheduler import (
    NOTHING_SPENT,
    Allowance,
    DayCount,
    Forecast,
    LinkCap,
    LinkMode,
    LinkNow,
    LinkTerms,
    Measured,
    Tariff,
    Tick,
    counted,
    look,
)

from .bound import Way
from .contact import STRANGER, Outcome
from .mail import Mail
from .weather import under

HELD_LOOK_S: Final = 6 * 3_600.0
"""Between two looks over a link that is held open: only in case a word of the hub was lost."""
OVERHEAD_WEIGHT: Final = 0.25
OVERHEAD_BYTES_MIN: Final = 60
LETTER_SPENDS_BYTES: Final = 85
"""Of a letter, for its seal, its head and the name of what it carries."""
INTERVAL_S_MIN: Final = 1.0
CARRIED_BYTES_MAX: Final = 20_000
"""As `sfnode.services.link_ledger` weighs what a contact has shown."""


@dataclass(slots=True, eq=False, kw_only=True)
class FleetLink:
    """One link of one site."""

    terms: LinkTerms
    profile: LinkProfile
    service: ServicePlan
    up: LinkModel
    down: LinkModel
    way_up: Way
    way_down: Way
    measured: Measured
    cap_usd: float | None
    rate: RateMemory
    hub_rate: RateMemory = STRANGER
    mail: Mail | None = None
    """Where it carries whole messages."""
    rate_at_s: float = -math.inf
    spent: DayCount = NOTHING_SPENT
    unanswered: list[tuple[float, int]] = field(default_factory=list)
    """Seconds and bytes of dials in a row that nobody answered, with the same things waiting."""
    _look: tuple[Measured, Forecast] | None = None
    """What a contact that carries nothing costs, and by what measurement: it is asked for twice an hour."""

    @property
    def is_held(self) -> bool:
        return self.terms.mode is LinkMode.HOLD

    def carries(self, size_bytes: int) -> bool:
        """Whether a bundle of this size goes over it, if its class may."""
        return self.mail is None or self.mail.site.letters.is_worth_it(size_bytes)

    def now(self, at_s: float) -> LinkNow:
        """As the policy looks at it."""
        return LinkNow(terms=self.terms, measured=self.measured, spent=self._spent_by(at_s))

    def may_look(self, at_s: float) -> bool:
        """As `LinkNow.may_look`."""
        if not self.terms.cap.is_limited:
            return True
        if self._look is None or self._look[0] is not self.measured:
            self._look = self.measured, look(self.terms, self.measured)
        each, left = self._look[1], self.terms.cap.left(self._spent_by(at_s))
        return left.pays(usd=each.usd, size_bytes=each.size_bytes)

    def allowance(self, at_s: float) -> Allowance:
        """What today's cap leaves for all that is no emergency."""
        return self.terms.cap.left(self._spent_by(at_s))

    def pay(self, *, usd: float, size_bytes: int, at_s: float) -> None:
        """A contact is over, or a held one has lasted so much longer; without a cap nobody asks what the day
        has cost."""
        if self.terms.cap.is_limited:
            self.spent = self._spent_by(at_s).plus(usd=usd, size_bytes=size_bytes)

    def _spent_by(self, at_s: float) -> DayCount:
        if self.terms.cap.is_limited:
            self.spent = counted(self.spent, _tick(at_s))
        return self.spent

    def close_day(self) -> None:
        """All that may be spent today is spent: only emergencies go."""
        self.spent = replace(self.spent, is_closed=True)

    def rate_now(self, at_s: float) -> RateMemory:
        """What the transport is told before a contact."""
        return self.rate.aged(at_s - self.rate_at_s)

    def learn(self, outcome: Outcome, carried_bytes: int) -> None:
        """What a contact has shown of the link."""
        self.rate, self.hub_rate = outcome.learnt.site, outcome.learnt.hub
        self.rate_at_s = outcome.ended_s
        if not outcome.heard:
            return
        before = self.measured
        overhead_bytes = before.overhead_bytes
        if outcome.went_well and carried_bytes <= CARRIED_BYTES_MAX:
            shown = outcome.ip_bytes_up + outcome.ip_bytes_down - carried_bytes
            overhead_bytes = max(
                OVERHEAD_BYTES_MIN, round(overhead_bytes + OVERHEAD_WEIGHT * (shown - overhead_bytes))
            )
        self.measured = replace(before, rtt_s=self.rate.rtt_s, overhead_bytes=overhead_bytes)
        if self.rate.is_proven:
            self.measured = replace(
                self.measured, rate_bytes_s=self.rate.rate_bytes_s, contacts=before.contacts + 1
            )


def open_fleet_link(
    link: SiteLink, region: str, storms: Mapping[tuple[str, str], tuple[Outage, ...]], key: str
) -> FleetLink:
    """New and unmeasured; `key` draws what its profile leaves to chance."""
    profile = under(link.profile, storms.get((region, link.profile.name), ()))
    service = ServicePlan.of(profile, key)
    up, down = _models(profile, service, key)
    tariff = profile.tariff
    rate = RateMemory(profile.up.rate_bit_s / 8, profile.rtt_ms / 1_000, is_told=True)
    terms = LinkTerms(
        name=profile.name,
        mode=LinkMode.HOLD if link.every_s == 0 and profile.mailbox is None else LinkMode.POLL,
        poll_s=link.every_s or HELD_LOOK_S,
        is_post=profile.mailbox is not None,
        message_bytes=None if profile.mailbox is None else profile.mailbox.up_bytes_max - LETTER_SPENDS_BYTES,
        floor=link.floor,
        tariff=Tariff(
            usd_per_megabyte=tariff.usd_per_mb,
            usd_per_minute=tariff.usd_per_minute,
            increment_s=tariff.increment_s,
            usd_per_message=tariff.usd_per_message,
            session_bytes_min=tariff.session_bytes_min,
        ),
        cap=LinkCap(
            usd_per_day=math.inf if link.usd_per_day_max is None else link.usd_per_day_max,
            reserve_share=link.reserve,
        ),
    )
    measured = _measured(profile.mailbox) if profile.mailbox is not None else None
    return FleetLink(
        terms=terms,
        profile=profile,
        service=service,
        up=up,
        down=down,
        way_up=_way(profile, service, is_up=True),
        way_down=_way(profile, service, is_up=False),
        measured=measured or Measured(rate_bytes_s=rate.rate_bytes_s, rtt_s=rate.rtt_s),
        cap_usd=link.usd_per_day_max,
        rate=rate,
    )


def _way(profile: LinkProfile, service: ServicePlan, *, is_up: bool) -> Way:
    mailbox = profile.mailbox
    if mailbox is None:
        return Way.of(profile.up if is_up else profile.down, service)
    bytes_max = mailbox.up_bytes_max if is_up else mailbox.down_bytes_max
    return Way.of_messages(mailbox, service, bytes_max=bytes_max)


def _measured(mailbox: Mailbox) -> Measured:
    """What the owner of a link of messages declares of it; by a timetable one waits half an interval."""
    waits_s = mailbox.interval_s / 2 if mailbox.first_departure_s is not None else 0.0
    one_way_s = waits_s + (mailbox.delay_s_min + mailbox.delay_s_max) / 2
    carried_bytes = mailbox.up_bytes_max - LETTER_SPENDS_BYTES
    return Measured(
        rate_bytes_s=carried_bytes / max(mailbox.interval_s, INTERVAL_S_MIN),
        rtt_s=2 * one_way_s,
        overhead_bytes=LETTER_SPENDS_BYTES,
    )


def _models(profile: LinkProfile, service: ServicePlan, key: str) -> tuple[LinkModel, LinkModel]:
    """Both directions over one plan of service: drawing it twice would double a fleet's memory."""
    channel = SharedChannel(profile.half_duplex) if profile.half_duplex is not None else None
    return (
        LinkModel(profile.up, seed=f"up/{key}", service=service, channel=channel),
        LinkModel(profile.down, seed=f"down/{key}", service=service, channel=channel),
    )


def _tick(at_s: float) -> Tick:
    return Tick(boot="run", monotonic_s=at_s, wall_s=at_s, is_set=True)
