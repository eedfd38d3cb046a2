"""TCP in memory keeps what TCP promises, whatever its wire does, and breaks as TCP does."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

import pytest

from simulations.virtual.loop import run_virtual, virtual_loop
from simulations.virtual.network import Network
from simulations.virtual.tcp_network import cut_after
from simulations.virtual.tcp_socket import MemorySocket
from simulations.virtual.wire import Mischief, Wire
from sync.links.light_search import LightSearch
from sync.links.sockets import settings_of, tuned_socket
from sync.links.tcp_info import progress_of, unacknowledged_bytes

from .tcp_hosts import HUB, SITE, Talker, at, dial, joined, listen, profile

BULK = random.Random(1).randbytes(60_000)


def test_bytes_arrive_in_order_and_at_the_rate_of_the_link() -> None:
    async def play(_: Network, dialer: Talker, listener: Talker) -> float:
        began_s = virtual_loop().time()
        dialer.transport.write(BULK)
        listener.transport.write(b"meanwhile")
        dialer.transport.write_eof()
        listener.keeps_open = True
        await listener.end_heard.wait()
        assert (listener.heard, dialer.heard) == (BULK, b"meanwhile")
        assert (listener.hosts, dialer.hosts) == ({HUB}, {SITE})
        return virtual_loop().time() - began_s

    ideal_s = len(BULK) * 8 * 1_500 / 1_460 / 64_000 + 0.3
    assert joined(play) == pytest.approx(ideal_s, rel=0.03)


@pytest.mark.parametrize(
    ("loss", "mischief"),
    [
        (0.2, Mischief()),
        (0.0, Mischief(duplicates=0.2, replays=0.2)),
        (0.0, Mischief(overtakes=0.3)),
        (0.0, Mischief(flips=0.3)),
        (0.1, Mischief(duplicates=0.1, overtakes=0.1, flips=0.1)),
    ],
)
def test_whatever_the_wire_does_each_byte_comes_once(loss: float, mischief: Mischief) -> None:
    async def play(_: Network, dialer: Talker, listener: Talker) -> tuple[bytes, bytes]:
        dialer.transport.write(BULK)
        listener.transport.write(BULK[::-1])
        await asyncio.sleep(600.0)
        return listener.heard, dialer.heard

    assert joined(play, profile(loss=loss), mischief) == (BULK, BULK[::-1])


def test_who_writes_is_held_back_and_goes_on() -> None:
    async def play(_: Network, dialer: Talker, listener: Talker) -> None:
        listener.transport.pause_reading()
        dialer.transport.write(BULK * 5)
        await asyncio.sleep(60.0)
        assert dialer.is_paused
        assert listener.heard == b""
        listener.transport.resume_reading()
        await asyncio.sleep(60.0)
        assert not dialer.is_paused
        assert listener.heard == BULK * 5

    joined(play)


def test_what_was_written_before_closing_arrives_and_both_hear_of_the_end() -> None:
    async def play(_: Network, dialer: Talker, listener: Talker) -> None:
        dialer.transport.write(BULK)
        dialer.transport.close()
        assert await dialer.lost is None
        assert await listener.lost is None
        assert listener.heard == BULK

    joined(play)


def test_who_closes_with_something_unread_resets() -> None:
    async def play(_: Network, dialer: Talker, listener: Talker) -> None:
        listener.transport.pause_reading()
        dialer.transport.write(b"unread")
        await asyncio.sleep(2.0)
        listener.transport.close()
        assert isinstance(await dialer.lost, ConnectionResetError)

    joined(play)


def test_what_comes_for_somebody_who_has_closed_is_refused() -> None:
    async def play(_: Network, dialer: Talker, listener: Talker) -> None:
        dialer.keeps_open = True
        listener.transport.close()
        await asyncio.sleep(2.0)
        dialer.transport.write(b"too late")
        assert isinstance(await dialer.lost, ConnectionResetError)

    joined(play)


def test_a_wish_to_reset_on_closing_is_obeyed() -> None:
    async def play(_: Network, dialer: Talker, listener: Talker) -> None:
        target = dialer.transport.get_extra_info("socket")
        target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        dialer.transport.write(BULK)
        dialer.transport.abort()
        assert isinstance(await listener.lost, ConnectionResetError)
        assert listener.heard != BULK

    joined(play)


def test_in_the_dark_the_patience_that_was_set_ends_the_connection() -> None:
    async def play(network: Network, dialer: Talker, listener: Talker) -> None:
        target = dialer.transport.get_extra_info("socket")
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 120_000)
        network.wire(SITE, HUB).cut()
        began_s = virtual_loop().time()
        dialer.transport.write(b"into the dark")
        await asyncio.sleep(30.0)
        assert progress_of(target).has_timed_out
        assert unacknowledged_bytes(target) == 13
        error = await dialer.lost
        assert isinstance(error, TimeoutError)
        assert 120.0 < dialer.lost_at - began_s < 200.0
        assert not listener.lost.done()

    joined(play)


def test_after_a_darkness_what_was_written_goes_on() -> None:
    async def play(network: Network, dialer: Talker, listener: Talker) -> None:
        network.wire(SITE, HUB).cut()
        dialer.transport.write(BULK)
        await asyncio.sleep(60.0)
        network.wire(SITE, HUB).restore()
        await asyncio.sleep(120.0)
        assert listener.heard == BULK
        target = dialer.transport.get_extra_info("socket")
        assert not progress_of(target).has_timed_out
        assert progress_of(target).acknowledged_bytes == len(BULK) + 1
        assert unacknowledged_bytes(target) == 0

    joined(play)


def test_a_dead_host_is_silent_and_refuses_once_it_runs_again() -> None:
    async def play(network: Network, dialer: Talker, listener: Talker) -> None:
        network.sever(HUB)
        await asyncio.sleep(0.0)
        assert listener.lost.done()
        dialer.transport.write(b"is anybody there")
        await asyncio.sleep(20.0)
        assert not dialer.lost.done()
        await listen([])
        assert isinstance(await dialer.lost, ConnectionResetError)

    joined(play)


@pytest.mark.parametrize(("up", "heard_bytes"), [(0, 0), (1, 1), (1_460, 1_460), (7_777, 7_777)])
def test_a_connection_breaks_behind_any_byte_and_once(up: int, heard_bytes: int) -> None:
    async def main() -> None:
        network = virtual_loop().network
        network.join(SITE, HUB, Wire(profile(), seed=1))
        network.streams.cut(SITE, HUB, (cut_after(up), cut_after(None)))
        accepted: list[Talker] = []
        await listen(accepted)
        for _ in range(2):
            dialer = await at(SITE, dial())
            dialer.transport.write(BULK)
            await asyncio.sleep(30.0)
        assert isinstance(await accepted[0].lost, ConnectionResetError)
        assert [len(each.heard) for each in accepted] == [heard_bytes, len(BULK)]

    run_virtual(main(), network=Network())


def test_opening_is_refused_answered_late_or_given_up_as_by_a_kernel() -> None:
    async def main() -> None:
        network = virtual_loop().network
        network.join(SITE, HUB, Wire(profile(), seed=1))
        began_s = virtual_loop().time()
        with pytest.raises(TimeoutError):  # Nothing runs there.
            await at(SITE, dial())
        assert 60.0 < virtual_loop().time() - began_s < 70.0
        server = await listen([])
        server.close()
        await at(HUB, virtual_loop().create_datagram_endpoint(asyncio.DatagramProtocol, (HUB, 1)))
        with pytest.raises(ConnectionRefusedError):
            await at(SITE, dial())
        accepted: list[Talker] = []
        await listen(accepted)
        network.wire(SITE, HUB).cut()
        dialling = at(SITE, dial())
        await asyncio.sleep(10.0)
        network.wire(SITE, HUB).restore()
        await dialling
        with pytest.raises(OSError, match="unreachable"):
            await at(SITE, dial(hub="nowhere"))
        with pytest.raises(OSError, match="in use"):
            await listen([])

    run_virtual(main(), network=Network())


def test_one_in_between_answers_in_the_place_of_the_hub() -> None:
    async def main() -> None:
        network = virtual_loop().network
        network.join(SITE, HUB, Wire(profile(), seed=1))
        at_hub: list[Talker] = []
        between: list[Talker] = []
        await listen(at_hub)
        await listen(between, "between")
        network.streams.put_between(SITE, HUB, "between")
        (await at(SITE, dial())).transport.write(b"hello")
        await asyncio.sleep(5.0)
        network.streams.put_between(SITE, HUB, None)
        (await at(SITE, dial())).transport.write(b"hub")
        await asyncio.sleep(5.0)
        assert [each.heard for each in between] == [b"hello"]
        assert [each.heard for each in at_hub] == [b"hub"]
        assert between[0].hosts == {"between"}

    run_virtual(main(), network=Network())


def test_the_products_own_sockets_are_in_memory_and_no_others_pass() -> None:
    async def main() -> None:
        made = tuned_socket(2_400, socket.AF_INET, socket.SOCK_STREAM, 0, segment_bytes=628)
        assert isinstance(made, MemorySocket)
        settings = settings_of(made)
        assert (settings.congestion_control, settings.segment_bytes_max) == ("cubic", 628)
        assert settings.user_timeout_s == 120.0
        with pytest.raises(OSError, match="not connected"):
            made.getpeername()
        with socket.socket() as real, pytest.raises(TypeError, match="virtual time"):
            await virtual_loop().sock_connect(real, (HUB, 80))

    run_virtual(main(), network=Network())
    with tuned_socket(2_400, socket.AF_INET, socket.SOCK_STREAM, 0) as real:
        assert not isinstance(real, MemorySocket)


def test_connections_have_no_tls() -> None:
    async def main() -> None:
        virtual_loop().network.join(SITE, HUB, Wire(profile(), seed=1))
        await listen([])
        with pytest.raises(ValueError, match="no TLS"):
            await virtual_loop().create_connection(Talker, HUB, 80, ssl=True)

    run_virtual(main(), network=Network())


def test_segments_are_no_longer_than_either_side_wants_and_a_cork_holds_the_rest() -> None:
    async def main() -> None:
        network = virtual_loop().network
        network.join(SITE, HUB, Wire(profile(), seed=1))
        accepted: list[Talker] = []
        await listen(accepted)
        made = MemorySocket()
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 500)
        dialer = await at(SITE, dial(made))
        await asyncio.sleep(5.0)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        before = network.wire(SITE, HUB).up.counters
        dialer.transport.write(bytes(750))
        await asyncio.sleep(5.0)
        assert len(accepted[0].heard) == 500
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        await asyncio.sleep(5.0)
        assert len(accepted[0].heard) == 750
        sent = network.wire(SITE, HUB).up.counters - before
        assert (sent.packets_sent, sent.bytes_sent) == (2, 750 + 2 * 40)

    run_virtual(main(), network=Network())


def test_a_search_for_light_finds_a_connection_that_stands() -> None:
    async def main() -> None:
        network = virtual_loop().network
        network.join(SITE, HUB, Wire(profile(), seed=1))
        accepted: list[Talker] = []
        await listen(accepted)
        network.wire(SITE, HUB).cut()
        search = LightSearch(MemorySocket, rate_bit_s=64_000, rtt_s=0.6)
        found = asyncio.Event()

        async def look() -> None:
            search.begin((HUB, 80), found.set)
            await found.wait()
            standing = search.take()
            assert standing is not None
            await virtual_loop().sock_connect(standing, (HUB, 80))
            _, protocol = await virtual_loop().create_connection(Talker, sock=standing)
            assert isinstance(protocol, Talker)
            protocol.transport.write(b"light")
            await search.end()

        looking = at(SITE, look())
        await asyncio.sleep(40.0)
        assert not found.is_set()
        network.wire(SITE, HUB).restore()
        await looking
        await asyncio.sleep(5.0)
        assert b"light" in [each.heard for each in accepted]

    run_virtual(main(), network=Network())
