"""Who listens for TCP connections on which simulated host, and how one is opened over the wires between.

Somebody in between may take the connections of one host to another: then it is the one who answers.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Final

from .tcp import TcpEnd
from .tcp_socket import MemorySocket
from .tcp_terms import HEADERS_BYTES, CutAt, Leg, uncut
from .tcp_transport import StreamTransport

if TYPE_CHECKING:
    from .network import Address, Network

OPENING_BYTES: Final = 20
"""Options of the first packets, beside their headers."""
KNOCKS_MAX: Final = 6
KNOCK_S: Final = 1.0
"""Between the first two attempts to open a connection; each time twice as long, as Linux does it."""
EPHEMERAL_FROM: Final = 32_768

MakeProtocol = Callable[[], asyncio.BaseProtocol]
Cuts = tuple[CutAt, CutAt]
"""Where connections break: of what comes up, and of what comes down."""


def cut_after(size_bytes: int | None) -> CutAt:
    """All connections together carry so many bytes; then the one that carried the last breaks, once."""
    if size_bytes is None:
        return uncut
    passed_bytes = 0

    def cut_at(arriving_bytes: int) -> int | None:
        nonlocal passed_bytes
        before_bytes, passed_bytes = passed_bytes, passed_bytes + arriving_bytes
        is_here = before_bytes < size_bytes <= passed_bytes or before_bytes == size_bytes == 0
        return size_bytes - before_bytes if is_here else None

    return cut_at


class Streams:
    """The connections of one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._listening: dict[Address, StreamServer] = {}
        self._between: dict[tuple[str, str], str] = {}
        self._cuts: dict[tuple[str, str], Cuts] = {}
        self._ends: dict[str, dict[TcpEnd, None]] = {}
        self._ports = EPHEMERAL_FROM

    # What a world arranges.

    def put_between(self, site: str, hub: str, middle: str | None) -> None:
        """From now on `middle` answers what `site` dials of `hub`; None for nobody."""
        if middle is None:
            self._between.pop((site, hub), None)
        else:
            self._between[site, hub] = middle

    def cut(self, site: str, hub: str, cuts: Cuts | None) -> None:
        """Connections of this site break there; None for no more."""
        if cuts is None:
            self._cuts.pop((site, hub), None)
        else:
            self._cuts[site, hub] = cuts

    # What a loop needs.

    def listen(self, host: str, port: int, make: MakeProtocol) -> StreamServer:
        """`OSError` if somebody listens there already."""
        if (host, port) in self._listening:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        server = StreamServer(make, partial(self._listening.pop, (host, port), None))
        self._listening[host, port] = server
        self._network.on_death(host, server.close)
        return server

    async def connect(self, site: str, made: MemorySocket, address: Address) -> None:
        """Open a connection. Raises `OSError` where there is no way, nobody listens or nobody answers."""
        if made.end is not None:
            return  # It stands already.
        opening = _Opening(self._network, self, site, made, address)
        try:
            made.end = await opening.open()
        except BaseException:
            opening.near.give_up()
            raise

    def who_answers(self, site: str, hub: str) -> str:
        """Whom a connection from one to the other is made with."""
        return self._between.get((site, hub), hub)

    def listener(self, host: str, port: int) -> StreamServer | None:
        return self._listening.get((host, port))

    def cuts_of(self, site: str, hub: str) -> Cuts:
        return self._cuts.get((site, hub), (uncut, uncut))

    def next_port(self) -> int:
        self._ports += 1
        return self._ports

    def enter(self, end: TcpEnd) -> None:
        """It lives until it is over, or its host dies."""
        host = end.leg.host
        if host not in self._ends:
            self._ends[host] = {}
            self._network.on_death(host, partial(self._bury, host))
        self._ends[host][end] = None
        end.on_over = partial(self._leave, end)

    def _leave(self, end: TcpEnd) -> None:
        self._ends.get(end.leg.host, {}).pop(end, None)

    def _bury(self, host: str) -> None:
        for end in tuple(self._ends.pop(host, {})):
            end.die()


class _Opening:
    """A connection that is being opened: the three packets of its handshake."""

    def __init__(
        self, network: Network, streams: Streams, site: str, made: MemorySocket, address: Address
    ) -> None:
        self.answered: asyncio.Future[TcpEnd] = asyncio.get_running_loop().create_future()
        self._network = network
        self._streams = streams
        link, dot, hub = address[0].rpartition(".")
        self._wire = (f"{link}{dot}{site}", address[0])
        self._host = streams.who_answers(site, hub)
        self._port = address[1]
        self._began_at = asyncio.get_running_loop().time()
        self._far: TcpEnd | None = None
        self._far_cut, near_cut = streams.cuts_of(site, hub)
        self.near = TcpEnd(
            wires=network,
            leg=Leg(site, *self._wire),
            address=(site, streams.next_port()),
            peer_address=address,
            options=made.options,
            cut_at=near_cut,
        )
        streams.enter(self.near)

    async def open(self) -> TcpEnd:
        """Knock until somebody answers. Raises `OSError`."""
        knock_s = KNOCK_S
        for _ in range(KNOCKS_MAX):
            self._knock()
            try:
                async with asyncio.timeout(knock_s):
                    return await asyncio.shield(self.answered)
            except TimeoutError:
                knock_s *= 2
        raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    def _knock(self) -> None:
        way = self._network.way(*self._wire)
        if way is None:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        way.carry(HEADERS_BYTES + OPENING_BYTES, b"", self._asked)

    def _asked(self, _: bytes) -> None:
        server = self._streams.listener(self._host, self._port)
        back = self._network.way(*reversed(self._wire))
        if back is None or not self._network.runs(self._host):
            return
        if server is None:
            back.carry(HEADERS_BYTES, b"", self._refused)
            return
        if self._far is None:
            self._far = server.half_open(self.near, Leg(self._host, *reversed(self._wire)), self._far_cut)
            self._streams.enter(self._far)
        back.carry(HEADERS_BYTES + OPENING_BYTES, b"", self._agreed)

    def _refused(self, _: bytes) -> None:
        if not self.answered.done() and not self.near.is_over:
            self.answered.set_exception(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))

    def _agreed(self, _: bytes) -> None:
        far, way = self._far, self._network.way(*self._wire)
        if self.answered.done() or far is None or way is None:
            return
        if self.near.is_over:
            if self._network.runs(self.near.leg.host):
                way.carry(HEADERS_BYTES, b"", lambda _: far.was_refused())
            return
        rtt_s = asyncio.get_running_loop().time() - self._began_at
        self.near.join(far, rtt_s)
        far.join(self.near, rtt_s)
        # Who listens hears of it when the third packet is there, or the first bytes if that one is lost.
        way.carry(HEADERS_BYTES, b"", lambda _: far.accept())
        self.answered.set_result(self.near)


class StreamServer(asyncio.AbstractServer):
    """Accepts connections as programs of the host that listens."""

    def __init__(self, make: MakeProtocol, leave: Callable[[], object]) -> None:
        self.sockets = (MemorySocket(),)
        self._make = make
        self._leave = leave
        self._context: Context = copy_context()
        self._serves = True

    def close(self) -> None:
        if self._serves:
            self._serves = False
            self._leave()
            self.sockets[0].close()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def is_serving(self) -> bool:
        return self._serves

    async def start_serving(self) -> None:
        """It does from the beginning."""

    async def serve_forever(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def wait_closed(self) -> None:
        """Connections that stand go on without it."""

    def half_open(self, caller: TcpEnd, leg: Leg, cut_at: CutAt) -> TcpEnd:
        """The listener's end, with what its sockets inherit; accepted when the caller is heard again."""
        accepted = MemorySocket(socket.AF_INET, socket.SOCK_STREAM)
        accepted.options = self.sockets[0].options.inherited()
        accepted.options.segment_bytes_max = min(
            accepted.options.segment_bytes_max, caller.options.segment_bytes_max
        )
        accepted.end = end = TcpEnd(
            wires=caller.wires,
            leg=leg,
            address=caller.peer_address,
            peer_address=caller.address,
            options=accepted.options,
            cut_at=cut_at,
        )
        end.on_accept = lambda: self._context.run(self._accept, accepted, end)
        return end

    def _accept(self, accepted: MemorySocket, end: TcpEnd) -> None:
        if self._serves:
            # A context of its own for each: what one connection sets off is never inside another's.
            copy_context().run(StreamTransport(end, accepted, self._make()).begin)
        else:
            accepted.close()


async def open_transport(
    made: socket.socket, make: MakeProtocol
) -> tuple[StreamTransport, asyncio.BaseProtocol]:
    """Put a protocol on a connection that stands."""
    if not isinstance(made, MemorySocket) or made.end is None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
    protocol = make()
    transport = StreamTransport(made.end, made, protocol)
    transport.begin()
    return transport, protocol
