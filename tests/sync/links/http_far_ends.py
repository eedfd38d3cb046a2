"""The two ends of one session over HTTP, as processes at the ends of an emulated link."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from aiohttp import web

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym
from sync.core import Ending, SessionTerms
from sync.driver import SessionReport, Setting, dial_session
from sync.links.callee import Callee
from sync.links.http import HttpDialer
from sync.links.http_listener import HttpListener
from sync.links.sockets import tune_listening
from sync.ports import Rank
from sync.registry import SessionRegistry
from sync.stores.memory import MemoryStore

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")


class LoopClock:
    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        return 1_800_000_000.0


async def store_with(size_bytes: int) -> MemoryStore:
    store = MemoryStore(lambda: Incarnation(os.urandom(4)))
    if size_bytes:
        await store.add(
            bundle_id=BundleId(os.urandom(12)),
            priority=Priority.URGENT,
            rank=Rank.TEXT,
            recipient_key=b"kk",
            dwell_code=21,
            sealed=os.urandom(size_bytes),
        )
    return store


async def be_hub(host: str, port: int, down_bytes: int) -> None:
    setting = Setting(
        store=await store_with(down_bytes), clock=LoopClock(), terms=SessionTerms(stays_open=True)
    )
    over = asyncio.Event()

    async def lookup(_: Pseudonym) -> Callee:
        return Callee(link_secret=SECRET, setting=setting)

    app = web.Application()

    def reported(_: Pseudonym, report: SessionReport) -> None:
        if report.ending is Ending.DONE:  # One that the link broke off is followed by another.
            over.set()

    HttpListener(lookup, SessionRegistry(), reported=reported).add_to(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    assert runner.server is not None
    server = await asyncio.get_running_loop().create_server(runner.server, host, port)
    tune_listening(server.sockets)
    print("ready", flush=True)  # noqa: T201 - whoever started this waits for it.
    await over.wait()
    server.close()
    await runner.cleanup()


async def be_site(url: str, rate_bit_s: int, rtt_s: float, up_bytes: int) -> None:
    report = await dial_session(
        await HttpDialer(url, rate_bit_s=rate_bit_s, rtt_s=rtt_s).dial(),
        link_secret=SECRET,
        pseudonym=PAIR,
        setting=Setting(store=await store_with(up_bytes), clock=LoopClock()),
    )
    said = {
        "ending": report.ending.value,
        "received": report.counters.payload_bytes_received,
        "seconds": report.duration_s,
    }
    print(json.dumps(said), flush=True)  # noqa: T201 - the result.


if __name__ == "__main__":
    role, place, *numbers = sys.argv[1:]
    if role == "hub":
        asyncio.run(be_hub(place, int(numbers[0]), int(numbers[1])))
    else:
        asyncio.run(be_site(place, int(numbers[0]), float(numbers[1]), int(numbers[2])))
