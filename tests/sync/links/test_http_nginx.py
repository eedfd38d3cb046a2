"""Sessions through a real nginx: as it comes, where they go in turns, and as we recommend it, at once."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sync.core import BundleReceived, BundleSent, Ending, Event
from sync.links.http import HttpDialer
from sync.links.http_path import HttpWay
from sync.signal import Signal
from tests.architecture.checkout import ROOT
from tests.sync.links.test_http_listener import add, opened_store, received, running_hub, sealed_of, talk

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
RECOMMENDED = (ROOT / "docs" / "nginx-hub.conf").read_text(encoding="utf-8")
AS_IT_COMES = """
server {
    listen 8080;
    location / { proxy_pass http://127.0.0.1:8470; }
}
"""
ANSWERS_BUFFERED = """
server {
    listen 8080;
    location / {
        proxy_pass http://127.0.0.1:8470;
        proxy_http_version 1.1;
        proxy_request_buffering off;
    }
}
"""
PATIENCE_S = 40.0
ANSWER_S = 0.5

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(NGINX is None, reason="nginx was not tested: it is not installed."),
]


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@asynccontextmanager
async def nginx(folder: Path, server: str, hub_url: str) -> AsyncIterator[str]:
    """In front of the hub, as this process's child; yields its address."""
    assert NGINX is not None
    port = free_port()
    server = server.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    server = server.replace("http://127.0.0.1:8470", hub_url)
    assert hub_url in server
    places = "\n".join(
        f"{way}_temp_path {folder}/{way};" for way in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log warn;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}\n{server}\n}}\n"
    )
    process = await asyncio.create_subprocess_exec(
        NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")
    )
    try:
        await listens(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def listens(port: int, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise AssertionError("nginx ended before it listened")


@pytest.mark.parametrize(
    ("server", "full_duplex"),
    [(AS_IT_COMES, False), (ANSWERS_BUFFERED, True), (RECOMMENDED, True)],
    ids=["as it comes", "answers buffered", "recommended"],
)
async def test_a_session_moves_everything_once(tmp_path: Path, server: str, full_duplex: bool) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path) as hub,
        opened_store(tmp_path / "n.db") as node,
        nginx(tmp_path, server, hub.url) as url,
    ):
        way = HttpWay()
        for case in ("first", "second"):
            await add(node, f"{case} case", 900)
            await add(node, f"{case} photo", 300_000)
            await add(hub.store, f"{case} reply", 70_000)
            dialer = HttpDialer(url, rtt_s=0.05, way=way, answer_s=ANSWER_S)
            connection = await dialer.dial()
            report = await talk(connection, node)
            assert (report.ending, report.reason) == (Ending.DONE, "nothing was left to do")
            assert report.counters.duplicate_bytes_received == 0
            assert connection.properties.full_duplex is full_duplex
        assert way.is_in_turns(asyncio.get_running_loop().time()) is not full_duplex
        assert (await received(hub.store))[1::2] == [
            sealed_of("first photo", 300_000),
            sealed_of("second photo", 300_000),
        ]
        assert await received(node) == [sealed_of("first reply", 70_000), sealed_of("second reply", 70_000)]
        assert sum(report.counters.duplicate_bytes_received for report in hub.reports) == 0


@pytest.mark.parametrize("server", [AS_IT_COMES, RECOMMENDED], ids=["as it comes", "recommended"])
async def test_an_open_session_brings_news_both_ways_at_once(tmp_path: Path, server: str) -> None:
    heard: asyncio.Queue[Event] = asyncio.Queue()
    parting = Signal()
    async with (
        asyncio.timeout(PATIENCE_S / 2),
        running_hub(tmp_path, stays_open=True) as hub,
        opened_store(tmp_path / "n.db") as node,
        nginx(tmp_path, server, hub.url) as url,
        asyncio.TaskGroup() as group,
    ):
        connection = await HttpDialer(url, rtt_s=0.05, answer_s=ANSWER_S).dial()
        session = group.create_task(
            talk(connection, node, stays_open=True, observer=heard.put_nowait, parting=parting)
        )
        await heard.get()
        for news in ("reply", "second reply"):
            await add(hub.store, news, 300)
            while not isinstance(await heard.get(), BundleReceived):
                continue
        await add(node, "question", 500)
        while not isinstance(await heard.get(), BundleSent):
            continue
        parting.set()
        assert (await session).ending is Ending.PARTED
        assert await received(hub.store) == [sealed_of("question", 500)]
