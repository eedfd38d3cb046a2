"""Dials a hub over UDP: the first datagram already carries the session's first flight.

The listener's side is `udp_listener`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from secrets import token_bytes
from typing import Final, cast

from protocol.datagrams import SALT_BYTES, DialerSeal
from protocol.ids import Pseudonym

from ..ports import LinkError
from ..way_out import WayOut, bind_to
from .datagram_transport import DatagramTransport
from .rate_memory import RateMemory
from .udp_connection import SOCKET_BUFFER_BYTES, UdpConnection, udp_properties

RATE_BIT_S_GUESS: Final = 22_000
RTT_S_GUESS: Final = 0.9
"""An L-band terminal's uplink: what a link is like of which nothing is known."""
RESOLVE_S: Final = 30.0
REFUSALS_MAX: Final = 3
"""Words of a router or host that nobody listens, in a row, before we believe them."""

LINGER_RTT_S_MIN: Final = 0.1
"""On shorter links nobody counts bytes."""
LINGER_S_MAX: Final = 5.0


class UdpDialer:
    """Opens sessions with one hub, for one pair; remembers between them what the link can carry."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        pseudonym: Pseudonym,
        link_secret: bytes,
        rate_bit_s: int | None = None,
        rtt_s: float = RTT_S_GUESS,
        usd_per_megabyte: float = 0.0,
        entropy: Callable[[int], bytes] = token_bytes,
        way_out: WayOut | None = None,
    ) -> None:
        """What is told of rate and round trip paces the first flight, until the link is measured; where
        nothing is told of the rate, bulk begins slowly."""
        self.properties = udp_properties(
            rate_bit_s=rate_bit_s or RATE_BIT_S_GUESS, rtt_s=rtt_s, usd_per_megabyte=usd_per_megabyte
        )
        told_bytes_s = self.properties.rate_bit_s_guess / 8
        self.memory = RateMemory(told_bytes_s, rtt_s, is_told=rate_bit_s is not None)
        """What the last session found out."""
        self._host = host
        self._port = port
        self._pseudonym = pseudonym
        self._link_secret = link_secret
        self._entropy = entropy
        self._way_out = way_out

    async def dial(self) -> UdpConnection:
        """A connection over which frames can be sent at once; `LinkError` where the name leads nowhere.

        Nothing is sent yet, so whether anybody answers shows when something is received, or is not.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RESOLVE_S):
                protocol = await self._open(loop)
        except (OSError, UnicodeError) as error:
            raise LinkError(
                f"{self._host} cannot be reached ({str(error) or type(error).__name__}). What was receipted "
                "is safe; the rest goes on at the next contact."
            ) from error
        seal = DialerSeal(self._link_secret, self._pseudonym, self._entropy(SALT_BYTES))
        transport = DatagramTransport(seal, self.memory, loop.time(), is_dialer=True)
        return protocol.begin(transport, self)

    async def _open(self, loop: asyncio.AbstractEventLoop) -> _DialerProtocol:
        hub = (self._host, self._port)
        if self._way_out is None:
            _, protocol = await loop.create_datagram_endpoint(_DialerProtocol, remote_addr=hub)
            return protocol
        bound = await _bound_socket(loop, hub, self._way_out)
        try:
            _, protocol = await loop.create_datagram_endpoint(_DialerProtocol, sock=bound)
        except BaseException:
            bound.close()
            raise
        return protocol

    def remember(self, memory: RateMemory) -> None:
        """A session is over."""
        self.memory = memory


class _DialerProtocol(asyncio.DatagramProtocol):
    """A socket of one session."""

    def __init__(self) -> None:
        self._socket: asyncio.DatagramTransport | None = None
        self._connection: UdpConnection | None = None
        self._seal: DialerSeal | None = None
        self._dialer: UdpDialer | None = None
        self._refusals = 0

    def begin(self, transport: DatagramTransport, dialer: UdpDialer) -> UdpConnection:
        self._dialer = dialer
        self._connection = UdpConnection(
            transport, dialer.properties, transmit=self._transmit, closed=self._close
        )
        return self._connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop's own class does not derive from the one it documents.
        self._socket = cast(asyncio.DatagramTransport, transport)
        enlarge_buffers(self._socket)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self._connection is not None:
            self._refusals = 0
            self._connection.arrived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._connection.forget()

    def error_received(self, exc: Exception) -> None:
        """Routers and hosts say no without proof: it counts where nobody was ever heard, or no more."""
        connection = self._connection
        if connection is None or (connection.has_heard and not connection.is_dark):
            return
        self._refusals += 1
        if not connection.has_heard or self._refusals >= REFUSALS_MAX:
            connection.fail(
                f"Nobody listens at the hub's address ({exc}). What was receipted is safe; the rest goes on "
                "at the next contact."
            )

    def _transmit(self, datagram: bytes) -> None:
        if self._socket is not None and not self._socket.is_closing():
            self._socket.sendto(datagram)

    def _close(self, memory: RateMemory) -> None:
        if self._dialer is not None:
            self._dialer.remember(memory)
        if self._socket is None:
            return
        was_heard = self._connection is not None and self._connection.has_heard
        if was_heard and memory.rtt_s >= LINGER_RTT_S_MIN:
            # What is still on its way to us would be answered by our kernel, at our cost.
            asyncio.get_running_loop().call_later(min(2 * memory.rtt_s, LINGER_S_MAX), self._socket.close)
        else:
            self._socket.close()


async def _bound_socket(
    loop: asyncio.AbstractEventLoop, hub: tuple[str, int], way_out: WayOut
) -> socket.socket:
    """Connected from the way out to the first of the hub's addresses that it can reach. Raises `OSError`."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in await loop.getaddrinfo(*hub, type=socket.SOCK_DGRAM):
        created = socket.socket(family, kind, protocol)
        created.setblocking(False)
        try:
            bind_to(created, way_out)
            await loop.sock_connect(created, address)
        except OSError as error:
            created.close()
            failure = failure or error
        except BaseException:
            created.close()
            raise
        else:
            return created
    raise failure or OSError(f"{hub[0]} has no address")


def enlarge_buffers(transport: asyncio.DatagramTransport) -> None:
    """As far as the kernel lets us; it halves the wish to its own limit without a word."""
    target = transport.get_extra_info("socket")
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        target.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
