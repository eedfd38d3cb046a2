"""A hub: a machine that runs the product's hub, and the specialists who work there.

Its socket and signals are left out; sessions come in over simulated datagrams and streams, or by its own web
server where a world goes over HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from protocol.sealing import Sealer
from sfhub.api.operations import perform
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.web.application import build_application
from sfhub.web.guard import Doorkeeper
from simulations.virtual.network import Network
from simulations.virtual.web_server import answering
from sync.driver import answer_session, read_call
from sync.links.udp_listener import UdpListener
from sync.ports import Connection, LinkError, LinkRefused
from sync.registry import SessionRegistry
from sync.stores.errors import StoreError

from .machine import Machine
from .site import UDP_PORT, ObservePair, unobserved

SPECIALIST: Final = "Specialist on duty"

_log = logging.getLogger(__name__)


class HubHost:
    """One hub, its machine and its people."""

    def __init__(
        self,
        name: str,
        root: Path,
        *,
        network: Network,
        owner: asyncio.TaskGroup,
        sealer: Sealer,
        observe_pair: ObservePair = unobserved,
        serves_http: bool = False,
    ) -> None:
        self.machine = Machine(name, root, network=network, owner=owner)
        self.name = name
        self._sealer = sealer
        self._observe_pair = observe_pair
        self._serves_http = serves_http
        self.hub: Hub

    async def boot(self) -> None:
        """Start it. Returns when it answers."""
        self.machine.begin_life()
        ready = asyncio.Event()
        self.machine.life.begin(self._run(ready))
        await self.machine.life.run(_wait(ready))

    async def end(self) -> None:
        """It is told to stop, and finishes what it must."""
        await self.machine.life.end()

    async def reboot(self) -> None:
        """After a crash, on the disk that it left."""
        self.machine.clear_away()
        await self.boot()

    async def ask(self, method: str, **values: Any) -> Any:
        """What a command at the hub is told. Raises as the hub does; `Crashed` if it dies meanwhile."""
        return await self.machine.life.run(perform(self.hub, method, values))

    def prepare(self, hub: Hub) -> None:
        """For heirs: the hub is open and nothing of it runs yet."""

    async def _run(self, ready: asyncio.Event) -> None:
        """A program whose disk refuses to be read, or did not confirm a change, ends; whoever looks after it
        starts it again."""
        try:
            await self._serve(ready)
        except* StoreError:
            if not self.machine.refusals.struck:
                raise
            self.machine.crash()

    async def _serve(self, ready: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            self.hub = hub = await stack.enter_async_context(
                open_hub(
                    HubFolder(self.machine.folder),
                    self.machine.clock,
                    execution=self.machine.thread,
                    sealer=self._sealer,
                )
            )
            for pair in hub.sites.directory.pairs:
                self._observe_pair(pair.site_name, pair.pseudonym, await hub.custody.pair(pair.pseudonym))
            self.prepare(hub)
            registry = SessionRegistry()
            if self._serves_http:
                app = build_application(hub, registry)
                await stack.enter_async_context(answering(app, self.name, door=Doorkeeper))
            listener = UdpListener(hub.contacts.callee, registry, reported=hub.contacts.session_ended)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(work)
                    for work in (
                        hub.ingest.run(),
                        hub.outbox.run(),
                        hub.contacts.run(),
                        hub.returning.run(),
                        hub.prekeys.run(),
                        hub.database.wait_halted(),
                        hub.custody.wait_halted(),
                    )
                ]

                def accept(connection: Connection) -> None:
                    tasks.append(group.create_task(self._answer(connection, registry)))

                self.machine.network.accept(self.name, accept)
                await listener.bind(self.name, UDP_PORT)
                async with listener.answering():
                    ready.set()
                    await asyncio.get_running_loop().create_future()

    async def _answer(self, connection: Connection, registry: SessionRegistry) -> None:
        """As the web server does with a stream that somebody opened."""
        try:
            call = await read_call(connection)
            callee = await self.hub.contacts.callee(call.preamble.pseudonym)
        except (LinkError, LinkRefused, StoreError):
            callee = None
        if callee is None:
            await connection.close()
            return
        try:
            report = await answer_session(
                connection, call, link_secret=callee.link_secret, registry=registry, setting=callee.setting
            )
        except ExceptionGroup as failures:
            _log.error("a session failed", exc_info=failures)
            return
        self.hub.contacts.session_ended(call.preamble.pseudonym, report)


async def _wait(ready: asyncio.Event) -> None:
    await ready.wait()
