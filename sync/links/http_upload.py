"""A request body that others write, a session's bytes as they come, in as few packets as the link likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from .http_flight import FirstFlight
from .http_terms import BUFFER_BYTES_MAX
from .late_handshake import ignore_late_handshake
from .modem_queue import ModemQueue
from .packet_sizes import packet_sizes
from .sockets import TcpSocket, socket_of
from .tcp_info import progress_of, unacknowledged_bytes
from .tcp_watch import TcpWatch
from .thin_link import DEAR_BELOW_BIT_S, Cork, cork_s, reset_on_close

FIRST_BYTES_S: Final = 0.25
"""How long the headers wait to leave in one packet with the first bytes of the session."""


class Upload(aiohttp.Payload):
    """Lends out aiohttp's writer until it is told to end."""

    def __init__(
        self, rate_bit_s: int, rtt_s: float, *, headers_bytes: int, went_dark: Callable[[], None]
    ) -> None:
        super().__init__(None)
        sizes = packet_sizes(rate_bit_s, rtt_s)
        self._flight = (
            FirstFlight(sizes, rate_bit_s / 8, headers_bytes=headers_bytes) if sizes is not None else None
        )
        self._modem = ModemQueue(rate_bit_s)
        self._cork_s = cork_s(rate_bit_s)
        self._went_dark = went_dark
        self._is_dear = rate_bit_s < DEAR_BELOW_BIT_S
        self._cork: Cork | None = None
        self._watch: TcpWatch | None = None
        self.begun = asyncio.Event()
        """Set once the connection stands, or never will."""
        self._ended = asyncio.Event()
        self._writer: AbstractStreamWriter | None = None
        self._headers_alone: asyncio.TimerHandle | None = None
        self._acknowledged_before = 0
        self._has_only_to_hang_up = False

    @property
    def socket(self) -> TcpSocket | None:
        """Of the connection, while it stands."""
        return socket_of(self._writer.transport if self._writer is not None else None)

    @property
    def is_acknowledged(self) -> bool:
        """Whether bytes of the request have reached the other end of the TCP connection."""
        target = self.socket
        return target is not None and progress_of(target).acknowledged_bytes > self._acknowledged_before

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Called by aiohttp when it has connected; the body ends when this returns."""
        self._writer = writer
        if writer.transport is not None:
            writer.transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)
        if (target := self.socket) is not None:
            self._acknowledged_before = progress_of(target).acknowledged_bytes
            self._cork = Cork(target, self._cork_s)
            self._watch = TcpWatch(target, self._went_dark)
            ignore_late_handshake(target)
        send_headers = partial(self._send_headers, writer)
        self._headers_alone = asyncio.get_running_loop().call_later(FIRST_BYTES_S, send_headers)
        self.begun.set()
        if self._flight is not None:
            await self._flight.run(self._write_packet, lambda: self._is_all_there)
        await self._ended.wait()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """For aiohttp's logs, which never show what we send."""
        return ""

    async def send(self, data: bytes) -> None:
        """Returns when there is room for more. Raises what aiohttp raises."""
        writer = self._lent()
        if self._flight is not None and await self._flight.put(data):
            return
        self._hold()
        await self._hand_over(writer, data)
        await writer.drain()
        await self._wait_room()

    def push(self) -> None:
        """Nothing follows for now."""
        if self._cork is not None:
            self._cork.release()

    def heard(self) -> None:
        """Bytes of the answer came."""
        self._modem.heard(asyncio.get_running_loop().time())
        if self._cork is not None:
            self._cork.heard()

    async def finish(self) -> None:
        """Nothing more will be sent; on return aiohttp has written so. `hang_up` at once joins the packet, or
        replaces it where packets are dear and all that was sent before is there."""
        writer = self._lent()
        await self.flush()
        self._hold()
        self._has_only_to_hang_up = self._is_dear and self._is_all_there
        await writer.write_eof()
        self._end()

    async def flush(self) -> None:
        """Hand over what waits to share a packet."""
        if self._flight is not None and self._writer is not None and not self._ended.is_set():
            await self._flight.finish()

    def hang_up(self) -> None:
        """Give the writer back; the connection is closed next. Idempotent."""
        target = self.socket
        if self._has_only_to_hang_up and target is not None and self._writer is not None:
            # Both ends have said all, and each knows it: the end of the body, its own end and the two
            # acknowledgements of it would be paid for in vain.
            self.abort()
        self._end()
        if self._cork is not None:
            self._cork.close()
        if self._watch is not None:
            self._watch.close()

    def abort(self) -> None:
        """Break the connection; what was sent before need not arrive any more."""
        if (target := self.socket) is not None:
            reset_on_close(target)
        if self._writer is not None and self._writer.transport is not None:
            self._writer.transport.abort()

    @property
    def _is_all_there(self) -> bool:
        target = self.socket
        return target is not None and unacknowledged_bytes(target) == 0

    async def _write_packet(self, data: bytes) -> None:
        self._hold()
        await self._hand_over(self._lent(), data)
        if self._cork is not None:
            self._cork.release()

    async def _hand_over(self, writer: AbstractStreamWriter, data: bytes) -> None:
        self._modem.took(len(data), asyncio.get_running_loop().time())
        await writer.write(data)
        if self._watch is not None:
            self._watch.stir()

    async def _wait_room(self) -> None:
        loop = asyncio.get_running_loop()
        while (target := self.socket) is not None:
            waiting_bytes, rtt_s = unacknowledged_bytes(target), progress_of(target).rtt_s_min
            if not (wait_s := self._modem.room_in_s(waiting_bytes, rtt_s, loop.time())):
                return
            await asyncio.sleep(wait_s)

    def _end(self) -> None:
        if self._headers_alone is not None:
            self._headers_alone.cancel()
        self._ended.set()

    def _hold(self) -> None:
        if self._cork is not None:
            self._cork.hold()

    def _lent(self) -> AbstractStreamWriter:
        if self._writer is None or self._ended.is_set():
            raise aiohttp.ClientConnectionError("this end said that it sends no more")
        return self._writer

    def _send_headers(self, writer: AbstractStreamWriter) -> None:
        if writer.transport is not None and not writer.transport.is_closing():
            writer.send_headers()
