"""Contacts that a person asks for: over one link after the other, until nothing is left to do that may go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from protocol.header import Priority
from protocol.ids import Pseudonym
from sfnode.config import LinkMode, LinkSettings
from sfnode.views import SyncReport
from sync.core import Ending
from sync.scheduler import Decision, Dial, LinkNow, ask, ask_instead

from .backlog import BacklogWatch
from .clock import SiteClock
from .contact import Contact, Pair
from .contact_runner import ContactRunner
from .hub_links import HubLinks
from .link_ledger import LinkLedger
from .link_words import held_sentence, look_held_sentence
from .sync_reports import link_taken_away, nothing_dialled, together


class AskedContacts:
    """One asking at a time for each hub; hubs do not wait for each other."""

    def __init__(
        self,
        *,
        clock: SiteClock,
        links: HubLinks,
        ledger: LinkLedger,
        backlog: BacklogWatch,
        runner: ContactRunner,
        begin: Callable[[Pair, Dial], Contact],
        stir: Callable[[], None],
    ) -> None:
        """`begin` makes the contact; `stir` has the rules look again."""
        self._clock = clock
        self._links = links
        self._ledger = ledger
        self._backlog = backlog
        self._runner = runner
        self._begin = begin
        self._stir = stir
        self._asked: dict[Pseudonym, set[str]] = {}
        """Hubs that a person has asked for, and the links that no emergency leaves another for meanwhile."""

    def is_asked(self, pair: Pseudonym) -> bool:
        """Whether the rules leave that hub to a person now."""
        return pair in self._asked

    async def leave_silence(self, pair: Pair, links: Sequence[LinkNow]) -> float:
        """In a contact that a person has asked for no emergency waits either, once it has gone dark and
        another of the hub's links is there: `sync` goes on with that one. When to look again."""
        contact, now_s = self._runner.speaking(pair.pseudonym), self._clock.monotonic_s()
        links = [link for link in links if link.name not in self._asked.get(pair.pseudonym, ())]
        decision = ask_instead(links, await self._runner.pair_now(pair), now_s)
        if decision.dials and contact is not None:
            contact.give_up()
        return decision.look_at_s

    async def sync(self, pair: Pair, link: str | None) -> SyncReport:
        """With that hub, over the named link or whichever serves best; joins a contact that is under way."""
        joined = self._runner.speaking(pair.pseudonym)
        if joined is not None and (joined.plan.dial.stays_open or link not in (None, joined.plan.link.name)):
            # It would never end by itself, or is not the one that was asked for.
            joined.part()
            joined = None
        tried = self._asked[pair.pseudonym] = self._out_of_reach(pair, link)
        self._stir()
        try:
            async with self._runner.turn(pair.pseudonym):
                before = joined.outcome if joined is not None else None
                if before is not None and before.report.complete and not await self._backlog.waiting(pair):
                    return before.report
                return await self._over_each(pair, link, [] if before is None else [before.report], tried)
        finally:
            if self._asked.get(pair.pseudonym) is tried:  # Nobody has asked once more meanwhile.
                del self._asked[pair.pseudonym]
            self._stir()

    async def _over_each(
        self, pair: Pair, only: str | None, reports: list[SyncReport], tried: set[str]
    ) -> SyncReport:
        """One link after the other, until somebody was reached and nothing is left that may go."""
        left = set[str]()
        carried: dict[str, Priority] = {}
        joined = len(reports)
        while True:
            links = self._open_to(pair, only)
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
            if dial.link not in [link.name for link in self._open_to(pair, only)]:
                continue  # It was taken away while custody was asked.
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
        return await self._together(pair, only, reports, joined)

    async def _together(
        self, pair: Pair, only: str | None, reports: Sequence[SyncReport], joined: int
    ) -> SyncReport:
        """All of it in one report; `joined` of them are of a contact that was under way."""
        links = self._open_to(pair, only)
        if not links:
            return together([*reports, link_taken_away(pair.hub_name)])
        decision = await self._ask(pair, links)
        held = tuple(held_sentence(each, links, self._ledger) for each in decision.held)
        if len(reports) == joined and not any(report.complete for report in reports):
            # Whatever the contact that was joined had met: now nothing may be dialled.
            return nothing_dialled(links[0].name, held or (look_held_sentence(links[0], self._ledger),))
        return replace(together(reports), held=held)

    def _open_to(self, pair: Pair, only: str | None) -> list[LinkSettings]:
        """The hub's links of now: meanwhile some may have been taken away."""
        return [link for link in self._links.of(pair.pseudonym) if only in (None, link.name)]

    def _out_of_reach(self, pair: Pair, only: str | None) -> set[str]:
        """Whoever asks for one link may know why. It is left for none that would not be dialled without being
        asked, nor for one that fails."""
        others = [link for link in self._links.of(pair.pseudonym) if only not in (None, link.name)]
        return {
            link.name
            for link in others
            if link.mode is LinkMode.MANUAL or self._ledger.down(link.name) is not None
        }

    async def _ask(self, pair: Pair, links: Sequence[LinkSettings]) -> Decision:
        now = await self._ledger.links_now(links)
        return ask(now, await self._runner.pair_now(pair), self._clock.monotonic_s())
