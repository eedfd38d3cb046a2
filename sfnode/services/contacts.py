"""The loop that reaches hubs: asks the policy whom to dial over what, does it, and never gives up."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from sfnode.config import LinkMode, LinkSettings
from sfnode.errors import NotEnrolled, NotFound
from sfnode.spool.spool import Spool
from sfnode.views import SyncReport
from sync.core import Ending
from sync.ports import Dialer
from sync.scheduler import Decision, Dial, HeldBy, LinkNow, ask, ask_instead, decide

from .backlog import BacklogWatch
from .clock import SiteClock
from .contact import Contact, Pair, Watcher
from .contact_runner import ContactRunner
from .link_ledger import LinkLedger
from .link_words import LinkState, beyond_cap_sentence, held_sentence, link_state, look_held_sentence
from .sync_reports import nothing_dialled, together

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
        watcher: Watcher,
        state_changed: Callable[[], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._links = tuple(links)
        self._state_changed = state_changed
        self.ledger = LinkLedger(spool, clock=clock, chance=chance)
        self._backlog = BacklogWatch()
        self._runner = ContactRunner(
            spool,
            clock=clock,
            ledger=self.ledger,
            backlog=self._backlog,
            dialer_for=dialer_for,
            watcher=watcher,
            state_changed=state_changed,
        )
        self._asked: dict[Pseudonym, set[str]] = {}
        """Hubs that a person has asked for, and the links that no emergency leaves another for meanwhile."""
        self._stirred = asyncio.Event()
        self._decision = Decision()
        self._beyond_cap: dict[str, Contact] = {}
        """The last contact over each link that was dialled for an emergency although its cap is used up."""

    @property
    def links(self) -> tuple[LinkSettings, ...]:
        return self._links

    @property
    def link(self) -> LinkSettings:
        """The first: the one that is meant where none is named."""
        return self._links[0]

    @property
    def state(self) -> LinkState:
        """Up means that the hub was heard in the contact under way, or else in the last one."""
        return link_state(self._links, self.ledger)

    @property
    def medium(self) -> tuple[str, ...]:
        """How the bytes of this contact, or else of the last one, travel."""
        return self._runner.medium

    @property
    def usd_per_byte(self) -> float:
        """On the link that carries, or carried last: what is shown beside each bundle."""
        return self._runner.usd_per_byte

    @property
    def notices(self) -> tuple[str, ...]:
        """What is held back and why, and what went beyond a cap."""
        held = tuple(held_sentence(each, self._links, self.ledger) for each in self._decision.held)
        beyond = [each.plan.link for each in self._beyond_cap.values() if each.reached]
        return (*map(beyond_cap_sentence, beyond), *held)

    @property
    def held_classes(self) -> frozenset[Priority]:
        """Classes that no link may carry now, not even when a person says `sync`."""
        return frozenset(
            each.priority
            for each in self._decision.held
            if all(reason is not HeldBy.MANUAL for _, reason in each.by)
        )

    def queued(self, bundle_id: BundleId) -> None:
        """Custody has something new: dial, unless a contact is under way and takes it along."""
        self._backlog.added(bundle_id)
        self.ledger.hasten()
        self._stirred.set()

    def link_appeared(self) -> None:
        """The network has changed: what failed before may work now."""
        self.ledger.network_changed()
        self._stirred.set()

    def enrolled(self) -> None:
        """There is somebody to reach now."""
        self.link_appeared()

    def change_links(self, links: Sequence[LinkSettings]) -> None:
        """Other settings from now on; contacts under way by the old ones say goodbye."""
        changed = {link.name for link in {*self._links} ^ {*links}}
        for link, name in _renamed(self._links, links):
            self.ledger.renamed(link, name)
        self._links = tuple(links)
        for name in changed:
            self.ledger.forget(name)
            self._beyond_cap.pop(name, None)
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
                pairs = {pair.pseudonym: pair for pair in await self._pairs()}
                await self._decide(pairs)
                for dial in self._decision.dials:
                    if self._still_fits(dial):
                        contact = self._begin(pairs[dial.pair], dial)
                        group.create_task(self._carry_out(pairs[dial.pair], contact))
                await self._wait_stirred(self._decision.look_at_s - self._clock.monotonic_s())

    async def sync_once(self, link: str | None = None) -> SyncReport:
        """Until nothing is left to do that may go, over the named link or whichever serves best.

        Joins a contact that is under way. Raises `NotEnrolled`, `NotFound`.
        """
        pairs = await self._pairs()
        if not pairs:
            raise NotEnrolled(_NOT_ENROLLED)
        if link is not None and link not in [each.name for each in self._links]:
            raise NotFound(f"There is no link {link}. `sfnode link list` shows those there are.")
        await self.ledger.load()
        return together([await self._sync(pair, link) for pair in pairs])

    # By the rules.

    async def _decide(self, pairs: Mapping[Pseudonym, Pair]) -> None:
        held_before = self._decision.held
        links = await self.ledger.links_now(self._links)
        for link in links:
            if not link.terms.cap.is_used_up(link.spent):
                self._beyond_cap.pop(link.name, None)  # Another day has begun, or another cap holds.
        free = [
            pair for name, pair in pairs.items() if name not in self._asked and self._runner.has_room(name)
        ]
        situation = [await self._runner.pair_now(pair) for pair in free]
        decision = decide(links, situation, self._clock.monotonic_s())
        leaving = [
            await self._leave_silence(pair, links) for name, pair in pairs.items() if name in self._asked
        ]
        self._decision = replace(decision, look_at_s=min([decision.look_at_s, *leaving]))
        if self._decision.held != held_before:
            self._state_changed()

    async def _leave_silence(self, pair: Pair, links: Sequence[LinkNow]) -> float:
        """In a contact that a person has asked for no emergency waits either, once it has gone dark and
        another link is there: `_over_each` goes on with that one. When to look again."""
        contact, now_s = self._runner.speaking(pair.pseudonym), self._clock.monotonic_s()
        links = [link for link in links if link.name not in self._asked.get(pair.pseudonym, ())]
        decision = ask_instead(links, await self._runner.pair_now(pair), now_s)
        if decision.dials and contact is not None:
            contact.give_up()
        return decision.look_at_s

    def _still_fits(self, dial: Dial) -> bool:
        """While custody was asked, a person may have begun a contact, or one may have ended."""
        is_speaking = self._runner.speaking(dial.pair) is not None
        return dial.pair not in self._asked and is_speaking is dial.replaces

    def _begin(self, pair: Pair, dial: Dial) -> Contact:
        link = next(each for each in self._links if each.name == dial.link)
        contact = self._runner.begin(pair, link, dial)
        told = self._beyond_cap.get(link.name)
        if dial.beyond_cap and (told is None or not told.reached):
            self._beyond_cap[link.name] = contact
        return contact

    async def _carry_out(self, pair: Pair, contact: Contact) -> None:
        try:
            await self._runner.carry_out(pair, contact)
        finally:
            self._stirred.set()

    # When a person asks.

    async def _sync(self, pair: Pair, link: str | None) -> SyncReport:
        joined = self._runner.speaking(pair.pseudonym)
        if joined is not None and (joined.plan.dial.stays_open or link not in (None, joined.plan.link.name)):
            # It would never end by itself, or is not the one that was asked for.
            joined.part()
            joined = None
        tried = self._asked[pair.pseudonym] = self._out_of_reach(link)
        self._stirred.set()
        try:
            async with self._runner.turn(pair.pseudonym):
                before = joined.outcome if joined is not None else None
                if before is not None and before.report.complete and not await self._backlog.waiting(pair):
                    return before.report
                return await self._over_each(pair, link, [] if before is None else [before.report], tried)
        finally:
            if self._asked.get(pair.pseudonym) is tried:  # Nobody has asked once more meanwhile.
                del self._asked[pair.pseudonym]
            self._stirred.set()

    async def _over_each(
        self, pair: Pair, only: str | None, reports: list[SyncReport], tried: set[str]
    ) -> SyncReport:
        """One link after the other, until somebody was reached and nothing is left that may go."""
        links = [link for link in self._links if only in (None, link.name)]
        left = set[str]()
        carried: dict[str, Priority] = {}
        joined = len(reports)
        while True:
            decision = await self._ask(pair, [link for link in links if link.name not in tried])
            if carried and not await self._backlog.waiting(pair):
                break
            if not decision.dials:
                if only is not None or not left:
                    break
                # Nobody else took the emergency: one of those that it has left may be back.
                tried -= left
                left.clear()
                continue
            dial = replace(decision.dials[0], stays_open=False)
            # The same link once more only for what it has not carried yet, as after an emergency alone.
            if dial.link in carried and dial.floor <= carried[dial.link]:
                break
            contact = self._begin(pair, dial)
            outcome = await self._runner.run(pair, contact)
            reports.append(outcome.report)
            if outcome.ending is Ending.DONE:
                carried[dial.link] = dial.floor
            else:
                tried.add(dial.link)
                left |= {dial.link} if contact.is_given_up else set()
        decision = await self._ask(pair, links)
        held = tuple(held_sentence(each, self._links, self.ledger) for each in decision.held)
        if len(reports) == joined and not any(report.complete for report in reports):
            # Whatever the contact that was joined had met: now nothing may be dialled.
            return nothing_dialled(links[0].name, held or (look_held_sentence(links[0], self.ledger),))
        return replace(together(reports), held=held)

    def _out_of_reach(self, only: str | None) -> set[str]:
        """Whoever asks for one link may know why. It is left for none that would not be dialled without being
        asked, nor for one that fails."""
        others = [link for link in self._links if only not in (None, link.name)]
        return {
            link.name
            for link in others
            if link.mode is LinkMode.MANUAL or self.ledger.down(link.name) is not None
        }

    async def _ask(self, pair: Pair, links: Sequence[LinkSettings]) -> Decision:
        now = await self.ledger.links_now(links)
        return ask(now, await self._runner.pair_now(pair), self._clock.monotonic_s())

    # Small questions.

    async def _pairs(self) -> tuple[Pair, ...]:
        """The hubs that this site is enrolled with."""
        pairing = await self._spool.pairings.current()
        if pairing is None or self.link.hub_url is None:
            return ()
        pair = Pair(
            pseudonym=pairing.pseudonym,
            link_secret=pairing.link_secret,
            store=await self._spool.custody(pairing),
            hub_name=pairing.hub_name,
        )
        return (pair,)

    async def _wait_stirred(self, pause_s: float) -> None:
        if pause_s <= 0:
            return
        try:
            async with asyncio.timeout(None if math.isinf(pause_s) else pause_s):
                await self._stirred.wait()
        except TimeoutError:
            return


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
