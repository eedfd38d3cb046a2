"""One contact with the hub: dialled, run as a session, watched, and written into the diary.

Law: whatever link and hub do, a contact ends in a report; what was stored on either side stays stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.ranges import RangeSet
from sfnode.config import LinkSettings
from sfnode.spool.spool import Spool
from sfnode.views import SyncReport
from sync.core import Counters, Ending, LinkMemory, SessionTerms
from sync.core.events import (
    BundleProgress,
    BundleReceived,
    BundleSent,
    Direction,
    Event,
    PeerGreeted,
    PeerRefused,
)
from sync.driver import SessionReport, Setting, dial_session
from sync.links.datagram_rate import RateMemory
from sync.ports import Connection, Dialer, LinkError, PairStore
from sync.scheduler import RETRY_RULE, Current, Dial
from sync.scheduler.dialling import dial_patiently
from sync.stores.errors import StoreError, StoreHalted

from .clock import SiteClock, tick_of
from .metering import Bill, Metered
from .pace import pace_of

COUNT_EVERY_S: Final = 1.0
"""How often a contact under way is counted in the diary: so much a killed process forgets of its bill."""
NOTHING_LEFT: Final = "nothing left to do"
ALLOWANCE_SPENT: Final = "what may be spent on this link today is spent"


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
        self._spool = spool
        self._clock = clock
        self._watcher = watcher
        self._greeted = greeted
        self._bill = Bill(plan.link.tariff, plan.dial.allowance)
        self._metered: Metered | None = None
        self._row = 0
        self._began_s = self._connected_at_s = clock.monotonic_s()
        self._counted_usd = 0.0
        self._counted_bytes = 0
        self._arriving: set[BundleId] = set()
        """Emergencies of the hub's that are partly here."""
        self._refused: set[BundleId] = set()
        """What the hub would not take: it stays in custody, and is not under way."""
        self._moved = asyncio.Event()
        """Whether the contact has to end is to be asked at once."""
        self._is_used_up = False
        self._spent_out = False
        self.reached = False
        self.outcome: ContactOutcome | None = None
        """None while it is under way."""
        self._parting = asyncio.Event()
        self._patience: asyncio.Timeout | None = None
        """Of the dial under way."""

    @property
    def medium(self) -> tuple[str, ...]:
        """How the bytes travel, in short lines; empty before anybody was reached."""
        return self._metered.described() if self._metered is not None else ()

    async def run(self, dialled: Callable[[], Awaitable[None]] | None = None) -> ContactOutcome:
        """Raises `StoreHalted` when our own disk is not to be trusted any more, and nothing else.

        `dialled` is awaited between the dial and the session: whoever has to make room does so then.
        """
        self.outcome = await self._run(dialled)
        return self.outcome

    def part(self) -> None:
        """End the session at the next good moment, or the dial at once."""
        self._parting.set()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    @property
    def current(self) -> Current:
        """As the policy sees it."""
        dial = self.plan.dial
        return Current(
            link=dial.link,
            floor=dial.floor,
            stays_open=dial.stays_open,
            heard=self.reached,
            began_s=self._began_s,
        )

    @property
    def pace(self) -> RateMemory | None:
        """What the dialer has found out, where it is the one that paces."""
        return pace_of(self.plan.dialer)

    async def _run(self, dialled: Callable[[], Awaitable[None]] | None) -> ContactOutcome:
        self._began_s = self._clock.monotonic_s()
        name = self.plan.link.name
        self._row = await self._spool.diary.begin(link=name, hub=self._pair.hub_name, now_s=self._now_s())
        try:
            connection = await self._dial()
        except LinkError as error:
            return await self._failed(str(error))
        self._connected_at_s = self._clock.monotonic_s()
        self._metered = Metered(connection, self._note_moved)
        if dialled is not None:
            await dialled()
        try:
            session = await self._converse(self._metered)
        except ExceptionGroup as errors:
            return await self._failed(_disk_trouble(errors))
        ended = NOTHING_LEFT if session.ending is Ending.DONE else session.reason
        if session.ending is Ending.PARTED and self._spent_out:
            ended = ALLOWANCE_SPENT
        await self._end(ended)
        return ContactOutcome(
            report=self._report(ended, session.counters),
            ending=session.ending,
            memory=session.memory,
            spent_out=self._spent_out,
        )

    async def _dial(self) -> Connection:
        try:
            async with asyncio.timeout(0 if self._parting.is_set() else None) as self._patience:
                return await dial_patiently(self.plan.dialer.dial, RETRY_RULE)
        except TimeoutError as error:
            raise LinkError("Nobody had answered when this attempt was given up.") from error
        finally:
            self._patience = None

    async def _failed(self, reason: str) -> ContactOutcome:
        await self._end(reason)
        report = self._report(reason, Counters())
        return ContactOutcome(report=report, ending=None, memory=self.plan.memory)

    async def _end(self, outcome: str) -> None:
        await self._count()
        if self._spent_out:
            await self._spool.spending.close(self.plan.link.name, tick_of(self._clock))
        await self._spool.diary.end(self._row, outcome=outcome, now_s=self._now_s(), seconds=self._lasted_s())

    async def _converse(self, connection: Metered) -> SessionReport:
        setting = Setting(
            store=self._pair.store,
            clock=self._clock,
            terms=SessionTerms(
                stays_open=self.plan.dial.stays_open,
                wall_s=self._now_s(),
                certainty=self._clock.certainty(),
                floor=self.plan.dial.floor,
            ),
            memory=self.plan.memory,
            observer=self._observe,
            parting=self._parting,
        )
        async with asyncio.TaskGroup() as group:
            counting = group.create_task(self._count_now_and_then(connection))
            report = await dial_session(
                connection,
                link_secret=self._pair.link_secret,
                pseudonym=self._pair.pseudonym,
                setting=setting,
            )
            counting.cancel()
        return report

    def _observe(self, event: Event) -> None:
        if isinstance(event, BundleSent | BundleReceived | PeerRefused) and self._is_used_up:
            if event.offer.priority is Priority.EMERGENCY:
                self._moved.set()
        if isinstance(event, PeerGreeted):
            self.reached = True
            self._greeted()
        elif isinstance(event, BundleReceived):
            self._arriving.discard(event.offer.bundle_id)
        elif isinstance(event, PeerRefused):
            self._refused.add(event.offer.bundle_id)
        elif isinstance(event, BundleProgress) and event.direction is Direction.RECEIVING:
            if event.offer.priority is Priority.EMERGENCY:
                self._arriving.add(event.offer.bundle_id)
        self._watcher.happened(event)

    # Counting, and the end of what may be spent.

    def _note_moved(self) -> None:
        # Once: from then on only an emergency keeps the contact, and its end is heard.
        if not self._is_used_up and self._metered is not None and self._must_end(self._metered):
            self._is_used_up = True
            self._moved.set()

    async def _count_now_and_then(self, connection: Metered) -> None:
        counted = -1
        while True:
            await self._wait_moved()
            if self._must_end(connection) and not await self._has_emergency():
                self._spent_out = True
                self._parting.set()
            if counted != (counted := self._bytes()):
                await self._count()

    async def _wait_moved(self) -> None:
        """Until it is time to count, the allowance is used up, or an emergency is over."""
        try:
            async with asyncio.timeout(COUNT_EVERY_S):
                await self._moved.wait()
        except TimeoutError:
            return
        self._moved.clear()

    def _must_end(self, connection: Metered) -> bool:
        rtt_s = self.plan.memory.rtt_s or connection.properties.rtt_s_guess
        return self._bill.must_end(connection, self._connected_s(), rtt_s=rtt_s)

    async def _has_emergency(self) -> bool:
        """No cap ends a contact that carries one, either way."""
        if self._arriving:
            return True
        pending = [each.offer for each in await self._pair.store.outgoing(RangeSet())]
        return any(
            offer.priority is Priority.EMERGENCY and offer.bundle_id not in self._refused for offer in pending
        )

    async def _count(self) -> None:
        if self._metered is None:
            return
        usd, size_bytes = self._usd(), self._bytes()
        await self._spool.diary.count(
            self._row,
            bytes_up=self._metered.bytes_up,
            bytes_down=self._metered.bytes_down,
            usd=usd,
            reached=self.reached,
            now_s=self._now_s(),
        )
        await self._spool.spending.add(
            self.plan.link.name,
            tick_of(self._clock),
            usd=usd - self._counted_usd,
            size_bytes=size_bytes - self._counted_bytes,
        )
        self._counted_usd, self._counted_bytes = usd, size_bytes

    def _bytes(self) -> int:
        return 0 if self._metered is None else self._metered.bytes_up + self._metered.bytes_down

    def _usd(self) -> float:
        return self._bill.usd(self._metered, self._connected_s())

    def _connected_s(self) -> float:
        """What a carrier bills: dialling is free."""
        return self._clock.monotonic_s() - self._connected_at_s

    def _lasted_s(self) -> float:
        return self._clock.monotonic_s() - self._began_s

    def _now_s(self) -> int:
        return max(0, int(self._clock.wall_s()))

    def _report(self, ended: str, counters: Counters) -> SyncReport:
        return SyncReport(
            link=self.plan.link.name,
            ended=ended,
            complete=ended is NOTHING_LEFT,
            seconds=round(self._lasted_s(), 3),
            bundles_sent=counters.bundles_sent,
            bundles_received=counters.bundles_received,
            bytes_up=self._metered.bytes_up if self._metered else 0,
            bytes_down=self._metered.bytes_down if self._metered else 0,
            payload_up=counters.payload_bytes_sent,
            payload_down=counters.payload_bytes_received,
            bytes_received_twice=counters.duplicate_bytes_received,
            usd=self._usd(),
            failed=ended not in (NOTHING_LEFT, ALLOWANCE_SPENT),
        )


def _disk_trouble(errors: ExceptionGroup[Exception]) -> str:
    """What our own store said. Raises `errors` when it is more than a refusal: a halted store, or our bug."""
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    _, others = errors.split(StoreError)
    if others is not None or errors.subgroup(StoreHalted) is not None:
        raise errors
    return str(first)
