"""What stands before the pages: silence is ended, floods are slowed, ordinary requests pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aiohttp import web

from sfhub.web.guard import ADDRESSES_REMEMBERED_MAX, CONNECTIONS_PER_ADDRESS_MAX, Doorkeeper, RateLimit
from tests.sfhub.site import TestClock

GET = b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"


async def _hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server whose patience for headers is a twentieth of a second."""
    server = web.Server(_hello)
    listener = await asyncio.get_running_loop().create_server(
        Doorkeeper(server, headers_s=0.05), "127.0.0.1", 0
    )
    yield int(listener.sockets[0].getsockname()[1])
    listener.close()
    await server.shutdown()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: hub\r\n", b"GET / HTTP/1.1\r\nX: \r\n\r"])
async def test_a_caller_who_never_ends_his_headers_is_cut_off(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    with suppress(ConnectionResetError):  # A reset is as good as a quiet end.
        assert await reader.read() == b""
    writer.close()


async def test_headers_in_pieces_are_understood(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for place in range(len(GET)):
        writer.write(GET[place : place + 1])
        await writer.drain()
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
    # Past its deadline the connection goes on serving.
    await asyncio.get_running_loop().create_task(_later(0.06))
    writer.write(GET)
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
    writer.close()


async def _later(delay_s: float) -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(delay_s, done.set)
    await done.wait()


async def test_one_address_cannot_take_every_connection() -> None:
    door = Doorkeeper(asyncio.Protocol)
    admitted = [door.enter("10.0.0.1") for _ in range(CONNECTIONS_PER_ADDRESS_MAX + 1)]
    assert admitted.count(False) == 1
    assert door.enter("10.0.0.2")
    door.leave("10.0.0.1")
    door.leave("10.0.0.1")
    assert door.enter("10.0.0.1")


def test_a_bucket_fills_again_and_addresses_are_forgotten() -> None:
    clock = TestClock()
    limit = RateLimit(clock, burst=2, per_minute=6)
    assert [limit.admits("a") for _ in range(3)] == [True, True, False]
    clock.now_s += 10
    assert [limit.admits("a"), limit.admits("a")] == [True, False]
    for number in range(ADDRESSES_REMEMBERED_MAX + 1):
        limit.admits(f"other {number}")
    assert limit.admits("a")  # Forgotten: memory is bounded, whoever floods.
