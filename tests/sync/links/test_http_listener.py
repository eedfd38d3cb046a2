"""Whole sessions over HTTP between database stores, and callers that get none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import pytest
from aiohttp import web

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from sync.core import BundleReceived, Ending, Event, SessionTerms
from sync.driver import SessionReport, Setting, dial_session
from sync.links.callee import Callee
from sync.links.http import HttpDialer
from sync.links.http_listener import HttpListener
from sync.links.http_path import HttpPath, HttpWay
from sync.ports import Connection, LinkError, Rank
from sync.registry import SessionRegistry
from sync.signal import Signal
from sync.stores.database import Database
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

PATIENCE_S = 20.0
PAIR = Pseudonym(b"ship")
STRANGER = Pseudonym(b"who?")
SECRET = bytes(range(32))
HTTP_BYTES_MAX = 180
"""What HTTP may add to an empty session, both ways together."""

TWICE_BYTES_MAX = 4_096
"""What a cut may cost in bytes received twice."""


class LoopClock:
    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        return 1_800_000_000.0


@dataclass
class Hub:
    url: str
    store: SqlitePairStore
    listener: HttpListener
    reports: list[SessionReport] = field(default_factory=list)


@asynccontextmanager
async def opened_store(path: Path) -> AsyncIterator[SqlitePairStore]:
    database = await Database.open(path, [CUSTODY_SCHEMA])
    try:
        yield await SqliteStore(database).pair(PAIR)
    finally:
        await database.close()


@asynccontextmanager
async def running_hub(
    folder: Path, *, sessions_max: int = 8, preamble_s: float = 10.0, stays_open: bool = False
) -> AsyncIterator[Hub]:
    async with opened_store(folder / "hub.db") as store:
        setting = Setting(store=store, clock=LoopClock(), terms=SessionTerms(stays_open=stays_open))

        async def lookup(pseudonym: Pseudonym) -> Callee | None:
            return Callee(link_secret=SECRET, setting=setting) if pseudonym == PAIR else None

        listener = HttpListener(
            lookup,
            SessionRegistry(),
            sessions_max=sessions_max,
            preamble_s=preamble_s,
            reported=lambda _, report: hub.reports.append(report),
        )
        app = web.Application()
        listener.add_to(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            hub = Hub(f"http://{host}:{port}", store, listener)
            yield hub
        finally:
            await runner.cleanup()


def sealed_of(label: str, size_bytes: int) -> bytes:
    blocks = (blake2b(f"{label}/{block}".encode()).digest() for block in range(size_bytes // 64 + 1))
    return b"".join(blocks)[:size_bytes]


async def add(store: SqlitePairStore, label: str, size_bytes: int) -> None:
    await store.add(
        bundle_id=BundleId(blake2b(label.encode(), digest_size=12).digest()),
        priority=Priority.ROUTINE,
        rank=Rank.TEXT,
        recipient_key=b"k1",
        dwell_code=20,
        sealed=sealed_of(label, size_bytes),
    )


async def sync(
    url: str,
    store: SqlitePairStore,
    *,
    stays_open: bool = False,
    pseudonym: Pseudonym = PAIR,
    observer: Callable[[Event], None] = lambda _: None,
    parting: Signal | None = None,
    in_turns: bool = False,
) -> SessionReport:
    way = HttpWay(HttpPath(in_turns_s=3600.0)) if in_turns else HttpWay()
    return await talk(
        await HttpDialer(url, rtt_s=0.01, way=way).dial(),
        store,
        stays_open=stays_open,
        pseudonym=pseudonym,
        observer=observer,
        parting=parting,
    )


async def talk(
    connection: Connection,
    store: SqlitePairStore,
    *,
    stays_open: bool = False,
    pseudonym: Pseudonym = PAIR,
    observer: Callable[[Event], None] = lambda _: None,
    parting: Signal | None = None,
) -> SessionReport:
    return await dial_session(
        connection,
        link_secret=SECRET,
        pseudonym=pseudonym,
        setting=Setting(
            store=store,
            clock=LoopClock(),
            terms=SessionTerms(stays_open=stays_open),
            observer=observer,
            parting=parting,
        ),
    )


async def settled(condition: Callable[[], bool]) -> None:
    """Let the tasks on the other side of the socket run until it is so."""
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be so")


async def received(store: SqlitePairStore) -> list[bytes]:
    return [bundle.sealed for bundle in await store.received_after(0, 99)]


BOTH_WAYS = pytest.mark.parametrize("in_turns", [False, True], ids=["at once", "in turns"])


@BOTH_WAYS
async def test_a_session_moves_everything_both_ways_and_both_ends_say_so(
    tmp_path: Path, in_turns: bool
) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path) as hub,
        opened_store(tmp_path / "n.db") as node,
    ):
        await add(node, "case", 900)
        await add(node, "photo", 300_000)
        await add(hub.store, "reply", 70_000)
        report = await sync(hub.url, node, in_turns=in_turns)
        assert report.ending is Ending.DONE
        assert await received(hub.store) == [sealed_of("case", 900), sealed_of("photo", 300_000)]
        assert await received(node) == [sealed_of("reply", 70_000)]
        assert await node.outgoing(beside=(await node.open_session()).stored) == ()
        assert report.counters.duplicate_bytes_received == 0
        await settled(lambda: hub.listener.live == 0)
        assert [report.ending for report in hub.reports] == [Ending.DONE]


@BOTH_WAYS
async def test_an_open_session_brings_what_is_added_later_at_once(tmp_path: Path, in_turns: bool) -> None:
    heard: asyncio.Queue[Event] = asyncio.Queue()
    parting = Signal()
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path, stays_open=True) as hub,
        opened_store(tmp_path / "n.db") as node,
        asyncio.TaskGroup() as group,
    ):
        session = group.create_task(
            sync(
                hub.url,
                node,
                stays_open=True,
                observer=heard.put_nowait,
                parting=parting,
                in_turns=in_turns,
            )
        )
        await heard.get()
        await add(hub.store, "reply", 300)
        while not isinstance(await heard.get(), BundleReceived):
            continue
        assert await received(node) == [sealed_of("reply", 300)]
        parting.set()
        assert (await session).ending is Ending.PARTED


@BOTH_WAYS
async def test_the_newest_session_of_a_pair_wins(tmp_path: Path, in_turns: bool) -> None:
    heard: asyncio.Queue[Event] = asyncio.Queue()
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path, stays_open=True) as hub,
        opened_store(tmp_path / "n.db") as node,
        asyncio.TaskGroup() as group,
    ):
        older = group.create_task(
            sync(hub.url, node, stays_open=True, observer=heard.put_nowait, in_turns=in_turns)
        )
        await heard.get()
        await add(node, "case", 500)
        newer = await sync(hub.url, node, in_turns=in_turns)
        assert newer.ending is Ending.DONE
        assert (await older).ending in (Ending.LINK_LOST, Ending.FENCED)
        await settled(lambda: len(hub.reports) == 2)
        assert sorted(report.ending.value for report in hub.reports) == ["done", "fenced"]
        assert await received(hub.store) == [sealed_of("case", 500)]


# Callers that get no session.


@BOTH_WAYS
async def test_a_stranger_is_told_what_to_do(tmp_path: Path, in_turns: bool) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path) as hub,
        opened_store(tmp_path / "n.db") as node,
    ):
        await add(node, "case", 500)
        report = await sync(hub.url, node, pseudonym=STRANGER, in_turns=in_turns)
        assert report.ending is Ending.LINK_LOST
        assert "does not know the site that calls itself 77686f3f" in report.reason
        assert "enrol this site again" in report.reason
        assert await received(hub.store) == []
        assert len(await node.outgoing(beside=(await node.open_session()).stored)) == 1


@BOTH_WAYS
async def test_one_caller_too_many_is_told_to_come_back(tmp_path: Path, in_turns: bool) -> None:
    heard: asyncio.Queue[Event] = asyncio.Queue()
    parting = Signal()
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path, sessions_max=1, stays_open=True) as hub,
        opened_store(tmp_path / "n.db") as node,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(sync(hub.url, node, stays_open=True, observer=heard.put_nowait, parting=parting))
        await heard.get()
        refused = await sync(hub.url, node, in_turns=in_turns)
        assert "as many sites as it can" in refused.reason
        parting.set()
    assert hub.listener.live == 0


REQUEST = b"POST /sync HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n"


async def answer_to(url: str, data: bytes) -> bytes:
    """What a caller hears who sends this, and then nothing more."""
    reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
    try:
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head + await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("said", [b"", b"3\r\n\x01sh\r\n"])
async def test_a_caller_who_never_says_who_it_is_is_let_go(tmp_path: Path, said: bytes) -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub(tmp_path, preamble_s=0.05) as hub:
        answer = await answer_to(hub.url, REQUEST + said)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"did not say in time who it is" in answer
        assert hub.listener.live == 0


async def test_another_protocol_is_refused_in_words(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub(tmp_path) as hub:
        answer = await answer_to(hub.url, REQUEST + b"11\r\n\x09" + bytes(16) + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"speaks version 9" in answer
        assert b"hung up" in await answer_to(hub.url, REQUEST + b"0\r\n\r\n")


async def test_a_caller_who_hangs_up_early_leaves_nothing_behind(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub(tmp_path) as hub:
        _, writer = await asyncio.open_connection(*hub.url.removeprefix("http://").split(":"))
        writer.write(REQUEST)
        await writer.drain()
        await settled(lambda: hub.listener.live == 1)
        writer.transport.abort()
        await settled(lambda: hub.listener.live == 0)
        assert hub.reports == []


# The price.


@asynccontextmanager
async def counted(
    url: str, cut_after_bytes: float = float("inf")
) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """A relay in front of a hub that counts what TCP carries, and breaks both ways after so much of it."""
    carried = {"up": 0, "down": 0}

    async def pass_on(way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1_000):
            carried[way] += len(data)
            if sum(carried.values()) > cut_after_bytes:
                raise BrokenPipeError
            writer.write(data)
            await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hub_reader, hub_writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pass_on("up", reader, hub_writer))
                group.create_task(pass_on("down", hub_reader, writer))
        except* OSError:
            for end in (writer, hub_writer):
                end.transport.abort()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}", carried
    finally:
        server.close()
        await server.wait_closed()


@BOTH_WAYS
@pytest.mark.parametrize("cut_after_bytes", [0, 100, 200, 400, 1_500, 5_000, 20_000, 60_000, 130_000])
async def test_a_session_cut_anywhere_goes_on_in_the_next(
    tmp_path: Path, cut_after_bytes: int, in_turns: bool
) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path) as hub,
        opened_store(tmp_path / "n.db") as node,
    ):
        await add(node, "photo", 100_000)
        await add(hub.store, "reply", 40_000)
        async with counted(hub.url, cut_after_bytes) as (url, carried):
            cut = await sync(url, node, in_turns=in_turns)
        assert cut.ending is Ending.LINK_LOST
        assert sum(carried.values()) > cut_after_bytes
        rest = await sync(hub.url, node, in_turns=in_turns)
        assert rest.ending is Ending.DONE
        assert await received(hub.store) == [sealed_of("photo", 100_000)]
        assert await received(node) == [sealed_of("reply", 40_000)]
        await settled(lambda: hub.listener.live == 0)
        twice = [*hub.reports, cut, rest]
        assert sum(report.counters.duplicate_bytes_received for report in twice) <= TWICE_BYTES_MAX


async def test_an_empty_session_costs_little(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path) as hub,
        opened_store(tmp_path / "n.db") as node,
        counted(hub.url) as (url, carried),
    ):
        report = await sync(url, node)
        assert report.ending is Ending.DONE
        await settled(lambda: len(hub.reports) == 1)
    session_bytes = report.counters.link_bytes_sent + report.counters.link_bytes_received
    http_bytes = carried["up"] + carried["down"] - session_bytes
    assert session_bytes > 0
    assert 0 < http_bytes <= HTTP_BYTES_MAX


async def test_the_first_flight_leaves_in_one_piece_with_the_headers(tmp_path: Path) -> None:
    async def first_piece(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pieces.put_nowait(await reader.read(65_536))
        writer.close()

    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    server = await asyncio.start_server(first_piece, "127.0.0.1", 0)
    async with asyncio.timeout(PATIENCE_S):
        host, port = server.sockets[0].getsockname()
        connection = await HttpDialer(f"http://{host}:{port}").dial()
        await connection.send(b"first flight")
        piece = await pieces.get()
        assert piece.startswith(b"POST /sync HTTP/1.1\r\nHost: ")
        assert piece.endswith(b"\r\n\r\nc\r\nfirst flight\r\n")
        with pytest.raises(LinkError):
            await connection.receive()
        await connection.close()
        server.close()
        await server.wait_closed()
