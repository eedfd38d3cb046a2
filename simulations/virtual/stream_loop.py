"""What an event loop offers of TCP, over a network in memory. TLS is left out, and names are addresses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .network import HOST
from .tcp_network import MakeProtocol, Streams, StreamServer, open_transport
from .tcp_socket import MemorySocket
from .tcp_transport import StreamTransport

if TYPE_CHECKING:
    from .network import Address


class StreamLoop(asyncio.BaseEventLoop):
    """For loops with a network in memory; what they call `streams` carries the connections."""

    streams: Streams

    async def getaddrinfo(  # type: ignore[override]  # Real loops are given bytes and None as well.
        self, host: str, port: int, **_: int
    ) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]]:
        """A host's name is its address."""
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """`OSError` as a kernel's."""
        if not isinstance(sock, MemorySocket):
            raise TypeError("a socket of this machine has no place in virtual time")
        await self.streams.connect(HOST.get(), sock, (address[0], address[1]))

    async def create_connection(  # type: ignore[override]  # Real loops have options for real sockets.
        self,
        protocol_factory: MakeProtocol,
        host: str = "",
        port: int = 0,
        *,
        sock: socket.socket | None = None,
        ssl: object = None,
        **__: object,
    ) -> tuple[StreamTransport, asyncio.BaseProtocol]:
        """To a host, or over a connection that stands; `ValueError` if it is to have TLS."""
        if ssl:
            raise ValueError("connections in memory have no TLS")
        if sock is None:
            sock = MemorySocket()
            await self.sock_connect(sock, (host, port))
        return await open_transport(sock, protocol_factory)

    async def create_server(  # type: ignore[override]  # As above.
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, **_: object
    ) -> StreamServer:
        """On the simulated host of that name."""
        return self.streams.listen(host, port, protocol_factory)
