"""When each site reaches the hub, over what and at what price: the product's policy and sessions decide.

A contact with nothing new costs what such contacts over the same kind of link have cost in this run, measured
of real sessions first: nine in ten contacts of a fleet carry nothing, and each would be the same again. The
same holds for a dial that nobody answers while the same things wait. Neither holds where a cap would end it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sfnode.services.metering import Bill
from simulations.checkers.observations import ContactPaid
from simulations.world.world import DAY_S
from sync.scheduler import Dial

from .consulting import Consulting
from .contact import Contact, Learnt, Outcome, Terms
from .fleet import Fleet, who
from .goods import Parcel
from .holding import Holding
from .link import FleetLink
from .posting import Posting
from .site import FleetSite
from .witness import Witness

MEASURED_IDLE: Final = 5
"""Real sessions with nothing new over each kind of link, before their mean stands for the others."""
MEASURED_UNANSWERED: Final = 2
"""Dials in a row without an answer: the first says what is new, and when all of that was said once the others
only knock."""
KNOCK_BYTES_MAX: Final = 2_000
"""A dial of so few IP bytes only knocked: half a minute of greetings."""
MEASURED_UNANSWERED_MAX: Final = 8
"""After so many real ones the others are like the last, whatever it said."""


class Reaching:
    """Wakes sites and runs their contacts."""

    def __init__(
        self, fleet: Fleet, consulting: Consulting, arrived: Callable[[Parcel, float], None]
    ) -> None:
        self._fleet = fleet
        self._consulting = consulting
        self._arrived = arrived
        self._holding = Holding()
        self._posting = Posting(fleet, consulting, arrived, self._wake_soon)
        self._idle: dict[str, list[tuple[float, int, int]]] = {}
        self._idle_mean: dict[str, tuple[float, int, int]] = {}

    def begin(self, site: FleetSite) -> None:
        """The site is switched on."""
        self._plan_wake(site, 0.0)

    def end(self, site: FleetSite) -> None:
        """The run is over: what was held open until now is paid for."""
        self._count_held(site, self._fleet.until_s)

    def wake_by(self, site: FleetSite, at_s: float) -> None:
        """At the latest; something may wake it before."""
        if at_s < site.wakes_at:
            site.wakes_at = at_s
            self._fleet.later(at_s, partial(self._wake, site))

    def hub_has_something(self, site: FleetSite, now_s: float) -> None:
        """It waits for the next contact, unless one is held open or the hub writes letters."""
        if site.is_held:
            self.wake_by(site, max(now_s, site.busy_until_s))
        self._posting.something_waits(site, now_s, at_hub=True)

    def _wake_soon(self, site: FleetSite, now_s: float) -> None:
        self.wake_by(site, max(now_s, site.busy_until_s))

    def _plan_wake(self, site: FleetSite, now_s: float) -> None:
        """By what people do next, and by when the policy wants to look again."""
        site.wakes_at = math.inf
        next_s = min(site.acts_at_s, self._look_at_s(site, now_s))
        self.wake_by(site, max(now_s, site.busy_until_s, next_s))

    def _look_at_s(self, site: FleetSite, now_s: float) -> float:
        if site.is_plain(now_s):
            return site.look_due_s
        decision = site.decide(max(now_s, site.busy_until_s))
        if decision.dials or site.speaks_by_held:
            return now_s
        held = site.held
        if held is None:
            return decision.look_at_s
        return min(decision.look_at_s, held.until_s, site.good_s + held.link.terms.poll_s)

    def _wake(self, site: FleetSite, now_s: float) -> None:
        if now_s != site.wakes_at:
            return  # Something else has woken it since.
        if site.act(now_s):
            self._posting.something_waits(site, now_s, at_hub=False)
        if now_s >= site.busy_until_s:
            self._lose_held(site, now_s)
            dial = self._dial(site, now_s)
            if dial is not None:
                self._reach(site, dial, now_s)
        self._plan_wake(site, now_s)

    def _dial(self, site: FleetSite, now_s: float) -> Dial | None:
        """The policy's answer; where nothing waits or fails at a site with one link, its answer of before."""
        if site.is_plain(now_s) and now_s >= site.look_due_s:
            return site.plain_dial(now_s)
        held = site.held
        if held is not None and (site.speaks_by_held or now_s >= site.good_s + held.link.terms.poll_s):
            self._count_held(site, now_s)
            allowance = held.link.now(now_s).allowance(held.floor)
            return Dial(pair=site.pair, link=held.link.terms.name, floor=held.floor, allowance=allowance)
        return next(iter(site.decide(now_s).dials), None)

    def _reach(self, site: FleetSite, dial: Dial, now_s: float) -> None:
        link = site.link(dial)
        if link.mail is not None:
            self._posting.engage(site, link, link.mail, dial, now_s)
            return
        site.contacts += 1
        self._count_held(site, now_s)
        site.held = None
        is_idle = not site.has_waiting and site.hub_bundles == 0
        # An emergency is dialled for without a limit, and costs what it costs if nobody answers, too.
        site.spends_on_emergency = site.has_emergency and not dial.allowance.is_limited
        known = self._known(link, now_s, dial, is_idle=is_idle)
        if known is not None:
            seconds, up, down, usd, went_well = known
            self._close(site, link, now_s, now_s + seconds, (up, down), usd, went_well=went_well)
            return
        outcome = self._converse(site, link, dial, now_s)
        ip_bytes = (outcome.ip_bytes_up, outcome.ip_bytes_down)
        seconds = outcome.ended_s - now_s
        if is_idle and outcome.went_well and not outcome.is_spent_out:
            self._measure_idle(link.profile.name, (seconds, *ip_bytes))
        if outcome.heard:
            link.unanswered.clear()
        elif not outcome.is_spent_out:
            link.unanswered.append((seconds, outcome.ip_bytes_up))
        self._close(site, link, now_s, outcome.ended_s, ip_bytes, outcome.usd, went_well=outcome.went_well)
        if outcome.is_spent_out:
            link.close_day()

    def _measure_idle(self, profile: str, contact: tuple[float, int, int]) -> None:
        measured = self._idle.setdefault(profile, [])
        measured.append(contact)
        if len(measured) == MEASURED_IDLE:
            seconds, up, down = (sum(values) / MEASURED_IDLE for values in zip(*measured, strict=True))
            self._idle_mean[profile] = seconds, round(up), round(down)

    def _known(
        self, link: FleetLink, now_s: float, dial: Dial, *, is_idle: bool
    ) -> tuple[float, int, int, float, bool] | None:
        """Seconds, bytes up and down, the price, and whether it goes well: of a contact whose like was
        measured, if it may cost so much."""
        known = self._unanswered(link, now_s) or (self._idle_contact(link, now_s) if is_idle else None)
        if known is None:
            return None
        seconds, up, down, went_well = known
        usd = link.profile.tariff.cost_usd(ip_bytes=up + down, connected_s=seconds)
        if not dial.allowance.pays(usd=usd, size_bytes=up + down):
            return None
        return seconds, up, down, usd, went_well

    def _unanswered(self, link: FleetLink, now_s: float) -> tuple[float, int, int, bool] | None:
        """Seconds, bytes up and down, and that it does not go well."""
        if not _only_knocks(link.unanswered):
            return None
        seconds, up = link.unanswered[-1]
        is_dark = link.service.next_up_s(now_s) > now_s + seconds
        if is_dark or self._fleet.hub_back_s(now_s) > now_s + seconds:
            return seconds, up, 0, False
        return None

    def _idle_contact(self, link: FleetLink, now_s: float) -> tuple[float, int, int, bool] | None:
        """The same of a contact with nothing new, where all of it is in the light."""
        if (mean := self._idle_mean.get(link.profile.name)) is None:
            return None
        seconds, up, down = mean
        ends_s = now_s + seconds
        if not link.service.is_up(now_s) or link.service.next_down_s(now_s) <= ends_s:
            return None
        if self._fleet.hub_gone_s(now_s) <= ends_s:
            return None
        return seconds, up, down, True

    def _converse(self, site: FleetSite, link: FleetLink, dial: Dial, now_s: float) -> Outcome:
        rate = link.rate_now(now_s)
        terms = Terms(
            floor=dial.floor,
            learnt=Learnt(
                session=replace(site.unheard, rate_bytes_s=rate.rate_bytes_s, rtt_s=rate.rtt_s),
                site=rate,
                hub=link.hub_rate,
            ),
            bill=Bill(link.terms.tariff, dial.allowance),
            hub_gone_s=self._fleet.hub_gone_s(now_s),
        )
        witness = Witness(self._fleet, self._consulting, site, link, self._arrived)
        sides = (site.store, link.up), (site.hub_store, link.down)
        contact = Contact(*sides, terms, witness, pair=site.pair, salts=site.salts, begins_s=now_s)

        def act_meanwhile(before_s: float) -> None:
            at_s = site.acts_at_s
            if at_s <= before_s:
                contact.at(at_s, lambda: site.act(at_s))

        outcome = contact.run(act_meanwhile)
        site.spends_on_emergency |= witness.carried_emergency
        witness.over(outcome.ended_s)
        site.unheard = outcome.learnt.session
        link.learn(outcome, witness.carried_bytes)
        return outcome

    def _close(
        self,
        site: FleetSite,
        link: FleetLink,
        began_s: float,
        ended_s: float,
        ip_bytes: tuple[int, int],
        usd: float,
        *,
        went_well: bool,
    ) -> None:
        site.busy_until_s = ended_s
        self._pay(site, link, ip_bytes, usd, ended_s)
        name = link.terms.name
        up, down = ip_bytes
        self._fleet.note(began_s, who(site), "contact", link=name, ended=ended_s, up=up, down=down)
        if not went_well:
            site.failed(link, ended_s)
            return
        site.went_well(link, ended_s)
        if link.is_held and link.may_look(ended_s):
            self._holding.begin(site, link, ended_s)

    def _pay(
        self, site: FleetSite, link: FleetLink, ip_bytes: tuple[int, int], usd: float, at_s: float
    ) -> None:
        site.paid(link, ip_bytes, usd, at_s)
        if link.cap_usd is not None:
            # An emergency goes whatever it costs; what else went along is counted with it.
            cap_usd = None if site.spends_on_emergency else link.cap_usd
            name, day = link.terms.name, int(at_s // DAY_S)
            self._fleet.observe(
                ContactPaid(at_s=at_s, place=who(site), link=name, day=day, usd=usd, cap_usd=cap_usd)
            )
        site.spends_on_emergency = False

    # Sessions that stay open.

    def _count_held(self, site: FleetSite, until_s: float) -> None:
        if site.held is not None:
            ip_bytes, usd = self._holding.count(site, until_s)
            if any(ip_bytes) or usd:
                self._pay(site, site.held.link, ip_bytes, usd, until_s)

    def _lose_held(self, site: FleetSite, now_s: float) -> None:
        """Darkness has outlasted it, or it has cost all that it may."""
        held = site.held
        if held is None or now_s < held.until_s:
            return
        self._count_held(site, now_s)
        site.held = None
        if held.is_spent_then:
            held.link.close_day()
        else:
            site.failed(held.link, now_s)


def _only_knocks(unanswered: Sequence[tuple[float, int]]) -> bool:
    """Whether the latest of these dials said nothing new, so that further ones will be like it."""
    if len(unanswered) < MEASURED_UNANSWERED:
        return False
    _, latest_bytes = unanswered[-1]
    return latest_bytes <= KNOCK_BYTES_MAX or len(unanswered) >= MEASURED_UNANSWERED_MAX
