"""A link inside one process, with a rate, a delay and a moment of failure: for tests and simulations.

Time is the running event loop's; under a virtual one a day of link passes in no time and always the same way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from ..ports import LinkError, LinkProperties, LinkShape

QUEUE_BYTES_MAX: Final = 2048
"""What waits to be carried before a sender is held back: the small send buffer of a socket on a thin link."""
UNREAD_BYTES_MAX: Final = 64 * 1024
"""What lies unread at the other end before the sender is held back."""
_PIECE_BYTES: Final = 256
"""A long message arrives piece by piece, as it does in packets."""
_INSTANT_BIT_S: Final = 10**9
_RTT_S_MIN: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLinkConditions:
    """How one direction behaves."""

    rate_bit_s: float = _INSTANT_BIT_S
    delay_s: float = 0.0
    cut_after_bytes: int | None = None
    """The link breaks, both ways, when this many bytes have come through in this direction."""


def memory_link(
    up: MemoryLinkConditions | None = None, down: MemoryLinkConditions | None = None
) -> tuple[MemoryConnection, MemoryConnection]:
    """Both ends of one contact, dialer first."""
    up, down = up or MemoryLinkConditions(), down or MemoryLinkConditions()
    properties = LinkProperties(
        name="memory",
        shape=LinkShape.STREAM,
        unit_bytes_max=None,
        full_duplex=True,
        ordered=True,
        rate_bit_s_guess=int(up.rate_bit_s),
        rtt_s_guess=max(up.delay_s + down.delay_s, _RTT_S_MIN),
    )
    upward, downward = _Pipe(up), _Pipe(down)
    upward.opposite, downward.opposite = downward, upward
    return MemoryConnection(properties, upward, downward), MemoryConnection(properties, downward, upward)


class MemoryConnection:
    """One end of a `memory_link`."""

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
        self._sending.fail("this end of the link was closed")
        self._receiving.fail("the other end of the link was closed")


class _Pipe:
    """One direction: serialises at its rate, delays, holds back, and breaks where it was told to."""

    def __init__(self, conditions: MemoryLinkConditions) -> None:
        self.opposite: _Pipe = self
        self._conditions = conditions
        self._free_at = 0.0
        self._taken_bytes = 0
        self._queued_bytes = 0
        self._unread_bytes = 0
        self._arrived: deque[bytes] = deque()
        self._on_the_way: deque[Callable[[], None]] = deque()
        self._finished = False
        self._ended = False
        self._failure: str | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()

    async def put(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE_BYTES):
            self._check_writable()
            self._carry(data[start : start + _PIECE_BYTES])
            while self._queued_bytes > QUEUE_BYTES_MAX or self._unread_bytes > UNREAD_BYTES_MAX:
                self._check_writable()
                self._writable.clear()
                await self._writable.wait()

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
        self._writable.set()
        return data

    def finish(self) -> None:
        """Nothing more will be put; what is on its way still arrives."""
        if not self._finished and self._failure is None:
            self._finished = True
            self._when_carried(self._end)

    def fail(self, reason: str) -> None:
        """Break: nothing more goes in, and what has not arrived is lost unless the sender had finished."""
        self._failure = self._failure or reason
        self._readable.set()
        self._writable.set()

    def _check_writable(self) -> None:
        if self._failure is not None:
            raise LinkError(self._failure)
        if self._finished:
            raise LinkError("this end of the link said that it sends no more")

    def _carry(self, piece: bytes) -> None:
        cut_after_bytes = self._conditions.cut_after_bytes
        if cut_after_bytes is not None:
            piece = piece[: max(0, cut_after_bytes - self._taken_bytes)]
        self._taken_bytes += len(piece)
        self._queued_bytes += len(piece)
        loop = asyncio.get_running_loop()
        self._free_at = max(self._free_at, loop.time()) + len(piece) * 8 / self._conditions.rate_bit_s
        loop.call_at(self._free_at, self._leave, len(piece))
        if piece:
            self._when_carried(partial(self._arrive, piece))
        if self._taken_bytes == cut_after_bytes:
            self._when_carried(self._break)

    def _when_carried(self, landing: Callable[[], None]) -> None:
        """Timers of the same moment fire in any order, so each takes whatever is first on its way."""
        loop = asyncio.get_running_loop()
        self._on_the_way.append(landing)
        loop.call_at(max(self._free_at, loop.time()) + self._conditions.delay_s, self._land)

    def _land(self) -> None:
        self._on_the_way.popleft()()

    def _leave(self, size_bytes: int) -> None:
        self._queued_bytes -= size_bytes
        self._writable.set()

    def _arrive(self, piece: bytes) -> None:
        if self._failure is None or self._finished:
            self._arrived.append(piece)
            self._unread_bytes += len(piece)
            self._readable.set()

    def _end(self) -> None:
        self._ended = True
        self._readable.set()

    def _break(self) -> None:
        self.fail("the link broke")
        self.opposite.fail("the link broke")
