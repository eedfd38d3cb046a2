"""Hosts and the wires between them, in memory: datagrams as a loop's sockets carry them, and who listens.

The product's own UDP dialer and listener run over it unchanged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, Final

from sync.links.datagram_sizes import HEADERS_BYTES

from .tcp_network import Streams
from .wire import Way, Wire

Address = tuple[str, int]

HOST: ContextVar[str] = ContextVar("host", default="")
"""The simulated host whose program runs: tasks and timers inherit it."""
EPHEMERAL_FROM: Final = 49_152


class Network:
    """Which host reaches which, over what."""

    def __init__(self) -> None:
        self._wires: dict[tuple[str, str], Wire] = {}
        self._sockets: dict[Address, DatagramSocket] = {}
        self._accepting: dict[str, Callable[[Any], None]] = {}
        self._ports = EPHEMERAL_FROM
        self._lives: dict[str, list[Callable[[], None]]] = {}
        self.streams = Streams(self)
        """The TCP connections between these hosts."""

    # Wires.

    def join(self, site: str, hub: str, wire: Wire, *, link: str = "") -> None:
        """From now on `site` reaches `hub` over this wire alone; with `link`, whoever dials it `through`
        that link does, and the others as before."""
        self._wires[through(link, site), through(link, hub)] = wire

    def wire(self, site: str, hub: str) -> Wire:
        """`LookupError` where there is none; `hub` as it is dialled."""
        return self._wires[through(_link_of(hub), site), hub]

    def way(self, source: str, target: str) -> Way | None:
        """The direction that packets from one to the other take."""
        if (wire := self._wires.get((source, target))) is not None:
            return wire.up
        if (wire := self._wires.get((target, source))) is not None:
            return wire.down
        return None

    # Hosts.

    def sever(self, host: str) -> None:
        """The host's programs are dead: nothing leaves it or reaches it any more, without a last word."""
        for die in self._lives.pop(host, []):
            die()
        self._accepting.pop(host, None)

    def on_death(self, host: str, die: Callable[[], None]) -> None:
        """Called at the latest when the host's programs die."""
        self._lives.setdefault(host, []).append(die)

    def runs(self, host: str) -> bool:
        """Whether any program of the host has a socket, so that the host answers for those that have none."""
        return host in self._lives

    def accept(self, host: str, accepted: Callable[[Any], None]) -> None:
        """Streams that are dialled to the host go there; what they set off happens at that host."""
        context = copy_context()
        self._accepting[host] = lambda connection: context.run(accepted, connection)

    def acceptor(self, host: str) -> Callable[[Any], None] | None:
        return self._accepting.get(host)

    # Datagrams.

    def open_datagrams(
        self, protocol: asyncio.DatagramProtocol, *, local: Address | None, remote: Address | None
    ) -> DatagramSocket:
        """A socket of the host that runs. `OSError` if the address is taken or leads nowhere."""
        host = HOST.get()
        if local is None:
            self._ports += 1
        if remote is not None:
            host = through(_link_of(remote[0]), host)
        address = (host, self._ports if local is None else local[1])
        if address in self._sockets:
            raise OSError(f"{address} is taken")
        if remote is not None and self.way(host, remote[0]) is None:
            raise OSError(f"there is no way from {host} to {remote[0]}")
        bound = DatagramSocket(self, protocol, address, remote)
        self._sockets[address] = bound
        self.on_death(HOST.get(), bound.vanish)
        return bound

    def post(self, source: Address, target: Address, datagram: bytes) -> None:
        """Give a datagram to the wire; it may arrive."""
        if (link := _link_of(target[0])) and not _link_of(source[0]):
            # Who listens on every address answers from the one that was asked.
            source = through(link, source[0]), source[1]
        if (way := self.way(source[0], target[0])) is not None:
            way.carry(len(datagram) + HEADERS_BYTES, datagram, partial(self._arrive, source, target))

    def forget(self, address: Address) -> None:
        """A socket was closed."""
        self._sockets.pop(address, None)

    def _arrive(self, source: Address, target: Address, datagram: bytes) -> None:
        bound = self._sockets.get(target) or self._sockets.get((target[0].rpartition(".")[2], target[1]))
        if bound is not None:
            bound.receive(datagram, source)


def through(link: str, host: str) -> str:
    """The name under which a host is reached over one of several links."""
    return f"{link}.{host}" if link else host


def _link_of(host: str) -> str:
    return host.rpartition(".")[0]


class _NoOptions:
    """The socket behind a socket, whose options change nothing here."""

    def setsockopt(self, *_: object) -> None:
        """Buffers are as large as they need to be."""


class DatagramSocket(asyncio.DatagramTransport):
    """What `create_datagram_endpoint` gives."""

    def __init__(
        self, network: Network, protocol: asyncio.DatagramProtocol, address: Address, remote: Address | None
    ) -> None:
        super().__init__({"socket": _NoOptions(), "sockname": address})
        self._network = network
        self._protocol: asyncio.DatagramProtocol | None = protocol
        self._address = address
        self._remote = remote
        self._context: Context = copy_context()
        self._closed = False

    def sendto(self, data: Any, addr: Any = None) -> None:
        target = addr or self._remote
        if not self._closed and target is not None:
            self._network.post(self._address, target, bytes(data))

    def receive(self, datagram: bytes, source: Address) -> None:
        """One came; what it sets off happens at this host."""
        if self._protocol is not None:
            self._context.run(self._protocol.datagram_received, datagram, source)

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        self.vanish()

    def abort(self) -> None:
        self.vanish()

    def vanish(self) -> None:
        """Nothing leaves or arrives any more."""
        if not self._closed:
            self._closed = True
            self._network.forget(self._address)
            protocol, self._protocol = self._protocol, None
            if protocol is not None:
                protocol.connection_lost(None)
