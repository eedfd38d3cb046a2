"""A node or hub at the level of sessions and custody: a disk in memory, and programs that come and go.

The session core, its driver, the datagram transport and the listener are the product's; the application is
small, and does what a real one may: it takes bundles, asks for other seals and seals again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from aiohttp import web

from protocol.ids import BundleId, Pseudonym
from protocol.stamps import Certainty
from simulations.checkers.observations import BundleDelivered
from simulations.virtual.loop import virtual_loop
from simulations.virtual.meddling import Web
from simulations.virtual.network import Network
from simulations.virtual.stream import StreamDialer
from simulations.virtual.tcp_network import cut_after
from simulations.virtual.web_server import answering
from sync.core import Event, LinkMemory, SessionTerms
from sync.driver import SessionReport, Setting, answer_session, dial_session, read_call
from sync.links.callee import Callee
from sync.links.http import HttpConnection, HttpDialer
from sync.links.http_listener import HttpListener
from sync.links.http_path import TURNS_REMEMBERED_S, HttpPath, HttpWay
from sync.links.udp import UdpDialer
from sync.links.udp_listener import UdpListener
from sync.ports import Connection, Dialer, LinkError, LinkRefused, ReceivedBundle
from sync.registry import SessionRegistry

from .content import Content, SealedLabel
from .disk import PAIR, Disk, Store
from .life import Life
from .watched import Watch, watch_store

SECRET: Final = bytes(range(32))
UDP_PORT: Final = 4_700
HUB: Final = "hub"
PAGE: Final = 16
WALL_FROM_S: Final = 1_800_000_000


class VirtualClock:
    """The loop's clock as the engine's port."""

    def monotonic_s(self) -> float:
        return virtual_loop().time()

    def wall_s(self) -> float:
        return WALL_FROM_S + virtual_loop().time()


class Place:
    """One host: its disk, and the life of its programs."""

    def __init__(
        self,
        name: str,
        *,
        network: Network,
        owner: asyncio.TaskGroup,
        content: Content,
        watch: Watch,
        disk: Disk,
        web: Web | None = None,
    ) -> None:
        """`web`: contacts that are not in datagrams go over HTTP instead of bare streams."""
        self.name = name
        self.disk = disk
        self.backups: list[Disk] = []
        self._network = network
        self._owner = owner
        self._web = web
        self._content = content
        self._watch = watch
        self._clock = VirtualClock()
        self._stirred = asyncio.Event()
        self.how_it_went = ""
        """In which way the last contact over HTTP carried its bytes."""
        self.life: Life
        self.store: Store
        self._in_hand: BundleId
        """Which bundle the application is taking."""
        self._memory: LinkMemory
        self._udp: UdpDialer
        self._way: HttpWay
        self.boot()

    # Its life.

    def boot(self) -> None:
        """Start the programs on the disk as it is."""
        self.life = Life(self.name, self._network, self._owner)
        store = self.disk.boot()
        store.take = partial(self._take, store.take)  # type: ignore[method-assign]  # Within the same step.
        self.store = watch_store(store, self.name, self.disk, self._watch, self.life)
        self._memory = LinkMemory()
        self._stirred = asyncio.Event()
        self._stirred.set()
        self._udp = UdpDialer(HUB, UDP_PORT, pseudonym=PAIR, link_secret=SECRET)
        self._way = HttpWay(HttpPath(TURNS_REMEMBERED_S) if self._web and self._web.knows_turns else None)
        self.life.begin(self._apply())
        if self.name == HUB:
            self.life.begin(self._serve())

    def restore(self, backup: Disk) -> None:
        """The disk goes back to a backup, or becomes a copy of another one; the programs do not know."""
        self.life.crash()
        self.disk.close()
        self.disk = backup.copy()
        self.boot()

    def end(self) -> None:
        """The world is over."""
        self.life.crash()
        self.disk.close()

    # Contacts.

    async def call_hub(
        self, *, datagrams: bool, cuts: tuple[int | None, int | None] = (None, None)
    ) -> SessionReport | None:
        """One contact; None when nobody was reached. `Crashed` if this place does."""
        return await self.life.run(self._call(datagrams=datagrams, cuts=cuts))

    async def _call(self, *, datagrams: bool, cuts: tuple[int | None, int | None]) -> SessionReport | None:
        dialer: Dialer = self._udp
        if not datagrams and self._web is not None:
            dialer = self._http(cuts)
        elif not datagrams:
            dialer = StreamDialer(self._network, HUB, cut_after_bytes=cuts)
        try:
            connection = await dialer.dial()
        except LinkError:
            return None
        report = await dial_session(
            connection, link_secret=SECRET, pseudonym=PAIR, setting=self._setting(stays_open=False)
        )
        self._memory = report.memory
        if isinstance(connection, HttpConnection):
            self.how_it_went = connection.described()[0]
        return report

    def _http(self, cuts: tuple[int | None, int | None]) -> HttpDialer:
        self._network.streams.cut(self.name, HUB, (cut_after(cuts[0]), cut_after(cuts[1])))
        link = self._network.wire(self.name, HUB).profile
        return HttpDialer(
            f"http://{HUB}",
            rate_bit_s=int(link.up.rate_bit_s),
            rtt_s=link.rtt_ms / 1000.0,
            way=self._way,
        )

    async def _serve(self) -> None:
        registry = SessionRegistry()
        listener = UdpListener(self._callee, registry)
        async with AsyncExitStack() as stack:
            if self._web is not None:
                app = web.Application()
                HttpListener(self._callee, registry).add_to(app)
                await stack.enter_async_context(answering(app, self.name))
            await self._listen(listener, registry)

    async def _listen(self, listener: UdpListener, registry: SessionRegistry) -> None:
        async with asyncio.TaskGroup() as group:

            def accept(connection: Connection) -> None:
                group.create_task(self._answer(connection, registry))

            self._network.accept(self.name, accept)
            await listener.bind(self.name, UDP_PORT)
            async with listener.answering():
                await virtual_loop().create_future()

    async def _answer(self, connection: Connection, registry: SessionRegistry) -> None:
        try:
            call = await read_call(connection)
        except (LinkError, LinkRefused):
            await connection.close()
            return
        await answer_session(
            connection,
            call,
            link_secret=SECRET,
            registry=registry,
            setting=self._setting(stays_open=True),
        )

    async def _callee(self, _: Pseudonym) -> Callee:
        return Callee(link_secret=SECRET, setting=self._setting(stays_open=True))

    def _setting(self, *, stays_open: bool) -> Setting:
        return Setting(
            store=self.store,
            clock=self._clock,
            terms=SessionTerms(
                stays_open=stays_open, wall_s=int(self._clock.wall_s()), certainty=Certainty.SYNCED
            ),
            memory=self._memory,
            observer=partial(self._happened, self.life),
        )

    def _happened(self, life: Life, event: Event) -> None:
        if not life.alive:
            return  # What is being taken apart has nothing to tell.
        self._stirred.set()
        self._watch.happened(self.name, event)

    # The application.

    async def add(self, label: str) -> None:
        """Put a bundle into custody."""
        await self._add(self._content.of(label))

    async def _add(self, bundle: SealedLabel) -> None:
        await self.store.add(
            bundle_id=bundle.bundle_id,
            priority=bundle.priority,
            rank=bundle.rank,
            recipient_key=bundle.recipient_key,
            dwell_code=22,
            sealed=bundle.sealed,
        )

    async def back_up(self) -> None:
        """A copy that is verified, of which the peer is told what it makes safe."""
        moment = await self.store.begin_backup()
        self.backups.append(self.disk.copy())
        await self.store.note_backup(moment)

    async def prune(self) -> None:
        """Drop all that is safe, the newest too."""
        await self.store.prune(stored_before_s=math.inf, keep_newest=0)

    async def _give_back(self) -> None:
        """What the peer lost of its own, and what is gone here and wanted there: sealed again."""
        for bundle_id in await self.store.without_bytes(PAGE):
            await self._add(self._content.of(self._content.label_of(bundle_id)))
        while asked := await self.store.to_return(PAGE):
            for one in asked:
                await self._add(self._content.returned(one.bundle_id))
            await self.store.mark_returned([one.row for one in asked])

    async def _apply(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            while waiting := await self.store.received_after(0, PAGE):
                for received in waiting:
                    await self._receive(received)
            for asked in await self.store.rekeys():
                bundle = self._content.resealed(asked.bundle_id, asked.recipient_key)
                await self.store.reseal(
                    bundle_id=bundle.bundle_id, recipient_key=bundle.recipient_key, sealed=bundle.sealed
                )
            await self._give_back()

    async def _receive(self, received: ReceivedBundle) -> None:
        bundle_id = received.offer.bundle_id
        wanted_key = self._content.key_wanted(bundle_id)
        if received.offer.recipient_key != wanted_key:
            await self.store.ask_rekey(received.row, wanted_key, "its key is gone")
            return
        self._watch.observe(
            BundleDelivered(
                at_s=virtual_loop().time(),
                place=self.name,
                bundle=bundle_id,
                was_taken=bundle_id in self.disk.taken,
                is_genuine=self._content.is_genuine(bundle_id, received.sealed),
            )
        )
        self._in_hand = bundle_id
        await self.store.take(received.row)

    async def _take(self, take: Callable[[int], Awaitable[None]], row: int) -> None:
        """The application and its store take a bundle in one transaction."""
        await take(row)
        self.disk.taken.add(self._in_hand)
