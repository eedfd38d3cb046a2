"""What asyncio's protocols hold of a TCP connection in memory: bytes in and out, with its rules of flow."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextvars import Context, copy_context
from typing import Any, Final

from .tcp import TcpEnd

HIGH_BYTES: Final = 64 * 1024
"""As asyncio's own: from there on who writes is asked to wait."""


class StreamTransport(asyncio.Transport):
    """The receiver of one end. Callbacks run as programs of the host that opened or accepted it."""

    def __init__(self, end: TcpEnd, target: socket.socket, protocol: asyncio.BaseProtocol) -> None:
        super().__init__(
            {"socket": target, "sockname": end.address, "peername": end.peer_address, "sslcontext": None}
        )
        self._end = end
        self._target = target
        self._protocol = protocol
        self._context: Context = copy_context()
        self._buffer = bytearray()
        self._high_bytes, self._low_bytes = HIGH_BYTES, HIGH_BYTES // 4
        self._holds_writer = False
        self._reads = True
        self._is_closing = False
        self._is_lost = False
        self._sends_no_more = False

    def begin(self) -> None:
        """Let the protocol know of the connection, then of what comes over it."""
        self._context.run(self._protocol.connection_made, self)
        self._end.receiver = self
        self._end.read(wanted=self._reads)

    # For the protocol.

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def write(self, data: Any) -> None:
        if self._sends_no_more:
            raise RuntimeError("this end said that it sends no more")
        if self._is_lost or self._is_closing or not data:
            return
        self._buffer += data
        self._fill()
        if len(self._buffer) > self._high_bytes and not self._holds_writer:
            self._holds_writer = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._sends_no_more and not self._is_closing:
            self._sends_no_more = True
            self._fill()

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._end.read(wanted=False)
            self._fill()

    def abort(self) -> None:
        self._buffer.clear()
        self._is_closing = True
        self._part(None)

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return self._reads and not self._is_closing

    def pause_reading(self) -> None:
        self._set_reading(wanted=False)

    def resume_reading(self) -> None:
        self._set_reading(wanted=True)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high_bytes = (HIGH_BYTES if low is None else 4 * low) if high is None else high
        self._low_bytes = self._high_bytes // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low_bytes, self._high_bytes

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    # For the connection.

    def data_came(self, data: bytes) -> None:
        if not self._is_closing and isinstance(self._protocol, asyncio.Protocol):
            self._context.run(self._protocol.data_received, data)

    def end_came(self) -> None:
        if self._is_closing or not isinstance(self._protocol, asyncio.Protocol):
            return
        if not self._context.run(self._protocol.eof_received):
            self.close()

    def broke(self, error: OSError) -> None:
        self._buffer.clear()
        self._is_closing = True
        self._part(error)

    def has_room(self) -> None:
        if not self._is_lost:
            self._fill()
        if self._holds_writer and len(self._buffer) <= self._low_bytes:
            self._holds_writer = False
            self._context.run(self._protocol.resume_writing)

    # Inside.

    def _set_reading(self, *, wanted: bool) -> None:
        if not self._is_closing and wanted is not self._reads:
            self._reads = wanted
            self._end.read(wanted=wanted)

    def _fill(self) -> None:
        """Hand over to the kernel what it takes, then do what waited for that."""
        if self._buffer:
            del self._buffer[: self._end.sending.take(bytes(self._buffer))]
        self._end.sending.wants_room = bool(self._buffer)
        if self._buffer:
            return
        if self._is_closing:
            self._part(None)
        elif self._sends_no_more:
            self._end.sending.finish()

    def _part(self, error: OSError | None) -> None:
        """The protocol hears that it is over, once, and not in the middle of what it does."""
        if not self._is_lost:
            self._is_lost = True
            asyncio.get_running_loop().call_soon(self._tell_lost, error, context=self._context)

    def _tell_lost(self, error: OSError | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._target.close()
