"""The body of one turn, and whether the other end of the TCP connection has all of it."""

from __future__ import annotations

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from .sockets import socket_of
from .tcp_info import unacknowledged_bytes


class TurnBody(aiohttp.BytesPayload):
    """Remembers what aiohttp wrote it to."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._writer: AbstractStreamWriter | None = None

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Called by aiohttp once it has a connection."""
        await super().write_with_length(writer, content_length)
        self._writer = writer

    @property
    def is_there(self) -> bool:
        """Nothing of it is under way any more."""
        transport = self._writer.transport if self._writer is not None else None
        target = socket_of(transport)
        if transport is None or target is None:
            return False
        return not transport.get_write_buffer_size() and not unacknowledged_bytes(target)
