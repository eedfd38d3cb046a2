"""The loop that reaches hubs: asks the policy whom to dial over what, does it, and never gives up.

Law: hubs do not wait for each other. A contact with one keeps no emergency for another from being dialled.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from sfnode.config import LinkSettings
from sfnode.errors import NotEnrolled, NotFound
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.views import SyncReport
from sync.ports import Dialer
from sync.scheduler import Decision, Dial, HeldBy, LinkNow, decide
from sync.scheduler.tariff import BYTES_PER_MEGABYTE

from .asked_contacts import AskedContacts
from .backlog import BacklogWatch
from .clock import SiteClock
from .contact import Contact, Pair, Watcher
from .contact_notices import ContactNotices
from .contact_runner import ContactRunner
from .hub_links import (
    HubLinks,
    links_to,
    no_link_sentence,
)
from .hub_names import shown_name
from .link_ledger import LinkLedger
from .link_words import LinkState, link_state
from .progress import Way
from .sync_reports import of_hubs

_NOT_ENROLLED: Final = (
    "The site is not enrolled with a hub yet, so there is nobody to reach. Use `sfnode enrol`."
)


class Contacts:
    """Every contact of the node: by the rules, and when a person asks for one."""

    def __init__(
        self,
        spool: Spool,
        *,
        clock: SiteClock,
        links: Sequence[LinkSettings],
        dialer_for: Callable[[LinkSettings, Pair], Dialer],
        watcher_of: Callable[[Pseudonym], Watcher],
        state_changed: Callable[[], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._links = HubLinks(spool, links)
        self._state_changed = state_changed
        self.ledger = LinkLedger(spool, clock=clock, chance=chance)
        self._backlog = BacklogWatch()
        self._runner = ContactRunner(
            spool,
            clock=clock,
            ledger=self.ledger,
            backlog=self._backlog,
            dialer_for=dialer_for,
            watcher_of=watcher_of,
            state_changed=state_changed,
        )
        self._stirred = asyncio.Event()
        self._asked = AskedContacts(
            clock=clock,
            links=self._links,
            ledger=self.ledger,
            backlog=self._backlog,
            runner=self._runner,
            begin=self._begin,
            stir=self._stirred.set,
        )
        self._decision = Decision()
        self._notices = ContactNotices(spool, links=self._links, ledger=self.ledger)
        self._dialled: dict[Pseudonym, LinkSettings] = {}
        """The link that each hub was dialled over last."""

    # What there is to know.

    @property
    def links(self) -> tuple[LinkSettings, ...]:
        return self._links.links

    @property
    def link(self) -> LinkSettings:
        """The first: the one that is meant where none is named."""
        return self.links[0]

    @property
    def state(self) -> LinkState:
        """Up means that a hub was heard in the contact under way, or else in the last one."""
        return link_state(self.links, self.ledger)

    def state_of(self, pairing: Pairing) -> LinkState:
        """The same of the links to one hub."""
        links = self.links_to(pairing)
        return link_state(links, self.ledger) if links else LinkState(False, f"no link to {pairing.name}")

    def links_to(self, pairing: Pairing) -> tuple[LinkSettings, ...]:
        """Those that lead to that hub."""
        return links_to(self.links, pairing)

    async def pairings(self) -> tuple[Pairing, ...]:
        """The hubs of this site."""
        return await self._spool.pairings.all()

    @property
    def medium(self) -> tuple[str, ...]:
        """How the bytes of this contact, or else of the last one, travel."""
        return self._runner.medium

    def way(self, pairing: Pairing) -> Way:
        """What is shown beside each bundle for that hub."""
        links = self.links_to(pairing)
        if not links:
            return Way(no_link_to=pairing.name)
        link = self._dialled.get(pairing.pseudonym, links[0])
        return Way(
            usd_per_byte=link.usd_per_megabyte / BYTES_PER_MEGABYTE,
            held_classes=self.held_classes(pairing.pseudonym),
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What is held back and why, what no link leads to, and what went beyond a cap."""
        return self._notices.told(self._decision.held)

    def held_classes(self, pair: Pseudonym) -> frozenset[Priority]:
        """Classes that none of the hub's links may carry now, not even when a person says `sync`."""
        return frozenset(
            each.priority
            for each in self._decision.held
            if each.pair == pair and all(reason is not HeldBy.MANUAL for _, reason in each.by)
        )

    # What happens.

    def queued(self, bundle_id: BundleId, pair: Pseudonym | None = None) -> None:
        """Custody has something new for that hub, or for one that is not named: dial, unless a contact is
        under way and takes it along."""
        self._backlog.added(bundle_id)
        self.ledger.hasten(pair)
        self._stirred.set()

    def link_appeared(self) -> None:
        """The network has changed: what failed before may work now."""
        self.ledger.network_changed()
        self._stirred.set()

    def hubs_changed(self) -> None:
        """There is somebody to reach now, or nobody any more, or another one is meant."""
        self.link_appeared()
        self._state_changed()

    def change_links(self, links: Sequence[LinkSettings]) -> None:
        """Other settings from now on; contacts under way by the old ones say goodbye."""
        changed = {link.name for link in {*self.links} ^ {*links}}
        for link, name in _renamed(self.links, links):
            self.ledger.renamed(link, name)
        self._links.links = tuple(links)
        for name in changed:
            self.ledger.forget(name)
            self._notices.within_cap(name)
        self._runner.part(changed)
        self._backlog.forget()
        self._stirred.set()
        self._state_changed()

    async def run(self) -> None:
        """Dial by the rules until cancelled."""
        await self.ledger.load()
        async with asyncio.TaskGroup() as group:
            while True:
                self._stirred.clear()
                pairs = await self._links.pairs()
                self._runner.part_from_others(pairs)
                await self._decide(pairs)
                for dial in self._decision.dials:
                    if self._still_fits(dial):
                        contact = self._begin(pairs[dial.pair], dial)
                        group.create_task(self._carry_out(pairs[dial.pair], contact))
                await self._wait_stirred(self._decision.look_at_s - self._clock.monotonic_s())

    async def sync_once(self, link: str | None = None, *, hub: Pairing | None = None) -> SyncReport:
        """Until nothing is left to do that may go, over the named link or whichever serves best, with that
        hub or with each.

        Joins contacts that are under way. Raises `NotEnrolled`, `NotFound`.
        """
        if link is not None and link not in [each.name for each in self.links]:
            raise NotFound(f"There is no link {link}. `sfnode link list` shows those there are.")
        asked = await self._asked_for(link, hub)
        await self.ledger.load()
        async with asyncio.TaskGroup() as group:
            under_way = [group.create_task(self._asked.sync(pair, link)) for pair in asked]
        names = [shown_name(pair.pseudonym, self._links.pairings) for pair in asked]
        return of_hubs(list(zip(names, [each.result() for each in under_way], strict=True)))

    # Inside.

    async def _asked_for(self, link: str | None, hub: Pairing | None) -> list[Pair]:
        pairs = await self._links.pairs()
        if not self._links.pairings:
            raise NotEnrolled(_NOT_ENROLLED)
        wanted = [
            pair
            for name, pair in pairs.items()
            if hub is None or name == hub.pseudonym
            if link is None or link in [each.name for each in self._links.of(name)]
        ]
        if wanted:
            return wanted
        if link is not None and pairs:
            raise NotFound(f"The link {link} does not lead there. `sfnode link list` shows where each leads.")
        raise NotFound(no_link_sentence([each.name for each in self._links.pairings if hub in (None, each)]))

    async def _decide(self, pairs: Mapping[Pseudonym, Pair]) -> None:
        before = self._decision.held, self._notices.without_link
        links = {link.name: link for link in await self.ledger.links_now(self.links)}
        for link in links.values():
            if not link.terms.cap.is_used_up(link.spent):
                self._notices.within_cap(link.name)
        each = [await self._decide_for(pair, self._now_of(links, name)) for name, pair in pairs.items()]
        self._decision = Decision(
            dials=tuple(dial for decision in each for dial in decision.dials),
            held=tuple(held for decision in each for held in decision.held),
            look_at_s=min((decision.look_at_s for decision in each), default=math.inf),
        )
        await self._notices.look_for_links()
        if (self._decision.held, self._notices.without_link) != before:
            self._state_changed()

    async def _decide_for(self, pair: Pair, links: Sequence[LinkNow]) -> Decision:
        if self._asked.is_asked(pair.pseudonym):
            return Decision(look_at_s=await self._asked.leave_silence(pair, links))
        if not self._runner.has_room(pair.pseudonym):
            return Decision()
        return decide(links, [await self._runner.pair_now(pair)], self._clock.monotonic_s())

    def _now_of(self, links: Mapping[str, LinkNow], pair: Pseudonym) -> list[LinkNow]:
        return [links[link.name] for link in self._links.of(pair) if link.name in links]

    def _still_fits(self, dial: Dial) -> bool:
        """While custody was asked, a person may have begun a contact, or one may have ended, or the link may
        have been taken away."""
        if dial.link not in [link.name for link in self._links.of(dial.pair)]:
            return False
        is_speaking = self._runner.speaking(dial.pair) is not None
        return not self._asked.is_asked(dial.pair) and is_speaking is dial.replaces

    def _begin(self, pair: Pair, dial: Dial) -> Contact:
        link = next(each for each in self.links if each.name == dial.link)
        contact = self._runner.begin(pair, link, dial)
        self._dialled[pair.pseudonym] = link
        self._notices.begun(contact, dial)
        return contact

    async def _carry_out(self, pair: Pair, contact: Contact) -> None:
        try:
            await self._runner.carry_out(pair, contact)
        finally:
            self._stirred.set()

    async def _wait_stirred(self, pause_s: float) -> None:
        if pause_s <= 0:
            return
        due = None
        if not math.isinf(pause_s):
            due = asyncio.get_running_loop().call_later(pause_s, self._stirred.set)
        try:
            await self._stirred.wait()
        finally:
            if due is not None:
                due.cancel()


def _renamed(before: Sequence[LinkSettings], after: Sequence[LinkSettings]) -> list[tuple[str, str]]:
    """Old and new names of links that kept their place among as many as before."""
    known = {link.name for link in before}
    if len(before) != len(after):
        return []
    return [
        (old.name, new.name)
        for old, new in zip(before, after, strict=True)
        if old.name != new.name and new.name not in known
    ]
