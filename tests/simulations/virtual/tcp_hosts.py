"""Two hosts and a wire between them, and programs that talk over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from simulations.links import DirectionProfile, LinkProfile
from simulations.virtual.loop import run_virtual, virtual_loop
from simulations.virtual.network import HOST, Network
from simulations.virtual.tcp_socket import MemorySocket
from simulations.virtual.wire import Mischief, Wire

T = TypeVar("T")

PORT = 80
SITE, HUB = "site", "hub"


def profile(*, rate_bit_s: float = 64_000.0, delay_ms: float = 300.0, loss: float = 0.0) -> LinkProfile:
    way = DirectionProfile(rate_bit_s=rate_bit_s, delay_ms=delay_ms, queue_bytes=16_000, loss=loss)
    return LinkProfile(name="link", title="a link", source="made up", up=way, down=way, mtu_bytes=1_500)


def at(host: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin it as a program of that host; whoever asks waits for it."""
    context = copy_context()
    context.run(HOST.set, host)
    return asyncio.get_running_loop().create_task(work, context=context)


class Talker(asyncio.Protocol):
    """Notes what it hears, and when."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.heard = b""
        self.hosts: set[str] = set()
        self.is_paused = False
        self.end_heard = asyncio.Event()
        self.lost: asyncio.Future[Exception | None] = virtual_loop().create_future()
        self.lost_at: float = 0.0
        self.keeps_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self.hosts.add(HOST.get())

    def eof_received(self) -> bool:
        self.end_heard.set()
        return self.keeps_open

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False

    def connection_lost(self, error: Exception | None) -> None:
        self.lost_at = virtual_loop().time()
        self.lost.set_result(error)


async def dial(made: MemorySocket | None = None, hub: str = HUB) -> Talker:
    made = made or MemorySocket()
    await virtual_loop().sock_connect(made, (hub, PORT))
    _, protocol = await virtual_loop().create_connection(Talker, sock=made)
    assert isinstance(protocol, Talker)
    return protocol


async def listen(made: list[Talker], host: str = HUB) -> asyncio.AbstractServer:
    def make() -> Talker:
        made.append(Talker())
        return made[-1]

    return await at(host, virtual_loop().create_server(make, host, PORT))


Play = Callable[[Network, Talker, Talker], Awaitable[T]]


def joined(play: Play[T], link: LinkProfile | None = None, mischief: Mischief | None = None) -> T:
    """What `play` gives, of the network and both ends of a connection over such a link, dialer first."""

    async def main() -> T:
        network = virtual_loop().network
        network.join(SITE, HUB, Wire(link or profile(), seed=1, mischief=mischief))
        accepted: list[Talker] = []
        await listen(accepted)
        dialer = await at(SITE, dial())
        await asyncio.sleep(5.0)
        return await play(network, dialer, accepted[0])

    return run_virtual(main(), network=Network())
