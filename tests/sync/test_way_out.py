"""A dialer that is told a way out takes it and no other: seen from the far end, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from sync.links.http import HttpDialer
from sync.links.udp import UdpDialer
from sync.ports import LinkError
from sync.way_out import MalformedWayOut, WayOut, bind_to, parse_way_out
from tests.sync.links.test_udp import NOTE, PAIR, SECRET

PATIENCE_S = 10.0
OTHER: WayOut = parse_way_out("127.0.0.2")
NOWHERE: WayOut = parse_way_out("192.0.2.7")
"""A documentation address: no machine has it."""
LOOPBACK: WayOut = parse_way_out("lo")
NO_INTERFACE: WayOut = parse_way_out("none0")


@pytest.mark.parametrize("text", ["10.0.0.4", "::1", "fe80::1", "eth1", "wwan0", "br-lan.12", "ppp0"])
def test_addresses_and_interfaces_are_ways_out(text: str) -> None:
    assert parse_way_out(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0.300", "10.0.0", "eth 1", "a/b", "sixteen-letters!", "http://x", "10.0.0.4:80", "\x00"],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(MalformedWayOut) as refused:
        parse_way_out(text)
    assert repr(text) in str(refused.value)


async def caller_over_http(way_out: WayOut | None) -> str:
    """Where the far end saw the call come from."""
    called: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not called.done():
            called.set_result(writer.get_extra_info("peername")[0])
        writer.transport.abort()

    async with asyncio.timeout(PATIENCE_S), await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        connection = await HttpDialer(f"http://{host}:{port}", way_out=way_out).dial()
        try:
            return await called
        finally:
            await connection.close()


class FarEnd(asyncio.DatagramProtocol):
    """Notes where the first datagram came from."""

    def __init__(self) -> None:
        self.called: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.called.done():
            self.called.set_result(addr[0])


async def caller_over_udp(way_out: WayOut | None) -> str:
    loop = asyncio.get_running_loop()
    bound, far_end = await loop.create_datagram_endpoint(FarEnd, local_addr=("127.0.0.1", 0))
    host, port = bound.get_extra_info("sockname")
    try:
        async with asyncio.timeout(PATIENCE_S):
            dialer = UdpDialer(host, port, pseudonym=PAIR, link_secret=SECRET, way_out=way_out)
            connection = await dialer.dial()
            await connection.send(bytes((NOTE, 1)) + b"!")
            try:
                return await far_end.called
            finally:
                await connection.close()
    finally:
        bound.close()


Calling = Callable[[WayOut | None], Awaitable[str]]
both_links = pytest.mark.parametrize("caller", [caller_over_http, caller_over_udp])


@both_links
async def test_packets_leave_from_the_address_that_was_named(caller: Calling) -> None:
    assert await caller(None) == "127.0.0.1"
    assert await caller(OTHER) == "127.0.0.2"


@both_links
async def test_packets_leave_by_the_interface_that_was_named(caller: Calling) -> None:
    with socket.socket() as tried:
        try:
            bind_to(tried, LOOPBACK)
        except PermissionError:
            pytest.skip("this kernel lets only root name an interface")
    assert await caller(LOOPBACK) == "127.0.0.1"


@both_links
@pytest.mark.parametrize("missing", [NOWHERE, NO_INTERFACE])
async def test_a_way_out_that_is_not_there_fails_the_dial_and_no_other_is_taken(
    caller: Calling, missing: WayOut
) -> None:
    with pytest.raises(LinkError) as failed:
        await caller(missing)
    assert f"nothing can leave by {missing} here" in str(failed.value)
    assert "What was receipted is safe" in str(failed.value)
