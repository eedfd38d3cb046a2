"""Answers through a proxy that buffers them: what a hub has said last is not kept back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from sync.core import Ending
from sync.links.http_listener import PROXY_BUFFER_BYTES

from .test_http_listener import PATIENCE_S, add, opened_store, running_hub, sync


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[tuple[str, bytearray]]:
    """A relay in front of a hub, and what the hub answers through it."""
    answer = bytearray()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: bytearray) -> None:
        # Either end may hang up with its last bytes; what the other one says is heard to its end.
        with suppress(OSError):
            while data := await reader.read(65_536):
                heard += data
                with suppress(OSError):
                    writer.write(data)
                    await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hub_reader, hub_writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pass_on(reader, hub_writer, bytearray()))
                group.create_task(pass_on(hub_reader, writer, answer))
        finally:
            for end in (writer, hub_writer):
                end.transport.abort()
            over.set()

    over = asyncio.Event()
    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}", answer
        await over.wait()
    finally:
        server.close()
        await server.wait_closed()


def chunks(answer: bytes) -> list[int]:
    """Sizes of the chunks of an answer, that which ends it left out."""
    rest, sizes = answer.split(b"\r\n\r\n", 1)[1], []
    while rest:
        line, rest = rest.split(b"\r\n", 1)
        sizes.append(int(line, 16))
        rest = rest[sizes[-1] + 2 :]
    return [size for size in sizes if size]


@pytest.mark.parametrize("reply_bytes", [5_000, 70_000])
async def test_the_last_byte_of_all_that_is_said_follows_in_a_chunk_of_its_own(
    tmp_path: Path, reply_bytes: int
) -> None:
    """nginx looks at what a buffer of its cuts off only when four bytes more are there than the chunk has."""
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path) as hub,
        opened_store(tmp_path / "n.db") as node,
        overheard(hub.url) as (url, answer),
    ):
        await add(hub.store, "reply", reply_bytes)
        assert (await sync(url, node)).ending is Ending.DONE
        sizes = chunks(bytes(answer))
    assert sizes[-1] == 1
    said = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    late = [size for size, until in zip(sizes, said, strict=True) if until - size >= PROXY_BUFFER_BYTES]
    assert set(late[1::2] if late[0] > 1 else late[::2]) == {1}


async def test_a_short_answer_pays_nothing_for_it(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        running_hub(tmp_path) as hub,
        opened_store(tmp_path / "n.db") as node,
        overheard(hub.url) as (url, answer),
    ):
        await add(hub.store, "reply", 200)
        assert (await sync(url, node)).ending is Ending.DONE
    assert 1 not in chunks(bytes(answer))
