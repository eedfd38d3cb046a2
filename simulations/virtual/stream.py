"""Connections that lose nothing, over a wire that does: what TCP gives a session, without its machinery.

Each piece is repeated until it arrives, behind pieces that were not lost; there is no congestion control, so
what a stream does to a queue it shares is not what TCP would do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Final

from sync.ports import LinkError, LinkProperties, LinkShape

from .loop import virtual_loop
from .network import HOST, Network
from .wire import Way, Wire

HEADERS_BYTES: Final = 40
CONNECT_S: Final = 30.0
REPEAT_S_MIN: Final = 1.0
REPEAT_S_MAX: Final = 30.0
REPEATS_MAX: Final = 9
SEND_BUFFER_BYTES: Final = 4 * 1024
UNREAD_BYTES_MAX: Final = 64 * 1024


class StreamDialer:
    """From the host that runs to one hub; one attempt."""

    def __init__(self, network: Network, hub: str, *, cut_after_bytes: tuple[int | None, int | None]) -> None:
        """`cut_after_bytes`: where the stream breaks, up and down, None for never."""
        self._network = network
        self._hub = hub
        self._cuts = cut_after_bytes
        wire = network.wire(HOST.get(), hub)
        self.properties = stream_properties(wire)

    async def dial(self) -> StreamConnection:
        """After a round trip, and three tries over half a minute. Raises `LinkError`."""
        site = HOST.get()
        wire = self._network.wire(site, self._hub)
        loop = virtual_loop()
        gives_up_s = loop.time() + CONNECT_S
        answered = asyncio.Event()

        def answer(_: bytes) -> None:
            if self._network.acceptor(self._hub) is not None:
                wire.down.carry(HEADERS_BYTES, b"", lambda _: answered.set())

        while loop.time() < gives_up_s and not answered.is_set():
            wire.up.carry(HEADERS_BYTES, b"", answer)
            try:
                async with asyncio.timeout(CONNECT_S / 3):
                    await answered.wait()
            except TimeoutError:
                continue
        accept = self._network.acceptor(self._hub)
        if not answered.is_set() or accept is None:
            raise LinkError(f"{self._hub} does not answer. What was receipted is safe.")
        near, far = stream_pair(wire, self.properties, self._cuts)
        self._network.on_death(site, near.die)
        self._network.on_death(self._hub, far.die)
        accept(far)
        return near


def stream_properties(wire: Wire) -> LinkProperties:
    """What whoever dials guesses of the link: what it was sold as."""
    return LinkProperties(
        name=wire.profile.name,
        shape=LinkShape.STREAM,
        unit_bytes_max=None,
        full_duplex=True,
        ordered=True,
        rate_bit_s_guess=int(wire.profile.up.rate_bit_s),
        rtt_s_guess=max(wire.profile.rtt_ms / 1000.0, 0.001),
        usd_per_megabyte=wire.profile.tariff.usd_per_mb,
    )


def stream_pair(
    wire: Wire, properties: LinkProperties, cuts: tuple[int | None, int | None] = (None, None)
) -> tuple[StreamConnection, StreamConnection]:
    """Both ends of one stream, dialer first."""
    piece_bytes = wire.profile.mtu_bytes - HEADERS_BYTES
    repeat_s = min(max(REPEAT_S_MIN, 1.5 * wire.profile.rtt_ms / 1000.0), REPEAT_S_MAX)
    upward = _Pipe(wire.up, wire.down, piece_bytes, repeat_s, cuts[0])
    downward = _Pipe(wire.down, wire.up, piece_bytes, repeat_s, cuts[1])
    upward.opposite, downward.opposite = downward, upward
    return StreamConnection(properties, upward, downward), StreamConnection(properties, downward, upward)


class StreamConnection:
    """One end."""

    def __init__(self, properties: LinkProperties, sending: _Pipe, receiving: _Pipe) -> None:
        self.properties = properties
        self._sending = sending
        self._receiving = receiving

    async def send(self, data: bytes) -> None:
        await self._sending.put(data)

    async def receive(self) -> bytes:
        return await self._receiving.get()

    async def finish(self) -> None:
        self._sending.finish()

    async def close(self) -> None:
        self._sending.finish()
        self._sending.fail("This end of the link was closed.")
        self._receiving.fail("The other end of the link was closed.")

    def die(self) -> None:
        """This end's host is gone: the other hears nothing more, and not even that."""
        self._sending.fall_silent()
        self._receiving.fall_silent()


class _Pipe:
    """One direction: pieces in order, each until it has arrived."""

    def __init__(
        self, way: Way, back: Way, piece_bytes: int, repeat_s: float, cut_after_bytes: int | None
    ) -> None:
        self.opposite: _Pipe = self
        self._way = way
        self._back = back
        self._piece_bytes = piece_bytes
        self._repeat_s = repeat_s
        self._cut_after_bytes = cut_after_bytes
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._pumping = False
        self._numbered = 0
        self._next = 0
        self._early: dict[int, bytes] = {}
        self._arrived: deque[bytes] = deque()
        self._unread_bytes = 0
        self._landed_bytes = 0
        self._finished = False
        self._ended = False
        self._silent = False
        self._failure: str | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()

    async def put(self, data: bytes) -> None:
        self._check_writable()
        for start in range(0, len(data), self._piece_bytes):
            self._unsent.append(data[start : start + self._piece_bytes])
        self._unsent_bytes += len(data)
        self._pump()
        while self._unsent_bytes > SEND_BUFFER_BYTES:
            self._writable.clear()
            await self._writable.wait()
            self._check_writable()

    async def get(self) -> bytes:
        while not self._arrived:
            if self._ended:
                return b""
            if self._failure is not None:
                raise LinkError(self._failure)
            self._readable.clear()
            await self._readable.wait()
        data = b"".join(self._arrived)
        self._arrived.clear()
        self._unread_bytes = 0
        self._pump()
        return data

    def finish(self) -> None:
        """Nothing more will be put; what was still arrives."""
        if not self._finished and self._failure is None:
            self._finished = True
            self._unsent.append(b"")
            self._pump()

    def fail(self, reason: str) -> None:
        """Nothing more goes in; what was put before a `finish` still arrives."""
        self._failure = self._failure or reason
        self._readable.set()
        self._writable.set()

    def fall_silent(self) -> None:
        """Nothing arrives any more."""
        self._silent = True
        self._unsent.clear()

    def _check_writable(self) -> None:
        if self._failure is not None:
            raise LinkError(self._failure)
        if self._finished:
            raise LinkError("This end of the link said that it sends no more.")

    def _pump(self, *, is_timer: bool = False) -> None:
        """As much as the line takes now; the rest when it takes more."""
        if self._pumping and not is_timer:
            return
        self._pumping = False
        while self._unsent and self._unread_bytes <= UNREAD_BYTES_MAX and not self._silent:
            piece = self._unsent[0]
            wait_s = self._way.wait_s(len(piece) + HEADERS_BYTES)
            if wait_s > 0:
                self._pumping = True
                asyncio.get_running_loop().call_later(wait_s, partial(self._pump, is_timer=True))
                return
            self._unsent.popleft()
            self._unsent_bytes -= len(piece)
            self._send(self._numbered, piece, 0)
            self._numbered += 1
            self._writable.set()

    def _send(self, number: int, piece: bytes, repeats: int) -> None:
        if self._silent or (self._failure is not None and not self._finished):
            return
        if self._way.carry(len(piece) + HEADERS_BYTES, piece, partial(self._land, number)):
            return
        if repeats >= REPEATS_MAX:
            self._break("Nothing came through for too long.")
            return
        pause_s = min(self._repeat_s * 2.0**repeats, REPEAT_S_MAX)
        asyncio.get_running_loop().call_later(pause_s, self._send, number, piece, repeats + 1)

    def _land(self, number: int, piece: bytes) -> None:
        if self._silent or number < self._next or self._ended:
            return
        self._back.carry(HEADERS_BYTES, b"", lambda _: None)
        self._early[number] = piece
        while self._next in self._early and not self._silent:
            self._take(self._early.pop(self._next))
            self._next += 1

    def _take(self, piece: bytes) -> None:
        if not piece:
            self._ended = True
        elif self._failure is None or self._finished:
            self._hand_over(piece)
        self._readable.set()

    def _hand_over(self, piece: bytes) -> None:
        cut_after_bytes = self._cut_after_bytes
        if cut_after_bytes is not None and self._landed_bytes + len(piece) >= cut_after_bytes:
            piece = piece[: cut_after_bytes - self._landed_bytes]
            self._break("The link broke.")
        self._landed_bytes += len(piece)
        self._unread_bytes += len(piece)
        if piece:
            self._arrived.append(piece)

    def _break(self, reason: str) -> None:
        for pipe in (self, self.opposite):
            pipe.fail(reason)
            pipe.fall_silent()
