"""One site of a fleet: its custody, its links, what waits, what its people will do, and when to act next."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym
from simulations.hosts.disk import Disk
from simulations.links import Outage
from simulations.world import SiteGroup
from simulations.world.world import DAY_S
from sync.core import LinkMemory
from sync.letters import LetterMemory
from sync.letters.terms import PAID_BUNDLE_BYTES_MAX
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
from sync.scheduler.choice import choose

from .bound import bound_s
from .link import FleetLink, open_fleet_link
from .parts import Parts
from .site_mail import SiteMail


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


@dataclass(frozen=True, slots=True)
class Backup:
    """A disk as it was."""

    disk: Disk
    memories: Sequence[LetterMemory | None]
    """What was kept of letters, by link."""


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
        self.number, self.group, self.name = number, group, name
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
        self.mail = SiteMail(self.links, f"{seed}/{number}", self.pair, self.store, self.hub_store)
        self.restored_s = {True: -math.inf, False: -math.inf}
        """When the hub's disk last went back to a backup, and the site's."""
        self.is_held = any(link.terms.mode is LinkMode.HOLD for link in self.links)
        self.held: Held | None = None
        """The session that is kept open, if one is."""
        self.unheard = LinkMemory()
        """What the hub may have heard over any link."""
        self.doubted: set[BundleId] = set()
        """What went out and was not receipted: it waits for the hub's word before it goes again."""
        self._arrivals: dict[str, Arrivals] = {}
        self.attempts: dict[str, Attempts] = {}
        looked_over = [link.terms.poll_s for link in self.links if not link.terms.is_post]
        self.is_looking = bool(looked_over)
        """It looks for replies; a site that has nothing but letters is silent while nothing is new."""
        self.look_s = min(looked_over, default=DAY_S)
        self.good_s = self.draw.uniform(-self.look_s, 0.0)
        if self.is_held:
            # It looks every few hours only in case a word was lost: its session is begun at once.
            self.good_s = -self.look_s
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
        self._usual_dial: Dial | None = None
        """What the policy answers when nothing waits or fails."""
        self.spends_on_emergency = False
        """The contact under way has carried one, or is dialled for one without a limit."""
        self._count_nothing()
        self._local: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()

    # Its disk, and the hub's for it.

    def backup(self, *, at_hub: bool) -> Backup:
        """Of the one or the other, as it is now."""
        return Backup((self.hub_disk if at_hub else self.disk).copy(), self.mail.memories(at_hub=at_hub))

    def restore(self, backup: Backup, now_s: float, *, at_hub: bool) -> None:
        """One of them goes back to a backup; nobody is told."""
        disk = backup.disk.copy()
        if at_hub:
            self.hub_disk.close()
            self.hub_disk, self.hub_store = disk, disk.boot()
        else:
            self.disk.close()
            self.disk, self.store = disk, disk.boot()
        self.restored_s[at_hub] = now_s
        self.mail.restart(self.hub_store if at_hub else self.store, backup.memories, at_hub=at_hub)

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

    def classes_waiting(self) -> set[Priority]:
        """Of which something waits that is in no letter."""
        return {priority for priority in Priority if self._waiting[priority][0]}

    @property
    def has_emergency(self) -> bool:
        return self._waiting[Priority.EMERGENCY][0] > 0

    def ahead_bytes(self, down_to: Priority, link: FleetLink) -> int:
        """Of this class and the more urgent ones, as far as this link carries them."""
        if not link.carries(PAID_BUNDLE_BYTES_MAX + 1):
            return sum(self._short_bytes[priority] for priority in Priority if priority <= down_to)
        return sum(self._waiting[priority][1] for priority in Priority if priority <= down_to)

    def queued(self, priority: Priority, size_bytes: int) -> None:
        """One more bundle waits: what failed before is tried again soon."""
        self._count(priority, size_bytes)
        for link in self.links:
            link.unanswered.clear()
        self.mail.something_waits()

    def hasten(self, now_s: float) -> None:
        """Something new waits: pauses are the shortest ones."""
        for name, attempts in self.attempts.items():
            self.attempts[name] = attempts.hastened(now_s)

    def recount(self, waiting: list[tuple[Priority, int]]) -> None:
        """What custody says."""
        waited = self._waiting[Priority.EMERGENCY][0]
        self._count_nothing()
        for priority, size_bytes in waiting:
            self._count(priority, size_bytes)
        self._has_asked |= waited > 0 and not self._waiting[Priority.EMERGENCY][0]

    def _count_nothing(self) -> None:
        self._waiting = [[0, 0] for _ in Priority]
        self._short_bytes = [0 for _ in Priority]
        """Of that, bundles that go by letters which are paid for."""
        self._bundles_waiting = 0

    def _count(self, priority: Priority, size_bytes: int) -> None:
        self._bundles_waiting += 1
        self._waiting[priority][0] += 1
        self._waiting[priority][1] += size_bytes
        if size_bytes <= PAID_BUNDLE_BYTES_MAX:
            self._short_bytes[priority] += size_bytes

    # What the policy says.

    def is_plain(self, now_s: float) -> bool:
        """One link that may carry everything, and nothing waits or fails: the policy has nothing to weigh."""
        if self.has_waiting or self.is_failing or len(self.links) > 1 or self.held is not None:
            return False
        if not self.is_looking:
            return False
        return self.links[0].may_look(now_s)

    @property
    def look_due_s(self) -> float:
        """When a plain site looks again, as the policy would say."""
        poll_s = self.links[0].terms.poll_s
        return self.good_s + between_looks_s(good_s=self.good_s, asked_s=self._asked_s, poll_s=poll_s)

    def plain_dial(self, now_s: float) -> Dial | None:
        """What the policy answers a plain site: always the same, but for what today's cap leaves."""
        if self._usual_dial is None:
            self._usual_dial = next(iter(self.decide(now_s).dials), None)
        (link,) = self.links
        if self._usual_dial is None or not link.terms.cap.is_limited:
            return self._usual_dial
        return replace(self._usual_dial, allowance=link.allowance(now_s))

    def decide(self, now_s: float) -> Decision:
        """The product's policy, for this site."""
        covered = self.mail.answered_soon()
        waiting = {
            priority: Backlog(*self._waiting[priority])
            for priority in Priority
            if self._waiting[priority][0] and priority not in covered
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
        able = [link for link in self.links if link.mail is None or not link.mail.has_nothing]
        decision = self._policy([link.now(now_s) for link in able], [pair], now_s)
        # What was given to the next boat is not given to it again; another link may be better meanwhile.
        while decision.dials and self.mail.is_given(self.link(decision.dials[0]), decision.dials[0], waiting):
            able.remove(self.link(decision.dials[0]))
            decision = self._policy([link.now(now_s) for link in able], [pair], now_s)
        if not self.is_looking and not decision.dials and not self.mail.is_capped(decision):
            # Time changes nothing of what a floor holds back, or waits for a boat.
            return replace(decision, look_at_s=self._ready_s(now_s))
        return decision

    def _ready_s(self, now_s: float) -> float:
        """When a pause after a failure ends."""
        moments = (attempts.ready_s(priority) for attempts in self.attempts.values() for priority in Priority)
        return min((moment for moment in moments if moment > now_s), default=math.inf)

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

    def answered_by_post(self, link: FleetLink, at_s: float) -> None:
        """A letter of the hub's told what has come."""
        self.attempts[link.terms.name] = FRESH
        if self._has_asked:
            self._has_asked, self._asked_s = False, at_s

    def bound_s(self, at_s: float, size_bytes: int, *, up: bool) -> float:
        """How long so many bytes take at best, over all its links together."""
        return bound_s([link.way_up if up else link.way_down for link in self.links], at_s, size_bytes)

    def arrivals_over(self, link: FleetLink) -> Arrivals:
        """What became of earlier estimates; a boat teaches nothing of a satellite, two ways to dial do."""
        kind = link.terms.name if link.terms.is_post else ""
        return self._arrivals.setdefault(kind, Arrivals())

    def usual_link(self, priority: Priority, size_bytes: int, now_s: float) -> FleetLink | None:
        """The link that an arrival is estimated for: the one that would be chosen for routine work, or for
        such a bundle where some links are of letters; None where no link carries it."""
        if self.mail.all:
            able = {link.terms.name: link for link in self.links if link.carries(size_bytes)}
            links = [link.now(now_s) for link in able.values()]
            chosen = choose(priority, PairNow(pair=self.pair), links, now_s).link
            return able[chosen.name] if chosen is not None else None
        return min(self.links, key=lambda link: (link.now(0.0).forecast(1_000).usd, link.terms.name))


def _current(held: Held) -> Current:
    return Current(link=held.link.terms.name, floor=held.floor, stays_open=True)


def rank_of(what: str) -> Rank:
    """The place of a bundle inside its case."""
    return _RANKS.get(what, Rank.TEXT)


_RANKS: Final = {"headline": Rank.HEADLINE, "preview": Rank.PREVIEW, "photo": Rank.STANDARD}
