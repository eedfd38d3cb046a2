"""Contacts that find nothing new, accounted instead of played: they cost what the last real ones have cost.

Law: accounted is only a contact between two stores that hold nothing for each other, and of which neither has
changed since a real contact between them found nothing to do. Whatever moves anything is really played.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from protocol.ids import Pseudonym
from protocol.ranges import RangeSet
from sfnode.services import contact as node_contact
from sfnode.services.contact import Pair
from simulations.virtual.wire import Wire
from sync.core import Ending, Event
from sync.core.events import PeerGreeted
from sync.driver import SessionReport, Setting, dial_session
from sync.links.rate_memory import RateMemory
from sync.links.udp import UdpDialer
from sync.links.udp_connection import UdpConnection
from sync.ports import Connection, LinkError, LinkProperties, PairStore
from sync.stores.sqlite import SqlitePairStore

from .hub_host import HubHost
from .life import Crashed

PLAYED_EVERY_S: Final = 86_400.0
"""So often one is played all the same: in between clocks drift and keys grow old."""
MEASURED_MAX: Final = 5
"""Real contacts of a pair whose mean stands for the next: where packets are lost, no two cost the same."""
_NOTHING: Final = RangeSet()


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a real contact took."""

    seconds: float
    bytes_up: int
    bytes_down: int


@dataclass(frozen=True, slots=True)
class _Quiet:
    """The last real contact of a pair, which found nothing new."""

    wire: Wire
    between: tuple[object, object]
    """What both stores held, before and after."""
    played_at_s: float
    events: tuple[Event, ...]
    report: SessionReport
    medium: tuple[str, ...]


class IdleContacts:
    """One for a world: knows the last real contacts of all its pairs."""

    def __init__(self, hub: Callable[[], HubHost]) -> None:
        self._hub = hub
        self._quiet: dict[Pseudonym, _Quiet] = {}
        self._costs: dict[tuple[Pseudonym, Wire], deque[_Cost]] = {}
        self._dialled: dict[Pseudonym, tuple[UdpConnection | _Accounted, Wire]] = {}
        self.accounted = 0
        """So many contacts were not played."""
        self.played = 0

    def dialer(self, dialer: UdpDialer, pair: Pair, wire: Wire) -> Watched:
        """`dialer`, which is not used where nothing is new."""
        return Watched(self, dialer, pair, wire)

    async def connection(self, pair: Pair, dialer: UdpDialer, wire: Wire) -> UdpConnection | _Accounted:
        """To the hub, or for a contact that goes without one."""
        cost = await self._foreseen(pair, wire)
        if cost is None:
            self.played += 1
            connection: UdpConnection | _Accounted = await dialer.dial()
        else:
            self.accounted += 1
            connection = _Accounted(dialer.properties, cost, self._quiet[pair.pseudonym].medium)
        self._dialled[pair.pseudonym] = connection, wire
        return connection

    async def converse(
        self, connection: Connection, *, link_secret: bytes, pseudonym: Pseudonym, setting: Setting
    ) -> SessionReport:
        """In place of `dial_session`."""
        dialled, wire = self._dialled.pop(pseudonym)
        if isinstance(dialled, _Accounted):
            return await self._account(dialled, pseudonym, setting)
        stores = (await self._hub_store(pseudonym), _sqlite(setting.store))
        before, began_s = _states(stores), asyncio.get_running_loop().time()
        events: list[Event] = []

        def observe(event: Event) -> None:
            events.append(event)
            setting.observer(event)

        report = await dial_session(
            connection,
            link_secret=link_secret,
            pseudonym=pseudonym,
            setting=replace(setting, observer=observe),
        )
        self._quiet.pop(pseudonym, None)
        if report.ending is Ending.DONE and before is not None and before == _states(stores):
            now_s = asyncio.get_running_loop().time()
            self._quiet[pseudonym] = _Quiet(wire, before, now_s, tuple(events), report, dialled.described())
            cost = _Cost(now_s - began_s, dialled.medium_bytes_up, dialled.medium_bytes_down)
            self._costs.setdefault((pseudonym, wire), deque(maxlen=MEASURED_MAX)).append(cost)
        return report

    async def _foreseen(self, pair: Pair, wire: Wire) -> _Cost | None:
        """What a contact would cost, where it is known to find nothing and to go well."""
        quiet = self._quiet.get(pair.pseudonym)
        if quiet is None or quiet.wire is not wire or not self._hub().machine.life.alive:
            return None
        cost = _mean(self._costs[pair.pseudonym, wire])
        is_old = asyncio.get_running_loop().time() - quiet.played_at_s >= PLAYED_EVERY_S
        if is_old or not wire.serves(cost.seconds):
            return None
        stores = (await self._hub_store(pair.pseudonym), _sqlite(pair.store))
        if _states(stores) != quiet.between:
            return None
        holds = [store for store in stores if await store.outgoing(_NOTHING)]
        return None if holds else cost

    async def _account(self, connection: _Accounted, pseudonym: Pseudonym, setting: Setting) -> SessionReport:
        """What everybody who watches a contact is told of one, at its times."""
        quiet, cost = self._quiet[pseudonym], connection.cost
        connection.medium_bytes_up = cost.bytes_up
        await asyncio.sleep(cost.seconds)
        connection.medium_bytes_down = cost.bytes_down
        quiet.wire.account(cost.bytes_up, cost.bytes_down)
        host = self._hub()
        hub_pair = host.hub.sites.directory.pair_of(pseudonym)
        if hub_pair is not None:
            with suppress(Crashed):  # In this very second: it will have to be heard of again.
                await host.machine.life.run(host.hub.sites.heard(hub_pair))
        for event in quiet.events:
            setting.observer(_dated(event, setting))
        return quiet.report

    async def _hub_store(self, pseudonym: Pseudonym) -> SqlitePairStore:
        return await self._hub().hub.custody.pair(pseudonym)


class Watched:
    """A dialer for datagrams whose contacts are accounted where nothing is new."""

    def __init__(self, idle: IdleContacts, dialer: UdpDialer, pair: Pair, wire: Wire) -> None:
        self.properties: LinkProperties = dialer.properties
        self._idle = idle
        self._dialer = dialer
        self._pair = pair
        self._wire = wire

    @property
    def memory(self) -> RateMemory:
        return self._dialer.memory

    def remember(self, memory: RateMemory) -> None:
        self._dialer.remember(memory)

    async def dial(self) -> Connection:
        return await self._idle.connection(self._pair, self._dialer, self._wire)


class _Accounted:
    """A connection over which nothing goes; it has the figures of one."""

    def __init__(self, properties: LinkProperties, cost: _Cost, medium: tuple[str, ...]) -> None:
        self.properties = properties
        self.cost = cost
        self.medium_bytes_up = 0
        self.medium_bytes_down = 0
        self._medium = medium

    def described(self) -> tuple[str, ...]:
        return self._medium

    async def send(self, data: bytes) -> None:
        raise LinkError("Nothing is sent over a contact that is only accounted.")

    async def receive(self) -> bytes:
        raise LinkError("Nothing is received over a contact that is only accounted.")

    async def finish(self) -> None:
        """Nothing was begun."""

    async def close(self) -> None:
        """Nothing is open."""


@contextmanager
def idle_contacts(hub: Callable[[], HubHost]) -> Iterator[IdleContacts]:
    """While the context lasts, sites that dial with its dialers are spared contacts that find nothing new.

    As with the seeds and the disks, the one place that every contact passes is replaced: the product has no
    switch for it.
    """
    idle = IdleContacts(hub)
    conversing = vars(node_contact)["dial_session"]
    vars(node_contact)["dial_session"] = idle.converse
    try:
        yield idle
    finally:
        vars(node_contact)["dial_session"] = conversing


def _sqlite(store: PairStore) -> SqlitePairStore:
    if not isinstance(store, SqlitePairStore):
        raise TypeError("contacts are accounted between whole sites and their hub only")
    return store


def _states(stores: tuple[SqlitePairStore, SqlitePairStore]) -> tuple[object, object] | None:
    """What both hold; None while one is being changed."""
    hub, site = (store.state for store in stores)
    return None if hub is None or site is None else (hub, site)


def _mean(costs: deque[_Cost]) -> _Cost:
    count = len(costs)
    return _Cost(
        seconds=sum(cost.seconds for cost in costs) / count,
        bytes_up=round(sum(cost.bytes_up for cost in costs) / count),
        bytes_down=round(sum(cost.bytes_down for cost in costs) / count),
    )


def _dated(event: Event, setting: Setting) -> Event:
    """As it is told now."""
    if isinstance(event, PeerGreeted):
        return replace(event, wall_s=max(0, int(setting.clock.wall_s())))
    return event
