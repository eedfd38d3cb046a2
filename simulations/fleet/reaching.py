"""When each site reaches the hub, over what and at what price: the product's policy and sessions decide.

A contact with nothing new costs what such contacts over the same kind of link have cost in this run, measured
from real sessions first: nine in ten contacts of a fleet carry nothing, and each would be the same again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Final

from protocol.header import Priority
from simulations.checkers.observations import ContactPaid
from simulations.world.world import DAY_S
from sync.scheduler import Dial

from .consulting import Consulting
from .contact import Contact, Outcome, Terms
from .fleet import Fleet, who
from .goods import Parcel
from .site import FleetLink, FleetSite
from .witness import Witness

MEASURED_IDLE: Final = 3
"""Real sessions with nothing new over each kind of link, before their mean stands for the others."""
UNANSWERED_S: Final = 30.0
"""So long a dial waits for the first word; the product's own patience."""
UNANSWERED_BYTES: Final = 4 * 110
"""What it says meanwhile: a first flight, repeated more and more rarely."""


class Reaching:
    """Wakes sites and runs their contacts."""

    def __init__(
        self, fleet: Fleet, consulting: Consulting, arrived: Callable[[Parcel, float], None]
    ) -> None:
        self._fleet = fleet
        self._consulting = consulting
        self._arrived = arrived
        self._idle: dict[str, list[tuple[float, int, int]]] = {}

    def begin(self, site: FleetSite) -> None:
        """The site is switched on."""
        self._plan_wake(site, 0.0)

    def wake_by(self, site: FleetSite, at_s: float) -> None:
        """At the latest; something may wake it before."""
        if at_s < site.wakes_at:
            site.wakes_at = at_s
            self._fleet.later(at_s, partial(self._wake, site))

    def _plan_wake(self, site: FleetSite, now_s: float) -> None:
        """By what people do next, and by when the policy wants to look again."""
        site.wakes_at = inf
        next_s = min(site.acts_at_s, self._look_at_s(site, now_s))
        self.wake_by(site, max(now_s, site.busy_until_s, next_s))

    def _look_at_s(self, site: FleetSite, now_s: float) -> float:
        if not site.is_plain(now_s):
            decision = site.decide(max(now_s, site.busy_until_s))
            return now_s if decision.dials else decision.look_at_s
        if site.is_held and site.hub_bundles:
            return now_s
        return site.good_s + site.links[0].terms.poll_s

    def _wake(self, site: FleetSite, now_s: float) -> None:
        if now_s != site.wakes_at:
            return  # Something else has woken it since.
        site.act(now_s)
        if now_s >= site.busy_until_s:
            dials = self._dials(site, now_s)
            if dials:
                self._reach(site, dials[0], now_s)
            elif site.is_held and site.hub_bundles and not site.is_failing:
                held = site.links[0].terms.name
                self._reach(site, Dial(pair=site.pair, link=held, floor=Priority.BULK), now_s)
        self._plan_wake(site, now_s)

    @staticmethod
    def _dials(site: FleetSite, now_s: float) -> tuple[Dial, ...]:
        """The policy's answer; where nothing waits or fails at a site with one link, its answer of before."""
        if site.is_plain(now_s) and now_s >= site.good_s + site.links[0].terms.poll_s:
            if site.usual_dial is None:
                site.usual_dial = next(iter(site.decide(now_s).dials), None)
            return (site.usual_dial,) if site.usual_dial is not None else ()
        return site.decide(now_s).dials

    def _reach(self, site: FleetSite, dial: Dial, now_s: float) -> None:
        link = site.link(dial)
        site.contacts += 1
        if not link.service.is_up(now_s) or not self._fleet.hub_is_up(now_s):
            ended_s = now_s + UNANSWERED_S
            usd = link.profile.tariff.cost_usd(ip_bytes=UNANSWERED_BYTES)
            self._close(site, link, now_s, ended_s, (UNANSWERED_BYTES, 0), usd, went_well=False)
            return
        is_idle = not site.has_waiting and site.hub_bundles == 0
        if is_idle and (mean := self._idle_mean(link, now_s)) is not None:
            seconds, up, down = mean
            usd = link.profile.tariff.cost_usd(ip_bytes=up + down, connected_s=seconds)
            self._close(site, link, now_s, now_s + seconds, (up, down), usd, went_well=True)
            return
        outcome = self._converse(site, link, dial, now_s)
        ip_bytes = (outcome.ip_bytes_up, outcome.ip_bytes_down)
        if is_idle and outcome.went_well:
            self._idle.setdefault(link.profile.name, []).append((outcome.ended_s - now_s, *ip_bytes))
        self._close(site, link, now_s, outcome.ended_s, ip_bytes, outcome.usd, went_well=outcome.went_well)

    def _idle_mean(self, link: FleetLink, now_s: float) -> tuple[float, int, int] | None:
        """Seconds, bytes up and bytes down; None before enough were measured, or where darkness is near."""
        measured = self._idle.get(link.profile.name, [])
        if len(measured) < MEASURED_IDLE:
            return None
        seconds, up, down = (sum(values) / len(measured) for values in zip(*measured, strict=True))
        if link.service.next_down_s(now_s) <= now_s + seconds:
            return None
        return seconds, round(up), round(down)

    def _converse(self, site: FleetSite, link: FleetLink, dial: Dial, now_s: float) -> Outcome:
        tariff = link.profile.tariff
        terms = Terms(
            floor=dial.floor,
            rtt_s=link.rtt_s,
            memory=link.memory,
            ip_bytes_max=dial.allowance.size_bytes,
            usd_by=lambda size, seconds: tariff.cost_usd(ip_bytes=size, connected_s=seconds),
            usd_max=dial.allowance.usd,
        )
        witness = Witness(self._fleet, self._consulting, site, link, self._arrived)
        sides = (site.store, link.up), (site.hub_store, link.down)
        contact = Contact(*sides, terms, witness, begins_s=now_s)

        def act_meanwhile(before_s: float) -> None:
            at_s = site.acts_at_s
            if at_s <= before_s:
                contact.at(at_s, lambda: site.act(at_s))

        outcome = contact.run(act_meanwhile)
        site.spends_on_emergency = witness.carried_emergency
        witness.over(outcome.ended_s)
        link.learn(outcome.memory)
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
        up, down = ip_bytes
        site.paid(link, ip_bytes, usd, ended_s)
        if went_well:
            site.went_well(link, ended_s)
        else:
            site.failed(link, ended_s)
        name = link.terms.name
        self._fleet.note(began_s, who(site), "contact", link=name, ended=ended_s, up=up, down=down)
        if link.cap_usd is not None:
            # An emergency goes whatever it costs; what else went along is counted with it.
            cap_usd = None if site.spends_on_emergency else link.cap_usd
            day = int(ended_s // DAY_S)
            self._fleet.observe(
                ContactPaid(at_s=ended_s, place=who(site), link=name, day=day, usd=usd, cap_usd=cap_usd)
            )
        site.spends_on_emergency = False
