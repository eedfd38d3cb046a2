"""The hub's end of a measured link: the product's listener over the product's store, and nothing of the hub.

Run as a program: `python -m simulations.bench.links.hub_end SPEC`; it ends with its input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protocol.ids import BundleId, Pseudonym
from sfhub.clock import SystemClock
from sync.core import BundleReceived, Event, SessionTerms
from sync.driver import SessionReport, Setting
from sync.links.callee import Callee, Lookup, Reported
from sync.registry import SessionRegistry
from sync.stores.database import Database
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .spec import LINK_SECRET, PAIR, HubSpec, add, bundle_id_named, read_hub_spec, tell, words


class HubEnd:
    """Custody for whoever calls; tells of each bundle once it is whole on the disk."""

    def __init__(self, spec: HubSpec, store: SqliteStore) -> None:
        self._spec = spec
        self._store = store
        self._answered = bundle_id_named(spec.answers) if spec.answers else None
        self._asked = asyncio.Event()

    async def lookup(self, pseudonym: Pseudonym) -> Callee:
        """Everybody is known here."""
        setting = Setting(
            store=await self._store.pair(pseudonym),
            clock=SystemClock(),
            terms=SessionTerms(stays_open=True),
            observer=self._observe,
        )
        return Callee(link_secret=LINK_SECRET, setting=setting)

    def reported(self, _: Pseudonym, report: SessionReport) -> None:
        """A session is over."""
        tell("session", ending=report.ending.value, twice=report.counters.duplicate_bytes_received)

    async def answer(self) -> None:
        """Add the reply when it is due."""
        reply = self._spec.reply
        if reply is None:
            return
        store: SqlitePairStore = await self._store.pair(PAIR)
        if self._answered is not None:
            await self._asked.wait()
        await add(store, reply)

    def _observe(self, event: Event) -> None:
        if isinstance(event, BundleReceived):
            self._note(event.offer.bundle_id)

    def _note(self, bundle_id: BundleId) -> None:
        tell("stored", bundle=bundle_id.hex())
        if bundle_id == self._answered:
            self._asked.set()


async def run(spec: HubSpec) -> None:
    """Until the input ends."""
    database = await Database.open(Path(spec.folder) / "hub.db", [CUSTODY_SCHEMA])
    try:
        end = HubEnd(spec, SqliteStore(database))
        if not spec.answers:
            await end.answer()
        listening = listening_http if spec.way == "http" else listening_udp
        async with listening(spec, end.lookup, end.reported), asyncio.TaskGroup() as group:
            tell("listening")
            answering = [group.create_task(end.answer())] if spec.answers else []
            await (await words()).read()
            for task in answering:
                task.cancel()
    finally:
        await database.close()


@asynccontextmanager
async def listening_udp(spec: HubSpec, lookup: Lookup, reported: Reported) -> AsyncIterator[None]:
    from sync.links.udp_listener import UdpListener

    listener = UdpListener(lookup, SessionRegistry(), reported=reported)
    await listener.bind(spec.host, spec.port)
    async with listener.answering():
        yield


@asynccontextmanager
async def listening_http(spec: HubSpec, lookup: Lookup, reported: Reported) -> AsyncIterator[None]:
    from aiohttp import web

    from sync.links.http_listener import HttpListener
    from sync.links.sockets import tune_listening

    app = web.Application()
    HttpListener(lookup, SessionRegistry(), reported=reported).add_to(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    if runner.server is None:
        raise RuntimeError("aiohttp set up no server")
    server = await asyncio.get_running_loop().create_server(runner.server, spec.host, spec.port, backlog=512)
    tune_listening(server.sockets)
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(run(read_hub_spec(Path(sys.argv[1]))))
