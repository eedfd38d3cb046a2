"""One contact with the hub: dialled, run as a session, watched, and written into the diary.

Law: whatever link and hub do, a contact ends in a report; what was stored on either side stays stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from protocol.ids import Pseudonym
from sfnode.config import LinkSettings
from sfnode.spool.diary import Diary
from sfnode.views import SyncReport
from sync.core import Counters, Ending, LinkMemory, SessionTerms
from sync.core.events import Event, PeerGreeted
from sync.driver import SessionReport, Setting, dial_session
from sync.ports import Connection, Counting, Described, Dialer, LinkError, LinkProperties, PairStore
from sync.stores.errors import StoreError, StoreHalted

from .clock import SiteClock
from .retry import RETRY_RULE, dial_patiently

COUNT_EVERY_S: Final = 1.0
"""How often a contact under way is counted in the diary: so much a killed process forgets of its bill."""
NOTHING_LEFT: Final = "nothing left to do"


class Watcher(Protocol):
    """Told what happens in a session, in order; must not raise or block."""

    def happened(self, event: Event) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Whom to talk to, and whose custody it concerns."""

    pseudonym: Pseudonym
    link_secret: bytes
    store: PairStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactOutcome:
    """How a contact went, and what the next one may know."""

    report: SyncReport
    ending: Ending | None
    """None when nobody answered."""
    memory: LinkMemory


class Metered:
    """A connection that counts every byte handed to the medium or taken from it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.properties: LinkProperties = connection.properties
        self._bytes_up = 0
        self._bytes_down = 0

    @property
    def bytes_up(self) -> int:
        """As the medium counts them, where it can."""
        return self._connection.medium_bytes_up if isinstance(self._connection, Counting) else self._bytes_up

    @property
    def bytes_down(self) -> int:
        connection = self._connection
        return connection.medium_bytes_down if isinstance(connection, Counting) else self._bytes_down

    async def send(self, data: bytes) -> None:
        # Counted first: what a broken link swallowed may still be on the bill.
        self._bytes_up += len(data)
        await self._connection.send(data)

    async def receive(self) -> bytes:
        data = await self._connection.receive()
        self._bytes_down += len(data)
        return data

    def described(self) -> tuple[str, ...]:
        return self._connection.described() if isinstance(self._connection, Described) else ()

    async def finish(self) -> None:
        await self._connection.finish()

    async def close(self) -> None:
        await self._connection.close()


class Contact:
    """One attempt, and the session that comes of it."""

    def __init__(
        self,
        pair: Pair,
        dialer: Dialer,
        link: LinkSettings,
        *,
        diary: Diary,
        clock: SiteClock,
        watcher: Watcher,
        stays_open: bool,
        memory: LinkMemory,
        greeted: Callable[[], None],
    ) -> None:
        self._pair = pair
        self._dialer = dialer
        self._link = link
        self._diary = diary
        self._clock = clock
        self._watcher = watcher
        self._memory = memory
        self._greeted = greeted
        self.reached = False
        self.outcome: ContactOutcome | None = None
        """None while it is under way."""
        self._metered: Metered | None = None
        self._row = 0
        self.stays_open = stays_open
        self.parting = asyncio.Event()
        """Set it to end the session at the next good moment."""

    @property
    def medium(self) -> tuple[str, ...]:
        """How the bytes travel, in short lines; empty before anybody was reached."""
        return self._metered.described() if self._metered is not None else ()

    async def run(self) -> ContactOutcome:
        """Raises `StoreHalted` when our own disk is not to be trusted any more, and nothing else."""
        self.outcome = await self._run()
        return self.outcome

    async def _run(self) -> ContactOutcome:
        began_s = self._clock.monotonic_s()
        self._row = await self._diary.begin(link=self._link.name, now_s=self._now_s())
        try:
            self._metered = Metered(await dial_patiently(self._dialer.dial, RETRY_RULE))
        except LinkError as error:
            return await self._failed(str(error), began_s)
        try:
            session = await self._converse(self._metered)
        except ExceptionGroup as errors:
            return await self._failed(_disk_trouble(errors), began_s)
        ended = NOTHING_LEFT if session.ending is Ending.DONE else session.reason
        await self._end(ended)
        report = self._report(ended, session.counters, self._clock.monotonic_s() - began_s)
        return ContactOutcome(report=report, ending=session.ending, memory=session.memory)

    async def _failed(self, reason: str, began_s: float) -> ContactOutcome:
        await self._end(reason)
        report = self._report(reason, Counters(), self._clock.monotonic_s() - began_s)
        return ContactOutcome(report=report, ending=None, memory=self._memory)

    async def _end(self, outcome: str) -> None:
        await self._count()
        await self._diary.end(self._row, outcome=outcome, now_s=self._now_s())

    async def _converse(self, connection: Metered) -> SessionReport:
        setting = Setting(
            store=self._pair.store,
            clock=self._clock,
            terms=SessionTerms(
                stays_open=self.stays_open,
                wall_s=self._now_s(),
                certainty=self._clock.certainty(),
            ),
            memory=self._memory,
            observer=self._observe,
            parting=self.parting,
        )
        async with asyncio.TaskGroup() as group:
            counting = group.create_task(self._count_now_and_then())
            report = await dial_session(
                connection,
                link_secret=self._pair.link_secret,
                pseudonym=self._pair.pseudonym,
                setting=setting,
            )
            counting.cancel()
        return report

    def _observe(self, event: Event) -> None:
        if isinstance(event, PeerGreeted):
            self.reached = True
            self._greeted()
        self._watcher.happened(event)

    async def _count_now_and_then(self) -> None:
        counted = -1
        while True:
            await asyncio.sleep(COUNT_EVERY_S)
            if counted != (counted := self._bytes()):
                await self._count()

    async def _count(self) -> None:
        if self._metered is not None:
            await self._diary.count(
                self._row,
                bytes_up=self._metered.bytes_up,
                bytes_down=self._metered.bytes_down,
                usd=self._usd(),
                reached=self.reached,
                now_s=self._now_s(),
            )

    def _bytes(self) -> int:
        return 0 if self._metered is None else self._metered.bytes_up + self._metered.bytes_down

    def _usd(self) -> float:
        return self._bytes() * self._link.usd_per_megabyte / 1e6

    def _now_s(self) -> int:
        return max(0, int(self._clock.wall_s()))

    def _report(self, ended: str, counters: Counters, seconds: float) -> SyncReport:
        return SyncReport(
            link=self._link.name,
            ended=ended,
            complete=ended is NOTHING_LEFT,
            seconds=round(seconds, 3),
            bundles_sent=counters.bundles_sent,
            bundles_received=counters.bundles_received,
            bytes_up=self._metered.bytes_up if self._metered else 0,
            bytes_down=self._metered.bytes_down if self._metered else 0,
            payload_up=counters.payload_bytes_sent,
            payload_down=counters.payload_bytes_received,
            bytes_received_twice=counters.duplicate_bytes_received,
            usd=self._usd(),
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
