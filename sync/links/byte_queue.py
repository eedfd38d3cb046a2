"""Bytes handed from one task to another, bounded; what was put in before a failure still comes out.

One task puts, one task takes.
"""

from __future__ import annotations

import asyncio

from ..ports import LinkError


class ByteQueue:
    """One direction of a link, inside this process."""

    def __init__(self, size_bytes_max: int) -> None:
        """Who puts is held back while more than `size_bytes_max` lie here."""
        self.size_bytes_max = size_bytes_max
        self._data = bytearray()
        self._failure: LinkError | None = None
        self._is_finished = False
        # Futures instead of events: a hub has one of these for each open session, and an event takes 0.7 kB.
        self._taker: asyncio.Future[None] | None = None
        self._putter: asyncio.Future[None] | None = None
        self._source: asyncio.ReadTransport | None = None
        self._holds_source = False

    @property
    def size_bytes(self) -> int:
        """What waits to be taken."""
        return len(self._data)

    @property
    def is_drained(self) -> bool:
        """Everything was taken, and nothing more will come."""
        return not self._data and (self._is_finished or self._failure is not None)

    @property
    def is_finished(self) -> bool:
        """Who puts has said that this is all."""
        return self._is_finished

    @property
    def failure(self) -> LinkError | None:
        """Why nothing more comes, if it broke off."""
        return self._failure

    async def put(self, data: bytes) -> None:
        """Returns when there is room for more. Raises `LinkError` if this direction has ended or breaks."""
        self._check_open()
        self.append(data)
        while len(self._data) > self.size_bytes_max and self._failure is None:
            self._putter = asyncio.get_running_loop().create_future()
            await self._putter
        self._check_open()

    def append(self, data: bytes) -> None:
        """Put in what came anyhow: dropped where this direction has ended. See `fed_by`."""
        if self._failure is None:
            self._data += data
            self._regulate()
            _wake(self._taker)

    def fed_by(self, source: asyncio.ReadTransport | None) -> None:
        """Hold this transport back, from now on, while there is no room; None lets the one before go on.

        What a transport has read is taken over at once, since aiohttp drops it when a link breaks.
        """
        if self._source is not None and self._holds_source:
            self._source.resume_reading()
        self._source, self._holds_source = source, False
        self._regulate()

    async def get(self) -> bytes:
        """All there is, once there is something; b"" at the end. Raises `LinkError` where it broke off."""
        while not self._data and not self.is_drained:
            await self.wait_stirred()
        if not self._data and self._failure is not None and not self._is_finished:
            raise self._failure
        return self.take(len(self._data))

    def take(self, size_bytes_max: int) -> bytes:
        """What is there, up to so much of it."""
        taken = bytes(self._data[:size_bytes_max])
        del self._data[:size_bytes_max]
        if len(self._data) <= self.size_bytes_max:
            _wake(self._putter)
        self._regulate()
        return taken

    async def wait_stirred(self) -> None:
        """Until something happens here, or somebody says so by `stir`; looking again is up to the caller."""
        self._taker = asyncio.get_running_loop().create_future()
        await self._taker

    def stir(self) -> None:
        """Let who waits look again."""
        _wake(self._taker)

    def finish(self) -> None:
        """This was all."""
        if self._failure is None:
            self._is_finished = True
            _wake(self._taker)

    def fail(self, error: LinkError) -> None:
        """Nothing more will come or go; the first reason stays."""
        if self._failure is None:
            self._failure = error
            _wake(self._taker)
            _wake(self._putter)

    def _regulate(self) -> None:
        is_full = len(self._data) > self.size_bytes_max
        if self._source is None or is_full is self._holds_source:
            return
        self._holds_source = is_full
        if is_full:
            self._source.pause_reading()
        else:
            self._source.resume_reading()

    def _check_open(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_finished:
            raise LinkError("This end of the link said that it sends no more.")


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
