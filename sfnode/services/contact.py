"""One contact with the hub: dialled, run as a session, watched, and written into the diary.

Law: whatever link and hub do, a contact ends in a report; what was stored on either side stays stored.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from protocol.ids import BundleId, Pseudonym
from sfnode.config import LinkSettings
from sfnode.spool.spool import Spool
from sfnode.views import SyncReport
from sync.core import Counters, Ending, LinkMemory, SessionTerms
from sync.core.events import (
    Event,
    PeerGreeted,
    SessionEnded,
)
from sync.driver import SessionReport, Setting, dial_session
from sync.links.rate_memory import RateMemory
from sync.ports import Connection, Dialer, LinkError, PairStore
from sync.scheduler import RETRY_RULE, Current, Dial
from sync.scheduler.dialling import dial_patiently
from sync.scheduler.policy import SILENCE_BYTES
from sync.signal import Signal
from sync.stores.errors import StoreError, StoreHalted

from .clock import SiteClock
from .contact_account import Account
from .contact_words import ALLOWANCE_SPENT, FELL_SILENT, ended_words
from .metering import Metered
from .pace import in_turns_s, pace_of
from .sync_reports import of_contact

GOODBYE_SILENCE_S: Final = 3.0
"""Beyond two round trips and what is on its way: no side holds the answer to a goodbye back."""


class Watcher(Protocol):
    """Told what happens in a session, in order; must not raise or block."""

    def happened(self, event: Event) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Whom to talk to, and whose custody it concerns."""

    pseudonym: Pseudonym
    link_secret: bytes
    store: PairStore
    hub_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactOutcome:
    """How a contact went, and what the next one may know."""

    report: SyncReport
    ending: Ending | None
    """None when nobody answered."""
    memory: LinkMemory
    spent_out: bool = False
    """It was ended because it had cost what it might."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a contact is to do, and by what means."""

    dial: Dial
    link: LinkSettings
    dialer: Dialer
    memory: LinkMemory = field(default_factory=LinkMemory)


class Contact:
    """One attempt, and the session that comes of it."""

    def __init__(
        self,
        pair: Pair,
        plan: Plan,
        *,
        spool: Spool,
        clock: SiteClock,
        watcher: Watcher,
        greeted: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan = plan
        self._pair = pair
        self._clock = clock
        self._watcher = watcher
        self._greeted = greeted
        self._account = Account(plan.link, plan.dial.allowance, spool=spool, clock=clock)
        self.outcome: ContactOutcome | None = None
        """None while it is under way."""
        self._parting = Signal()
        self._dialling: asyncio.Timeout | None = None
        """The patience for the dial under way."""
        self._conversing: asyncio.Timeout | None = None
        """The patience for the session under way."""
        self._given_up_for = ""
        """Why it was left in the dark; empty while it was not."""

    @property
    def reached(self) -> bool:
        """Whether the hub has greeted."""
        return self._account.reached

    @property
    def began_s(self) -> float:
        """When it was dialled, by the monotonic clock."""
        return self._account.began_s

    @property
    def account(self) -> Account:
        """What it has carried and cost."""
        return self._account

    @property
    def medium(self) -> tuple[str, ...]:
        """How the bytes travel, in short lines; empty before anybody was reached."""
        return self._account.metered.described() if self._account.metered is not None else ()

    async def run(self, dialled: Callable[[], Awaitable[None]] | None = None) -> ContactOutcome:
        """Raises `StoreHalted` when our own disk is not to be trusted any more, and nothing else.

        `dialled` is awaited between the dial and the session: whoever has to make room does so then.
        """
        self.outcome = await self._run(dialled)
        return self.outcome

    def part(self) -> None:
        """End the session at the next good moment, or the dial at once."""
        self._parting.set()
        _lose(self._dialling)

    def give_up(self, why: str = FELL_SILENT) -> None:
        """End it at once and tell nobody: to a hub that does not answer, a goodbye takes half a minute."""
        self._given_up_for = why
        self.part()
        _lose(self._conversing)

    def _hang_up(self) -> None:
        """Nobody is told any more: to wait for the answer to a goodbye would cost more than may be spent."""
        _lose(self._conversing)

    @property
    def is_given_up(self) -> bool:
        """It was left in the dark, for another one."""
        return bool(self._given_up_for)

    @property
    def refused(self) -> frozenset[BundleId]:
        """What the hub will not take in this contact."""
        return self._account.refused

    @property
    def heard_s(self) -> float:
        """When anything of the hub's came in last, by the monotonic clock; the dial, before that."""
        return self._account.heard_s

    def current(self, *, silent_since_s: float = math.inf) -> Current:
        """As the policy sees it."""
        dial = self.plan.dial
        return Current(
            link=dial.link,
            floor=dial.floor,
            stays_open=dial.stays_open,
            heard=self.reached,
            began_s=self.began_s,
            silent_since_s=silent_since_s,
        )

    @property
    def goodbye_s(self) -> float:
        """How long the hub may say nothing when it is asked to end, before nobody is there to answer."""
        memory, link = self.plan.memory, self.plan.link
        rtt_s, rate_bytes_s = memory.rtt_s or link.rtt_s, memory.rate_bytes_s or link.rate_bit_s / 8
        return GOODBYE_SILENCE_S + 2 * rtt_s + SILENCE_BYTES / rate_bytes_s

    @property
    def pace(self) -> RateMemory | None:
        """What the dialer has found out, where it is the one that paces."""
        return pace_of(self.plan.dialer)

    @property
    def in_turns_s(self) -> float:
        """For how long from now something on the way is known to hold whole requests back."""
        return in_turns_s(self.plan.dialer, asyncio.get_running_loop().time())

    async def _run(self, dialled: Callable[[], Awaitable[None]] | None) -> ContactOutcome:
        account = self._account
        await account.begin(self._pair.hub_name)
        try:
            connection = await self._dial()
        except LinkError as error:
            return await self._failed(str(error))
        metered = account.connected(connection, self.plan.memory)
        if dialled is not None:
            await dialled()
        try:
            session = await self._converse(metered)
        except ExceptionGroup as errors:
            return await self._failed(_disk_trouble(errors))
        if session is None:
            return await self._broken_off()
        ended = ended_words(
            session,
            metered.properties,
            reached=account.reached,
            spent_out=account.spent_out,
            ends_for_room=account.ends_for_room,
        )
        await account.end(ended)
        return ContactOutcome(
            report=of_contact(account, ended, session.counters),
            ending=session.ending,
            memory=session.memory,
            spent_out=account.spent_out,
        )

    async def _dial(self) -> Connection:
        try:
            async with asyncio.timeout(0 if self._parting.is_set() else None) as self._dialling:
                return await dial_patiently(self.plan.dialer.dial, RETRY_RULE)
        except TimeoutError as error:
            raise LinkError("Nobody had answered when this attempt was given up.") from error
        finally:
            self._dialling = None

    async def _broken_off(self) -> ContactOutcome:
        """It was given up, or hung up before the answer to its goodbye cost more than might be spent."""
        if self.is_given_up:
            self._watcher.happened(SessionEnded(Ending.PEER_SILENT, self._given_up_for, Counters()))
            return await self._failed(self._given_up_for)
        self._watcher.happened(SessionEnded(Ending.PARTED, ALLOWANCE_SPENT, Counters()))
        outcome = await self._failed(ALLOWANCE_SPENT)
        return replace(outcome, ending=Ending.PARTED, memory=LinkMemory(), spent_out=True)

    async def _failed(self, reason: str) -> ContactOutcome:
        account = self._account
        await account.end(reason)
        moved = Counters(bundles_sent=account.bundles_sent, bundles_received=account.bundles_received)
        # How far a session got that was cut off here is not known: the next one asks before it repeats.
        was_cut_off = self.is_given_up and account.metered is not None
        memory = LinkMemory() if was_cut_off else self.plan.memory
        return ContactOutcome(report=of_contact(account, reason, moved), ending=None, memory=memory)

    async def _converse(self, connection: Metered) -> SessionReport | None:
        """None when it was given up, or hung up."""
        setting = Setting(
            store=self._pair.store,
            clock=self._clock,
            terms=SessionTerms(
                stays_open=self.plan.dial.stays_open,
                wall_s=max(0, int(self._clock.wall_s())),
                certainty=self._clock.certainty(),
                floor=self.plan.dial.floor,
            ),
            memory=self.plan.memory,
            observer=self._observe,
            parting=self._parting,
        )
        async with asyncio.TaskGroup() as group:
            dial = self.plan.dial
            keeping = self._account.keep(connection, self._parting, self._hang_up, stays_open=dial.stays_open)
            counting = group.create_task(keeping)
            try:
                async with asyncio.timeout(0 if self.is_given_up else None) as self._conversing:
                    return await dial_session(
                        connection,
                        link_secret=self._pair.link_secret,
                        pseudonym=self._pair.pseudonym,
                        setting=setting,
                    )
            except TimeoutError:
                return None
            finally:
                self._conversing = None
                counting.cancel()

    def _observe(self, event: Event) -> None:
        if isinstance(event, PeerGreeted):
            self._account.reached = True
            self._greeted()
        self._account.note(event)
        self._watcher.happened(event)


def _lose(patience: asyncio.Timeout | None) -> None:
    if patience is not None and not patience.expired():
        patience.reschedule(asyncio.get_running_loop().time())


def _disk_trouble(errors: ExceptionGroup[Exception]) -> str:
    """What our own store said. Raises `errors` when it is more than a refusal: a halted store, or our bug."""
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    _, others = errors.split(StoreError)
    if others is not None or errors.subgroup(StoreHalted) is not None:
        raise errors
    return str(first)
