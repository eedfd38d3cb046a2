"""One site of a fleet: its custody, its links, what waits, what its people will do, and when to act next."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym
from simulations.engine.disk import Disk
from simulations.links import Outage
from simulations.world import SiteGroup
from sync.core import LinkMemory
from sync.ports import Rank
from sync.scheduler import (
    FRESH,
    Attempts,
    Backlog,
    Current,
    Decision,
    Dial,
    LinkMode,
    PairNow,
    between_looks_s,
)
from sync.scheduler.arrival import Arrivals

from .bound import bound_s
from .link import FleetLink, open_fleet_link
from .parts import Parts


@dataclass(slots=True, eq=False)
class Held:
    """A session that stays open although nothing is left."""

    link: FleetLink
    floor: Priority
    counted_s: float
    """Until then it is paid for."""
    until_s: float
    """When it is lost to darkness, or all that may be spent is spent."""
    is_spent_then: bool


class FleetSite:
    """One site."""

    def __init__(
        self,
        number: int,
        group: SiteGroup,
        name: str,
        storms: Mapping[tuple[str, str], tuple[Outage, ...]],
        seed: int,
        parts: Parts,
    ) -> None:
        self.number = number
        self.group = group
        self.name = name
        self.pair = Pseudonym(number.to_bytes(4, "big"))
        self.draw = random.Random(f"site/{number}/{seed}")
        lives = random.Random(f"lives/{number}/{seed}")
        self.disk = parts.disk(lambda: Incarnation(lives.randbytes(4)), f"site-{number}")
        self.hub_disk = parts.disk(lambda: Incarnation(lives.randbytes(4)), f"hub-{number}")
        self.store, self.hub_store = self.disk.boot(), self.hub_disk.boot()
        self._policy = parts.policy
        self.salts = random.Random(f"salts/{number}/{seed}")
        self.links = [
            open_fleet_link(link, group.region, storms, f"{seed}/{number}/{index}")
            for index, link in enumerate(group.links)
        ]
        self.is_held = any(link.terms.mode is LinkMode.HOLD for link in self.links)
        self.held: Held | None = None
        """The session that is kept open, if one is."""
        self.unheard = LinkMemory()
        """What the hub may have heard over any link."""
        self.doubted: set[BundleId] = set()
        """What went out and was not receipted: it waits for the hub's word before it goes again."""
        self.arrivals = Arrivals()
        self.attempts: dict[str, Attempts] = {}
        self.look_s = min(link.terms.poll_s for link in self.links)
        self.good_s = self.draw.uniform(-self.look_s, 0.0)
        self._asked_s = -math.inf
        """When an emergency of the site's last reached the hub."""
        self._has_asked = False
        """In the contact under way."""
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
        self._bundles_waiting = 0
        self._local: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()

    # Its disk, and the hub's for it.

    def backup(self, *, at_hub: bool) -> Disk:
        """Of the one or the other, as it is now."""
        return (self.hub_disk if at_hub else self.disk).copy()

    def restore(self, backup: Disk, *, at_hub: bool) -> None:
        """One of them goes back to a backup; nobody is told."""
        disk = backup.copy()
        if at_hub:
            self.hub_disk.close()
            self.hub_disk, self.hub_store = disk, disk.boot()
        else:
            self.disk.close()
            self.disk, self.store = disk, disk.boot()

    def close(self) -> None:
        """The run is over."""
        self.disk.close()
        self.hub_disk.close()

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
        return self._bundles_waiting > 0

    @property
    def speaks_by_held(self) -> bool:
        """Something waits on either side that the session which is kept open may carry."""
        held = self.held
        return held is not None and (
            self.hub_bundles > 0 or any(self._waiting[each][0] for each in Priority if each <= held.floor)
        )

    @property
    def is_failing(self) -> bool:
        for attempts in self.attempts.values():  # Asked at each look: `any` would make a generator for it.
            if attempts.is_failing:
                return True
        return False

    def waiting_bytes(self, down_to: Priority) -> int:
        """Of this class and the more urgent ones."""
        return sum(self._waiting[priority][1] for priority in Priority if priority <= down_to)

    def queued(self, priority: Priority, size_bytes: int) -> None:
        """One more bundle waits: what failed before is tried again soon."""
        self._count(priority, size_bytes)
        for link in self.links:
            link.unanswered.clear()

    def hasten(self, now_s: float) -> None:
        """Something new waits: pauses are the shortest ones."""
        for name, attempts in self.attempts.items():
            self.attempts[name] = attempts.hastened(now_s)

    def recount(self, waiting: list[tuple[Priority, int]]) -> None:
        """What custody says."""
        waited = self._waiting[Priority.EMERGENCY][0]
        self._waiting = [[0, 0] for _ in Priority]
        self._bundles_waiting = 0
        for priority, size_bytes in waiting:
            self._count(priority, size_bytes)
        self._has_asked |= waited > 0 and not self._waiting[Priority.EMERGENCY][0]

    def _count(self, priority: Priority, size_bytes: int) -> None:
        self._bundles_waiting += 1
        self._waiting[priority][0] += 1
        self._waiting[priority][1] += size_bytes

    # What the policy says.

    def is_plain(self, now_s: float) -> bool:
        """One link that may carry everything, and nothing waits or fails: the policy has nothing to weigh."""
        if self.has_waiting or self.is_failing or len(self.links) > 1 or self.held is not None:
            return False
        return self.links[0].may_look(now_s)

    @property
    def look_due_s(self) -> float:
        """When a plain site looks again, as the policy would say."""
        poll_s = self.links[0].terms.poll_s
        return self.good_s + between_looks_s(good_s=self.good_s, asked_s=self._asked_s, poll_s=poll_s)

    def decide(self, now_s: float) -> Decision:
        """The product's policy, for this site."""
        waiting = {
            priority: Backlog(*self._waiting[priority]) for priority in Priority if self._waiting[priority][0]
        }
        held = self.held
        pair = PairNow(
            pair=self.pair,
            waiting=waiting,
            attempts=self.attempts,
            good_s=self.good_s,
            asked_s=self._asked_s,
            current=None if held is None else _current(held),
        )
        return self._policy([link.now(now_s) for link in self.links], [pair], now_s)

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
        self.bytes_up += up
        self.bytes_down += down
        self.usd += usd
        link.pay(usd=usd, size_bytes=up + down, at_s=at_s)

    def went_well(self, link: FleetLink, at_s: float) -> None:
        self.attempts[link.terms.name] = FRESH
        self.good_s = at_s
        if self._has_asked:
            self._has_asked, self._asked_s = False, at_s

    def bound_s(self, at_s: float, size_bytes: int, *, up: bool) -> float:
        """How long so many bytes take at best, over all its links together."""
        return bound_s([link.way_up if up else link.way_down for link in self.links], at_s, size_bytes)

    def usual_link(self) -> FleetLink:
        """The link that an arrival is estimated for: the one that would be chosen for routine work."""
        return min(self.links, key=lambda link: (link.now(0.0).forecast(1_000).usd, link.terms.name))


def _current(held: Held) -> Current:
    return Current(link=held.link.terms.name, floor=held.floor, stays_open=True)


def rank_of(what: str) -> Rank:
    """The place of a bundle inside its case."""
    return _RANKS.get(what, Rank.TEXT)


_RANKS: Final = {"headline": Rank.HEADLINE, "preview": Rank.PREVIEW, "photo": Rank.STANDARD}
