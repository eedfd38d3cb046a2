"""One site of a fleet: its custody, its links with what they have cost, what waits, and when to act next."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

from protocol.header import Priority
from protocol.ids import Incarnation, Pseudonym
from simulations.links import LinkProfile, Outage, ServicePlan
from simulations.world import SiteGroup, SiteLink
from sync.core import LinkMemory
from sync.ports import Rank
from sync.scheduler import (
    FRESH,
    NOTHING_SPENT,
    Attempts,
    Backlog,
    DayCount,
    Decision,
    Dial,
    LinkCap,
    LinkMode,
    LinkNow,
    LinkTerms,
    Measured,
    PairNow,
    Tariff,
    Tick,
    counted,
    decide,
)
from sync.scheduler.arrival import Arrivals
from sync.stores import MemoryStore

from .road import Road
from .weather import under

HELD_POLL_S: Final = 6 * 3_600.0
"""Between two looks over a link that is held open: only in case a word of the hub was lost."""
DAY_S: Final = 86_400.0


@dataclass(slots=True, eq=False)
class FleetLink:
    """One link of one site."""

    terms: LinkTerms
    profile: LinkProfile
    service: ServicePlan
    up: Road
    down: Road
    measured: Measured
    cap_usd: float | None
    memory: LinkMemory = field(default_factory=LinkMemory)
    spent: DayCount = NOTHING_SPENT

    @property
    def rtt_s(self) -> float:
        return self.profile.rtt_ms / 1_000

    def now(self, at_s: float) -> LinkNow:
        """As the policy looks at it."""
        self.spent = counted(self.spent, _tick(at_s))
        return LinkNow(terms=self.terms, measured=self.measured, spent=self.spent)

    def pay(self, *, usd: float, size_bytes: int, at_s: float) -> None:
        """A contact is over."""
        self.spent = counted(self.spent, _tick(at_s)).plus(usd=usd, size_bytes=size_bytes)

    def learn(self, memory: LinkMemory) -> None:
        """What a contact has shown of the link."""
        self.memory = memory
        rate_bytes_s = memory.rate_bytes_s or self.measured.rate_bytes_s
        self.measured = Measured(
            rate_bytes_s=rate_bytes_s,
            rtt_s=memory.rtt_s or self.measured.rtt_s,
            overhead_bytes=self.measured.overhead_bytes,
            contacts=self.measured.contacts + 1,
        )


class FleetSite:
    """One site."""

    def __init__(
        self,
        number: int,
        group: SiteGroup,
        name: str,
        storms: dict[tuple[str, str], tuple[Outage, ...]],
        seed: int,
    ) -> None:
        self.number = number
        self.group = group
        self.name = name
        self.pair = Pseudonym(number.to_bytes(4, "big"))
        self.draw = random.Random(f"site/{number}/{seed}")
        lives = random.Random(f"lives/{number}/{seed}")
        self.store = MemoryStore(lambda: Incarnation(lives.randbytes(4)))
        self.hub_store = MemoryStore(lambda: Incarnation(lives.randbytes(4)))
        self.links = [self._link(link, index, storms, seed) for index, link in enumerate(group.links)]
        self.is_held = any(link.terms.mode is LinkMode.HOLD for link in self.links)
        self.arrivals = Arrivals()
        self.attempts: dict[str, Attempts] = {}
        self.good_s = self.draw.uniform(-self._poll_s(), 0.0)
        self.busy_until_s = 0.0
        self.wakes_at = math.inf
        self.hub_bundles = 0
        """Bundles at the hub that this site does not have yet."""
        self.contacts = self.contacts_failed = 0
        self.bytes_up = self.bytes_down = 0
        self.usd = 0.0
        self.usual_dial: Dial | None = None
        """What the policy answers when nothing waits or fails."""
        self.spends_on_emergency = False
        """The contact under way has carried one."""
        self._waiting = [[0, 0] for _ in Priority]
        self._local: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()

    # What happens at the site by itself.

    def plan(self, at_s: float, action: Callable[[float], None]) -> None:
        """Somebody at the site will do something."""
        heappush(self._local, (at_s, next(self._order), action))

    @property
    def acts_at_s(self) -> float:
        """When somebody next does."""
        return self._local[0][0] if self._local else math.inf

    def act(self, now_s: float) -> bool:
        """Do what is due; whether there was anything."""
        did = False
        while self._local and self._local[0][0] <= now_s:
            at_s, _, action = heappop(self._local)
            action(at_s)
            did = True
        return did

    # What waits.

    @property
    def has_waiting(self) -> bool:
        return any(bundles for bundles, _ in self._waiting)

    @property
    def is_failing(self) -> bool:
        return any(attempts.is_failing for attempts in self.attempts.values())

    def waiting_bytes(self, down_to: Priority) -> int:
        """Of this class and the more urgent ones."""
        return sum(self._waiting[priority][1] for priority in Priority if priority <= down_to)

    def queued(self, priority: Priority, size_bytes: int) -> None:
        """One more bundle waits: what failed before is tried again soon."""
        self._waiting[priority][0] += 1
        self._waiting[priority][1] += size_bytes

    def hasten(self, now_s: float) -> None:
        """Something new waits: pauses are the shortest ones."""
        for name, attempts in self.attempts.items():
            self.attempts[name] = attempts.hastened(now_s)

    def recount(self, waiting: list[tuple[Priority, int]]) -> None:
        """What custody says."""
        self._waiting = [[0, 0] for _ in Priority]
        for priority, size_bytes in waiting:
            self.queued(priority, size_bytes)

    # What the policy says.

    def is_plain(self, now_s: float) -> bool:
        """One link that may carry everything, and nothing waits or fails: the policy has nothing to weigh."""
        if self.has_waiting or self.is_failing or len(self.links) > 1:
            return False
        link = self.links[0]
        return link.cap_usd is None or link.now(now_s).may_look()

    def decide(self, now_s: float) -> Decision:
        """The product's policy, for this site."""
        waiting = {
            priority: Backlog(*self._waiting[priority]) for priority in Priority if self._waiting[priority][0]
        }
        pair = PairNow(pair=self.pair, waiting=waiting, attempts=self.attempts, good_s=self.good_s)
        return decide([link.now(now_s) for link in self.links], [pair], now_s)

    def link(self, dial: Dial) -> FleetLink:
        return next(link for link in self.links if link.terms.name == dial.link)

    def failed(self, link: FleetLink, at_s: float) -> None:
        """A dial or a contact went wrong."""
        before = self.attempts.get(link.terms.name, FRESH)
        self.attempts[link.terms.name] = before.failed(at_s, chance=self.draw.random())
        self.contacts_failed += 1

    def paid(self, link: FleetLink, ip_bytes: tuple[int, int], usd: float, at_s: float) -> None:
        """A contact is over."""
        up, down = ip_bytes
        self.busy_until_s = at_s
        self.bytes_up += up
        self.bytes_down += down
        self.usd += usd
        link.pay(usd=usd, size_bytes=up + down, at_s=at_s)

    def went_well(self, link: FleetLink, at_s: float) -> None:
        self.attempts[link.terms.name] = FRESH
        self.good_s = at_s

    def best_bound_s(self, at_s: float, size_bytes: int, *, up: bool) -> float:
        """Over the best link that there is, alone."""
        roads = ((link.up if up else link.down) for link in self.links)
        return min(road.bound_s(at_s, size_bytes) for road in roads)

    def usual_link(self) -> FleetLink:
        """The link that an arrival is estimated for: the one that would be chosen for routine work."""
        return min(self.links, key=lambda link: (link.now(0.0).forecast(1_000).usd, link.terms.name))

    def _poll_s(self) -> float:
        return min(link.terms.poll_s for link in self.links)

    def _link(
        self,
        link: SiteLink,
        index: int,
        storms: dict[tuple[str, str], tuple[Outage, ...]],
        seed: int,
    ) -> FleetLink:
        profile = under(link.profile, storms.get((self.group.region, link.profile.name), ()))
        key = f"{seed}/{self.number}/{index}"
        service = ServicePlan.of(profile, key)
        tariff = profile.tariff
        terms = LinkTerms(
            name=profile.name,
            mode=LinkMode.HOLD if link.every_s == 0 else LinkMode.POLL,
            poll_s=link.every_s or HELD_POLL_S,
            floor=link.floor,
            tariff=Tariff(
                usd_per_megabyte=tariff.usd_per_mb,
                usd_per_minute=tariff.usd_per_minute,
                increment_s=tariff.increment_s,
                usd_per_message=tariff.usd_per_message,
            ),
            cap=LinkCap(
                usd_per_day=math.inf if link.usd_per_day_max is None else link.usd_per_day_max,
                reserve_share=link.reserve,
            ),
        )
        return FleetLink(
            terms=terms,
            profile=profile,
            service=service,
            up=Road(profile.up, service, random.Random(f"up/{key}")),
            down=Road(profile.down, service, random.Random(f"down/{key}")),
            measured=Measured(rate_bytes_s=profile.up.rate_bit_s / 8, rtt_s=profile.rtt_ms / 1_000),
            cap_usd=link.usd_per_day_max,
            memory=LinkMemory(profile.up.rate_bit_s / 8, profile.rtt_ms / 1_000),
        )


def rank_of(what: str) -> Rank:
    """The place of a bundle inside its case."""
    return _RANKS.get(what, Rank.TEXT)


_RANKS: Final = {"headline": Rank.HEADLINE, "preview": Rank.PREVIEW, "photo": Rank.STANDARD}


def _tick(at_s: float) -> Tick:
    return Tick(boot="run", monotonic_s=at_s, wall_s=at_s, is_set=True)
