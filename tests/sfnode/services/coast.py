"""A site's contacts in virtual time: its real spool and sessions, and lines to a hub that can go dark."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId, Incarnation, Pseudonym
from sfnode.config import LinkSettings
from sfnode.services.contacts import Contacts
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from simulations.hosts.clock import MachineClock
from sync.core import Event, SessionTerms
from sync.driver import Setting, answer_session, read_call
from sync.links.memory import MemoryConnection, MemoryLinkConditions, memory_link
from sync.ports import ChunkOutcome, Connection, IncomingChunk, LinkError, LinkProperties, Rank
from sync.registry import SessionRegistry
from sync.stores.database import Execution, ThreadFactory
from sync.stores.memory import MemoryStore

PAIRING = Pairing(
    pseudonym=Pseudonym(b"pair"),
    organisation="Example Health",
    hub_name="Main desk",
    site_name="MV ARGO",
    link_secret=bytes(32),
    enrolled_s=1_800_000_000,
)


class Hub(MemoryStore):
    """Custody of the hub, which may have no room for a class."""

    refuses: frozenset[Priority] = frozenset()

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        taken = [chunk for chunk in chunks if chunk.offer.priority not in self.refuses]
        outcomes = dict(zip(taken, await super().persist(taken), strict=True))
        return tuple(outcomes.get(chunk, ChunkOutcome.NO_ROOM) for chunk in chunks)


@dataclass
class Line:
    """One way to the hub."""

    owner: asyncio.TaskGroup
    store: Hub
    registry: SessionRegistry
    clock: MachineClock
    conditions: MemoryLinkConditions
    link_secret: bytes = PAIRING.link_secret
    down: LinkError | None = None
    is_dark: bool = False
    """Nothing comes through either way, and nobody is told."""
    is_delayed: bool = False
    """What is said in the dark is not lost: it comes through afterwards."""
    dial_s: float = 0.0
    """Until somebody answers a dial."""
    dialled: int = 0
    reports: list[str] = field(default_factory=list)
    """How the hub's sessions ended."""

    def __post_init__(self) -> None:
        self.properties: LinkProperties = memory_link(self.conditions, self.conditions)[0].properties

    async def dial(self) -> Connection:
        self.dialled += 1
        await asyncio.sleep(self.dial_s)
        if self.down is not None:
            raise self.down
        near, far = memory_link(self.conditions, self.conditions)
        self.owner.create_task(self._answer(far))
        return _Shaded(near, self)

    async def _answer(self, connection: MemoryConnection) -> None:
        with suppress(LinkError):
            call = await read_call(connection)
            setting = Setting(store=self.store, clock=self.clock, terms=SessionTerms(stays_open=True))
            report = await answer_session(
                connection,
                call,
                link_secret=self.link_secret,
                registry=self.registry,
                setting=setting,
            )
            self.reports.append(report.ending.value)


class _Shaded:
    """The site's end of a line that may be in the dark."""

    def __init__(self, connection: MemoryConnection, line: Line) -> None:
        self.properties = connection.properties
        self._connection = connection
        self._line = line

    async def send(self, data: bytes) -> None:
        await self._until_light()
        if not self._line.is_dark:
            await self._connection.send(data)

    async def receive(self) -> bytes:
        while True:
            data = await self._connection.receive()
            await self._until_light()
            if not self._line.is_dark:
                return data

    async def finish(self) -> None:
        if not self._line.is_dark:
            await self._connection.finish()

    async def close(self) -> None:
        if not self._line.is_dark:
            await self._connection.close()

    async def _until_light(self) -> None:
        while self._line.is_dark and self._line.is_delayed:  # noqa: ASYNC110 - time is virtual.
            await asyncio.sleep(0.05)


class Silent:
    """Watches, and says nothing."""

    def happened(self, event: Event) -> None:
        """Nobody asks."""


@dataclass
class Coast:
    """A spool, its contacts, and the lines by their links' names."""

    spool: Spool
    contacts: Contacts
    clock: MachineClock
    lines: dict[str, Line]
    hub: Hub
    _count: int = 0

    async def queue(self, priority: Priority, size_bytes: int = 800) -> BundleId:
        """A bundle waits for the hub from now on."""
        custody = await self.spool.custody(PAIRING)
        self._count += 1
        bundle_id = BundleId(self._count.to_bytes(BUNDLE_ID_BYTES, "big"))
        await custody.add(
            bundle_id=bundle_id,
            priority=priority,
            rank=Rank.TEXT,
            recipient_key=b"ky",
            dwell_code=20,
            sealed=bytes(size_bytes),
        )
        self.contacts.queued(bundle_id)
        return bundle_id

    async def hub_queues(self, priority: Priority, size_bytes: int = 800) -> None:
        """The hub has something for the site."""
        self._count += 1
        await self.hub.add(
            bundle_id=BundleId(self._count.to_bytes(BUNDLE_ID_BYTES, "little")),
            priority=priority,
            rank=Rank.TEXT,
            recipient_key=b"ky",
            dwell_code=20,
            sealed=bytes(size_bytes),
        )

    async def until_at_hub(self, bundle_id: BundleId) -> float:
        """How long it takes until the hub holds it."""
        began_s = self.clock.monotonic_s()
        while bundle_id not in [each.offer.bundle_id for each in await self.hub.received_after(0, 1_000)]:  # noqa: ASYNC110 - time is virtual.
            await asyncio.sleep(0.05)
        return self.clock.monotonic_s() - began_s

    async def until_reached(self, link: str) -> None:
        """The hub answers over that link."""
        while not self.contacts.ledger.has_worked(link):  # noqa: ASYNC110 - time is virtual.
            await asyncio.sleep(0.05)

    async def outcomes(self) -> list[str]:
        """Of the contacts that ended, the newest first."""
        return [each.outcome for each in await self.spool.diary.newest(50) if each.outcome]


@asynccontextmanager
async def open_coast(
    folder: Path, links: Sequence[LinkSettings], *, execution: Execution | ThreadFactory = Execution.INLINE
) -> AsyncIterator[Coast]:
    """Contacts are made by the rules until it is left."""
    clock = MachineClock()
    hub = Hub(lambda: Incarnation(b"hub1"), wall_s=clock.wall_s)
    registry = SessionRegistry()
    spool = await Spool.open(folder / "spool.db", execution=execution, wall_s=clock.wall_s)
    await spool.pairings.settle(PAIRING)
    async with asyncio.TaskGroup() as group:
        lines = {
            link.name: Line(
                group,
                hub,
                registry,
                clock,
                MemoryLinkConditions(rate_bit_s=link.rate_bit_s, delay_s=link.rtt_s / 2),
            )
            for link in links
        }
        async with contacts_kept(group, spool, clock, links, lines) as contacts:
            yield Coast(spool, contacts, clock, lines, hub)
    await spool.close()


@asynccontextmanager
async def contacts_kept(
    group: asyncio.TaskGroup,
    spool: Spool,
    clock: MachineClock,
    links: Sequence[LinkSettings],
    lines: Mapping[str, Line],
) -> AsyncIterator[Contacts]:
    """Contacts over these lines, by the rules, until it is left."""
    contacts = Contacts(
        spool,
        clock=clock,
        links=links,
        dialer_for=lambda link, pair: lines[link.name],
        watcher_of=lambda pair: Silent(),
        state_changed=lambda: None,
        chance=lambda: 0.5,
    )
    running = group.create_task(contacts.run())
    yield contacts
    running.cancel()
