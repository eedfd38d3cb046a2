"""Contacts under way: for one hub one that speaks, and at most one that is dialled to take its place."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from protocol.header import Priority
from protocol.ids import Pseudonym
from sfnode.config import LinkSettings
from sfnode.spool.spool import Spool
from sync.core import Ending
from sync.ports import Dialer
from sync.scheduler import Allowance, Dial, PairNow
from sync.stores.errors import StoreFull

from .backlog import BacklogWatch
from .clock import SiteClock
from .contact import Contact, ContactOutcome, Pair, Plan, Watcher
from .contact_account import Account
from .contact_words import FELL_SILENT, NO_GOODBYE
from .link_ledger import LinkLedger
from .pace import remind, remind_of_turns

AT_ONCE_MAX: Final = 2
UNSETTLED_MAX: Final = 64
"""Contacts that moved anything while the disk was full: in most of them a session cannot even begin."""
GOODBYE_S: Final = 8.0
"""So long an emergency that has another link waits for the end of a contact that was heard a moment ago."""


class ContactRunner:
    """Begins contacts, runs them, and writes down what they showed."""

    def __init__(
        self,
        spool: Spool,
        *,
        clock: SiteClock,
        ledger: LinkLedger,
        backlog: BacklogWatch,
        dialer_for: Callable[[LinkSettings, Pair], Dialer],
        watcher_of: Callable[[Pseudonym], Watcher],
        state_changed: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._ledger = ledger
        self._backlog = backlog
        self._dialer_for = dialer_for
        self._watcher_of = watcher_of
        self._state_changed = state_changed
        self._turns: dict[Pseudonym, asyncio.Lock] = {}
        self._under_way: dict[Pseudonym, list[Contact]] = {}
        self._urgent_since_s: dict[Pseudonym, float] = {}
        self._asked_s: dict[Pseudonym, float] = {}
        """When an emergency was last seen to wait no more: its answer may be there at any time."""
        self._unsettled: deque[Account] = deque(maxlen=UNSETTLED_MAX)
        """Of contacts that are over, and that a full disk had no room to write down."""
        self._medium: tuple[str, ...] = ()

    @property
    def medium(self) -> tuple[str, ...]:
        """How the bytes of this contact, or else of the last one, travel."""
        now = [contact.medium for contacts in self._under_way.values() for contact in contacts]
        return next((medium for medium in now if medium), self._medium)

    def speaking(self, pair: Pseudonym) -> Contact | None:
        """The contact under way that was first."""
        return next(iter(self._under_way.get(pair, [])), None)

    def has_room(self, pair: Pseudonym) -> bool:
        """Whether one more may be dialled."""
        return len(self._under_way.get(pair, [])) < AT_ONCE_MAX

    def turn(self, pair: Pseudonym) -> asyncio.Lock:
        """Whoever holds it may speak with that hub."""
        return self._turns.setdefault(pair, asyncio.Lock())

    def part(self, links: Iterable[str]) -> None:
        """Contacts over these links say goodbye."""
        names = frozenset(links)
        for contacts in self._under_way.values():
            for contact in contacts:
                if contact.plan.link.name in names:
                    contact.part()

    def part_from_others(self, pairs: Container[Pseudonym]) -> None:
        """Contacts under any other pair say goodbye: that one was replaced, or its hub was left."""
        for pair, contacts in self._under_way.items():
            if pair not in pairs:
                for contact in contacts:
                    contact.part()

    async def pair_now(self, pair: Pair) -> PairNow:
        """The pair as the policy sees it."""
        await self._settle()
        speaking = self.speaking(pair.pseudonym)
        refused = speaking.refused if speaking is not None else frozenset()
        waiting = await self._backlog.waiting(pair, refused=refused)
        urgent_since_s = self._note_urgent(pair.pseudonym, waits=Priority.EMERGENCY in waiting)
        if speaking is not None and urgent_since_s < math.inf:
            # Only while an emergency waits for its receipt does the hub owe us a word.
            urgent_since_s = max(urgent_since_s, speaking.heard_s)
        return PairNow(
            pair=pair.pseudonym,
            waiting=waiting,
            attempts=self._ledger.attempts(pair.pseudonym),
            good_s=self._ledger.good_s(pair.pseudonym),
            let_go_s=self._ledger.let_go_s(pair.pseudonym),
            asked_s=self._answer_asked_s(pair.pseudonym),
            current=None if speaking is None else speaking.current(silent_since_s=urgent_since_s),
        )

    def _note_urgent(self, pair: Pseudonym, *, waits: bool) -> float:
        """Since when an emergency has been seen to wait; infinite if none does."""
        if not waits:
            if self._urgent_since_s.pop(pair, None) is not None:
                self._asked_s[pair] = self._clock.monotonic_s()
            return math.inf
        return self._urgent_since_s.setdefault(pair, self._clock.monotonic_s())

    def _answer_asked_s(self, pair: Pseudonym) -> float:
        """Since when an answer to an emergency is due; a hub that breaks rules would bill each look."""
        return -math.inf if self._ledger.is_at_fault(pair) else self._asked_s.get(pair, -math.inf)

    def begin(self, pair: Pair, link: LinkSettings, dial: Dial) -> Contact:
        """A contact that counts as under way from now on; `run` or `carry_out` does the rest."""
        dialer = self._dialer_for(link, pair)
        remind(dialer, self._ledger.measured(link), self._ledger.rate_age_s(link))
        remind_of_turns(dialer, self._ledger.in_turns_s(link))

        def greeted() -> None:
            self._ledger.greeted(pair.pseudonym, link.name)
            self._state_changed()

        contact = Contact(
            pair,
            Plan(
                dial=replace(dial, allowance=self._allowance(dial)) if self._unsettled else dial,
                link=link,
                dialer=dialer,
                memory=self._ledger.memory(pair, link),
            ),
            spool=self._spool,
            clock=self._clock,
            watcher=self._watcher_of(pair.pseudonym),
            greeted=greeted,
        )
        self._under_way.setdefault(pair.pseudonym, []).append(contact)
        return contact

    async def run(
        self, pair: Pair, contact: Contact, dialled: Callable[[], Awaitable[None]] | None = None
    ) -> ContactOutcome:
        """The contact, to its end. Raises `StoreHalted` only."""
        self._backlog.contact_begins(pair.pseudonym)
        try:
            outcome = await contact.run(dialled)
        finally:
            self._medium = contact.medium or self._medium
            self._under_way[pair.pseudonym].remove(contact)
        if not contact.account.is_settled and contact.account.uncounted != (0.0, 0):
            self._unsettled.append(contact.account)
        await self._note(pair, contact, outcome)
        return outcome

    async def carry_out(self, pair: Pair, contact: Contact) -> None:
        """Wait for the turn, and run. Others under way go when this one has dialled: before, only if they use
        the same link."""
        others = [each for each in self._under_way[pair.pseudonym] if each is not contact]
        turn, has_turn = self.turn(pair.pseudonym), False

        async def take_turn() -> None:
            nonlocal has_turn
            if not has_turn:
                for other in others:
                    _make_room(contact, other)
                has_turn = await self._acquire(turn, contact, others)

        try:
            if not others or any(each.plan.link.name == contact.plan.link.name for each in others):
                await take_turn()
            await self.run(pair, contact, take_turn)
        finally:
            if has_turn:
                turn.release()

    async def _acquire(self, turn: asyncio.Lock, contact: Contact, others: Sequence[Contact]) -> bool:
        """The turn, once the others have gone. One that falls silent on its way out is not waited for: at the
        hub the newer session takes its place."""
        asked_s, abandons = self._clock.monotonic_s(), contact.plan.dial.abandons

        def left_s(other: Contact) -> float:
            due_s = max(asked_s, other.heard_s) + other.goodbye_s
            return (min(due_s, asked_s + GOODBYE_S) if abandons else due_s) - self._clock.monotonic_s()

        while staying := [each for each in others if each.outcome is None and not each.is_given_up]:
            try:
                async with asyncio.timeout(max(0.0, min(map(left_s, staying)))):
                    return await turn.acquire()
            except TimeoutError:
                for silent in [each for each in staying if left_s(each) <= 0]:
                    silent.give_up(FELL_SILENT if abandons else NO_GOODBYE)
        return await turn.acquire()

    async def _settle(self) -> None:
        """There may be room again for what was not written down."""
        for account in tuple(self._unsettled):
            await account.settle()
            if account.is_settled:
                self._unsettled.remove(account)

    def _allowance(self, dial: Dial) -> Allowance:
        """A full disk makes no cap wider: what could not be counted is spent all the same."""
        usd, size_bytes = dial.allowance.usd, dial.allowance.size_bytes
        for account in self._unsettled:
            if account.link == dial.link:
                usd, size_bytes = usd - account.uncounted[0], size_bytes - account.uncounted[1]
        return Allowance(usd=max(0.0, usd), size_bytes=max(0.0, size_bytes))

    async def _note(self, pair: Pair, contact: Contact, outcome: ContactOutcome) -> None:
        with suppress(StoreFull):  # It is kept for the next process: this one knows.
            await self._ledger.learnt(pair, contact, outcome)
        if contact.account.has_moved:
            self._ledger.moved(pair.pseudonym, contact.plan.link.name)
        if outcome.ending is Ending.DONE or (outcome.ending is Ending.PARTED and contact.reached):
            self._ledger.went_well(pair.pseudonym, contact, outcome)
        else:
            with suppress(StoreFull):
                barren = contact.reached and not contact.account.has_moved
                await self._ledger.failed(pair, contact.plan.link.name, outcome, was_barren=barren)
        if outcome.ending is Ending.DONE:
            await self._backlog.contact_is_done(pair, contact.plan.dial.floor)
        self._state_changed()


def _make_room(contact: Contact, other: Contact) -> None:
    """The one that has dialled takes the place of the other, which may have been heard again meanwhile."""
    if contact.plan.dial.abandons and other.heard_s <= contact.began_s:
        other.give_up()
    else:
        other.part()
