"""The relay carries real connections whole, counts what they weigh, and drops them when the link is cut.

Nothing here measures time: the links are fast, and only bytes and orders of events are asserted.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulations.emulator import EmulatorBroken, Mode, NamespaceRefused, RelayRefused, open_link
from simulations.emulator.relay_tcp import HEADER_BYTES, SYN_BYTES
from tests.simulations.emulator.fast_links import fast_link

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A hub that sends everything back and closes when its peer does."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def hub(handler: Handler = echo) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def exchange(address: tuple[str, int], payload: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(reader.read(-1))
        writer.write(payload)
        await writer.drain()
        writer.write_eof()
    writer.close()
    await writer.wait_closed()
    return answer.result()


async def test_a_connection_crosses_whole_and_its_weight_is_counted() -> None:
    payload = os.urandom(300_000)
    async with open_link(fast_link(), mode="relay") as link, hub() as port:
        assert link.mode is Mode.RELAY
        assert link.is_up
        assert await exchange(link.hub_address(port), payload) == payload
        counters = link.counters()
    for way in (counters.up, counters.down):
        segments = -(-len(payload) // (1_500 - HEADER_BYTES))
        least = SYN_BYTES + len(payload) + segments * HEADER_BYTES + HEADER_BYTES
        # Beyond that: acknowledgements, and a header more for each read that did not fill a segment.
        assert least <= way.bytes_sent <= least * 1.15
        assert way.packets_dropped == 0


async def test_losses_are_repeated_until_everything_has_crossed() -> None:
    payload = os.urandom(60_000)
    async with open_link(fast_link(loss=0.2), mode="relay", seed=5) as link, hub() as port:
        answer = await exchange(link.hub_address(port), payload)
        counters = link.counters()
    assert hashlib.sha256(answer).digest() == hashlib.sha256(payload).digest()
    assert counters.up.packets_dropped > 0
    assert counters.up.bytes_sent > len(payload) * 1.1


async def test_a_cut_resets_both_ends_and_after_restore_a_new_connection_works() -> None:
    hub_was_reset = asyncio.Event()

    async def notice_reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except ConnectionResetError:
            hub_was_reset.set()
        finally:
            writer.close()

    async with open_link(fast_link(), mode="relay") as link, hub(notice_reset) as port:
        reader, writer = await asyncio.open_connection(*link.hub_address(port))
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        link.cut()
        assert not link.is_up
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        await hub_was_reset.wait()
        link.restore()
        assert link.is_up
        assert await exchange(link.hub_address(port), b"after") == b"after"


async def test_a_connection_opened_during_a_cut_hangs_and_crosses_once_restored() -> None:
    async with open_link(fast_link(), mode="relay") as link, hub() as port:
        address = link.hub_address(port)
        link.cut()
        before = link.counters()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"knock")
        assert link.counters() == before, "nothing may cross a cut link"
        link.restore()
        assert await reader.readexactly(5) == b"knock"
        writer.close()
        await writer.wait_closed()


async def test_packets_under_way_at_a_cut_are_dropped_and_counted() -> None:
    async with open_link(fast_link(delay_ms=60_000), mode="relay") as link, hub() as port:
        _, writer = await asyncio.open_connection(*link.hub_address(port))
        while link.counters().up_packets_sent == 0:
            pass  # Asking takes the relay round its loop, in which it accepts the connection.
        link.cut()
        up = link.counters().up
        assert (up.packets_sent, up.packets_delivered, up.packets_dropped) == (1, 0, 1)
        assert (up.bytes_sent, up.bytes_dropped) == (SYN_BYTES, SYN_BYTES)
        writer.close()


async def test_a_hub_that_does_not_listen_resets_the_site() -> None:
    async with hub() as port:
        pass
    async with open_link(fast_link(), mode="relay") as link:
        reader, writer = await asyncio.open_connection(*link.hub_address(port))
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()


async def test_a_slow_line_holds_back_the_sender() -> None:
    flood_bytes = 64_000_000
    async with open_link(fast_link(rate_bit_s=8_000), mode="relay") as link, hub() as port:
        loop = asyncio.get_running_loop()
        with socket.socket() as site:
            site.setblocking(False)
            await loop.sock_connect(site, link.hub_address(port))
            accepted_bytes = 0
            for _ in range(2_000):  # Long after every buffer of ours is full, a write must find no room.
                try:
                    accepted_bytes += site.send(bytes(65_536))
                except BlockingIOError:
                    await asyncio.sleep(0)
        counters = link.counters()
    # The kernel's own send buffer is the sender's; the relay adds no more than its queue and socket buffer.
    assert accepted_bytes < flood_bytes / 8
    assert counters.up.bytes_sent <= 65_536 + 2 * 1_500


async def test_datagrams_cross_both_ways_and_weigh_their_headers() -> None:
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as site,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        far.bind(("127.0.0.1", 0))
        far.setblocking(False)
        site.setblocking(False)
        async with open_link(fast_link(), mode="relay") as link:
            relay = link.hub_address(far.getsockname()[1], "udp")
            for size in (1, 1_472, 1_473):
                await loop.sock_sendto(site, bytes(size), relay)
                data, sender = await loop.sock_recvfrom(far, 65_535)
                assert len(data) == size
                await loop.sock_sendto(far, b"ok", sender)
                assert await loop.sock_recv(site, 100) == b"ok"
            counters = link.counters()
    # 1472 bytes fill one packet of 1500; one byte more needs a second IP header.
    assert counters.up.bytes_delivered == (1 + 28) + 1_500 + (1_473 + 8 + 40)
    assert counters.down.bytes_delivered == 3 * 30


async def test_each_sender_gets_its_own_answers() -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.setblocking(False)
        async with open_link(fast_link(), mode="relay") as link:
            relay = link.hub_address(far.getsockname()[1], "udp")
            sites = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
            for number, site in enumerate(sites):
                site.setblocking(False)
                await loop.sock_sendto(site, b"%d" % number, relay)
                data, sender = await loop.sock_recvfrom(far, 100)
                await loop.sock_sendto(far, b"for " + data, sender)
            answers = [await loop.sock_recv(site, 100) for site in sites]
            for site in sites:
                site.close()
    assert answers == [b"for 0", b"for 1", b"for 2"]


async def test_commands_run_as_they_are_and_addresses_are_this_machines() -> None:
    async with open_link(fast_link(), mode="relay") as link:
        assert link.site_command(["sfnode", "sync"]) == ["sfnode", "sync"]
        assert link.hub_command(["sfhub", "serve"]) == ["sfhub", "serve"]
        assert link.hub_listen_host == "127.0.0.1"
        assert link.hub_url_nearby(8_000) == "http://127.0.0.1:8000"
        assert link.hub_url(8_000) == link.hub_url(8_000) != link.hub_url(8_001)
        assert "user-space relay (as asked)" in link.describe()


async def test_the_packet_log_has_a_line_for_each_packet(tmp_path: Path) -> None:
    log = tmp_path / "packets.csv"
    async with open_link(fast_link(), mode="relay", packet_log=log) as link, hub() as port:
        assert await exchange(link.hub_address(port), b"x" * 5_000) == b"x" * 5_000
        counters = link.counters()
    header, *rows = log.read_text(encoding="ascii").splitlines()
    assert header == "time_s,direction,bytes,fate,departs_s,arrives_s"
    up = [row.split(",") for row in rows if row.split(",")[1] == "up"]
    assert sum(int(row[2]) for row in up) >= counters.up.bytes_sent
    assert {row[3] for row in up} == {"arrives"}


async def test_a_packet_log_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(RelayRefused, match="No such file or directory"):
        async with open_link(fast_link(), mode="relay", packet_log=tmp_path / "none" / "log.csv"):
            pass


async def test_a_carrier_that_was_killed_is_reported() -> None:
    async with open_link(fast_link(), mode="relay") as link:
        os.kill(link.carrier_pid, 9)
        with pytest.raises(EmulatorBroken, match="process that carries the link"):
            link.counters()


async def test_without_namespaces_the_relay_is_taken_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # A machine on which nobody finds `ip`.
    async with open_link(fast_link(), mode="auto") as link:
        assert link.mode is Mode.RELAY
        obstacle = "the command ip is not installed (package iproute2)"
        assert (obstacle if os.geteuid() == 0 else "network namespaces need root") in link.describe()


async def test_namespaces_that_were_asked_for_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NamespaceRefused, match=r"cannot be made of network namespaces: .*(root|iproute2)"):
        async with open_link(fast_link(), mode="namespace"):
            pass
