"""What an open session that has nothing to do costs the hub in memory: a real process, many real callers."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Final

from protocol.ids import Incarnation, Pseudonym
from sfhub.clock import SystemClock
from simulations.bench.rows import Row
from sync.core import Event, PeerGreeted, SessionTerms
from sync.driver import Setting, dial_session
from sync.ports import Connection
from sync.signal import Signal
from sync.stores.memory import MemoryStore

from .end_process import EndProcess, end_process
from .line import free_local_port
from .scenario import HTTP, UDP
from .spec import LINK_SECRET, HubSpec, write_spec

SESSIONS: Final = 200
WARM_UP: Final = 40
"""Callers before the first weighing, so that what only the first ones cost is not counted."""
REACH_KB: Final = 50.0
_SETTLED_S: Final = 3.0
_GREETED_S: Final = 60.0
_HUB: Final = "simulations.bench.links.hub_end"
_HOST: Final = "127.0.0.1"


async def idle_rows() -> list[Row]:
    """Kilobytes for each of `SESSIONS`, over both links; loopback serves, as nothing moves."""
    return [
        Row(
            name=f"one idle open session, {way}",
            value=await _kilobytes_each(way),
            unit="kB",
            reach=REACH_KB,
        )
        for way in (UDP, HTTP)
    ]


async def _kilobytes_each(way: str) -> float:
    port = free_local_port()
    with tempfile.TemporaryDirectory(prefix="sf-bench-") as folder:
        spec = Path(folder) / "hub.json"
        write_spec(HubSpec(folder=folder, way=way, host=_HOST, port=port), spec)
        async with end_process(_HUB, spec, list) as hub:
            await hub.wait_for("listening")
            async with asyncio.TaskGroup() as group:
                callers = _Callers(way, port, group)
                await callers.call(WARM_UP)
                before = _resident_bytes(hub)
                await callers.call(SESSIONS)
                after = _resident_bytes(hub)
                callers.part()
    return (after - before) / SESSIONS / 1000


class _Callers:
    """Sites that call, are greeted, and then have nothing more to say."""

    def __init__(self, way: str, port: int, group: asyncio.TaskGroup) -> None:
        self._way = way
        self._port = port
        self._group = group
        self._count = 0
        self._parting = Signal()

    async def call(self, count: int) -> None:
        """So many more; returns when all are greeted and the hub has come to rest."""
        for _ in range(count):
            self._count += 1
            greeted = asyncio.Event()
            self._group.create_task(self._stay(Pseudonym(self._count.to_bytes(4, "big")), greeted))
            async with asyncio.timeout(_GREETED_S):
                await greeted.wait()
        await asyncio.sleep(_SETTLED_S)

    def part(self) -> None:
        """All of them."""
        self._parting.set()

    async def _stay(self, pseudonym: Pseudonym, greeted: asyncio.Event) -> None:
        def observe(event: Event) -> None:
            if isinstance(event, PeerGreeted):
                greeted.set()

        setting = Setting(
            store=MemoryStore(lambda: Incarnation(os.urandom(4))),
            clock=SystemClock(),
            terms=SessionTerms(stays_open=True),
            observer=observe,
            parting=self._parting,
        )
        connection = await self._dial(pseudonym)
        await dial_session(connection, link_secret=LINK_SECRET, pseudonym=pseudonym, setting=setting)

    async def _dial(self, pseudonym: Pseudonym) -> Connection:
        if self._way == HTTP:
            from sync.links.http import HttpDialer

            return await HttpDialer(f"http://{_HOST}:{self._port}").dial()
        from sync.links.udp import UdpDialer

        dialer = UdpDialer(_HOST, self._port, pseudonym=pseudonym, link_secret=LINK_SECRET)
        return await dialer.dial()


def _resident_bytes(hub: EndProcess) -> int:
    pages = int(Path(f"/proc/{hub.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
