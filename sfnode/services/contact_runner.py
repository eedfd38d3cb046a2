"""Contacts under way: for one hub one that speaks, and at most one that is dialled to take its place."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from protocol.header import Priority
from protocol.ids import Pseudonym
from sfnode.config import LinkSettings
from sfnode.spool.spool import Spool
from sync.core import Ending
from sync.ports import Dialer
from sync.scheduler import Dial, PairNow
from sync.scheduler.tariff import BYTES_PER_MEGABYTE

from .backlog import BacklogWatch
from .clock import SiteClock
from .contact import Contact, ContactOutcome, Pair, Plan, Watcher
from .link_ledger import LinkLedger
from .pace import remind, remind_of_turns

AT_ONCE_MAX: Final = 2
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
        watcher: Watcher,
        state_changed: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._ledger = ledger
        self._backlog = backlog
        self._dialer_for = dialer_for
        self._watcher = watcher
        self._state_changed = state_changed
        self._turns: dict[Pseudonym, asyncio.Lock] = {}
        self._under_way: dict[Pseudonym, list[Contact]] = {}
        self._urgent_since_s: dict[Pseudonym, float] = {}
        self._medium: tuple[str, ...] = ()
        self.usd_per_byte = 0.0
        """On the link dialled last."""

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

    async def pair_now(self, pair: Pair) -> PairNow:
        """The pair as the policy sees it."""
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
            current=None if speaking is None else speaking.current(silent_since_s=urgent_since_s),
        )

    def _note_urgent(self, pair: Pseudonym, *, waits: bool) -> float:
        """Since when an emergency has been seen to wait; infinite if none does."""
        if not waits:
            self._urgent_since_s.pop(pair, None)
            return math.inf
        return self._urgent_since_s.setdefault(pair, self._clock.monotonic_s())

    def begin(self, pair: Pair, link: LinkSettings, dial: Dial) -> Contact:
        """A contact that counts as under way from now on; `run` or `carry_out` does the rest."""
        dialer = self._dialer_for(link, pair)
        self.usd_per_byte = link.usd_per_megabyte / BYTES_PER_MEGABYTE
        remind(dialer, self._ledger.measured(link), self._ledger.rate_age_s(link))
        remind_of_turns(dialer, self._ledger.in_turns_s(link))

        def greeted() -> None:
            self._ledger.greeted(pair.pseudonym, link.name)
            self._state_changed()

        contact = Contact(
            pair,
            Plan(dial=dial, link=link, dialer=dialer, memory=self._ledger.memory(pair, link)),
            spool=self._spool,
            clock=self._clock,
            watcher=self._watcher,
            greeted=greeted,
        )
        self._under_way.setdefault(pair.pseudonym, []).append(contact)
        return contact

    async def run(
        self, pair: Pair, contact: Contact, dialled: Callable[[], Awaitable[None]] | None = None
    ) -> ContactOutcome:
        """The contact, to its end. Raises `StoreHalted` only."""
        self._backlog.contact_begins()
        try:
            outcome = await contact.run(dialled)
        finally:
            self._medium = contact.medium or self._medium
            self._under_way[pair.pseudonym].remove(contact)
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
                has_turn = await _acquire(turn, contact, others)

        try:
            if not others or any(each.plan.link.name == contact.plan.link.name for each in others):
                await take_turn()
            await self.run(pair, contact, take_turn)
        finally:
            if has_turn:
                turn.release()

    async def _note(self, pair: Pair, contact: Contact, outcome: ContactOutcome) -> None:
        await self._ledger.learnt(pair, contact, outcome)
        if outcome.ending is Ending.DONE or (outcome.ending is Ending.PARTED and contact.reached):
            self._ledger.went_well(pair.pseudonym, contact, outcome)
        else:
            await self._ledger.failed(pair, contact.plan.link.name, outcome)
        if outcome.ending is Ending.DONE:
            await self._backlog.contact_is_done(pair, contact.plan.dial.floor)
        self._state_changed()


async def _acquire(turn: asyncio.Lock, contact: Contact, others: Iterable[Contact]) -> bool:
    if contact.plan.dial.abandons:
        try:
            async with asyncio.timeout(GOODBYE_S):
                return await turn.acquire()
        except TimeoutError:
            for other in others:
                other.give_up()
    return await turn.acquire()


def _make_room(contact: Contact, other: Contact) -> None:
    """The one that has dialled takes the place of the other, which may have been heard again meanwhile."""
    if contact.plan.dial.abandons and other.heard_s <= contact.began_s:
        other.give_up()
    else:
        other.part()
