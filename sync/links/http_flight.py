"""The first bytes of a session on a thin link: gathered, and handed over in few packets, each in time.

More packets would cost more headers and acknowledgements; all at once, the kernel would repeat the last
before the first can have been answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import Final

from .packet_sizes import ACKNOWLEDGEMENT_BYTES, LEAD_S, PacketSizes

GATHER_S: Final = 0.05
"""A session's next record is read from custody in less, and writing one more packet costs more."""
GATHER_S_MAX: Final = 0.25
FRAMING_BYTES: Final = 7
"""Of one chunk of HTTP in a packet."""
LOOK_S: Final = 0.1
"""How often the kernel is asked whether all has arrived: then the link is faster than believed."""

WritePacket = Callable[[bytes], Awaitable[None]]


class FirstFlight:
    """What a session says before it can have heard anything."""

    def __init__(self, sizes: PacketSizes, rate_bytes_s: float, *, headers_bytes: int) -> None:
        """`headers_bytes` leave in front of it, in the first packet."""
        self.is_over = False
        """Everything was handed over; what follows goes its own way."""
        self._sizes = sizes
        self._rate_bytes_s = rate_bytes_s
        self._headers_bytes = headers_bytes
        self._waiting = bytearray()
        self._is_hurried = False
        self._stirred = asyncio.Event()
        self._over = asyncio.Event()

    async def put(self, data: bytes) -> bool:
        """Returns when there is room for more; False if it is over: these bytes have to go another way."""
        if self.is_over:
            return False
        self._waiting += data
        self._stirred.set()
        if len(self._waiting) >= self._sizes.flight_bytes:
            await self._over.wait()
        return True

    async def finish(self) -> None:
        """Nothing follows: hand over what is here, and return when that is done."""
        self._is_hurried = True
        self._stirred.set()
        if not self.is_over:
            await self._over.wait()

    async def run(self, write: WritePacket, is_all_there: Callable[[], bool]) -> None:
        """Gather and hand over; `write` makes one packet of what it is given."""
        sizes = self._sizes
        try:
            await self._gather()
            before_bytes = await self._hand_over(write, sizes.first_bytes - self._headers_bytes)
            before_bytes += self._headers_bytes
            for packet_bytes in chain([sizes.answered_bytes], repeat(sizes.next_bytes)):
                if not self._waiting:
                    return
                await self._wait_nearly_out(before_bytes, is_all_there)
                before_bytes = await self._hand_over(write, packet_bytes)
        finally:
            self.is_over = True
            self._over.set()

    async def _gather(self) -> None:
        await self._stirred.wait()
        loop = asyncio.get_running_loop()
        until = loop.time() + GATHER_S_MAX
        # What comes later joins the packets behind the first, which leave seconds from now.
        full_bytes = self._sizes.first_bytes - self._headers_bytes
        while not self._is_hurried and len(self._waiting) < full_bytes and loop.time() < until:
            self._stirred.clear()
            if not await self._stirs_within(GATHER_S):
                return

    async def _hand_over(self, write: WritePacket, packet_bytes: int) -> int:
        size_bytes = max(packet_bytes - FRAMING_BYTES, 1)
        taken = bytes(self._waiting[:size_bytes])
        if taken:
            del self._waiting[:size_bytes]
            await write(taken)
        return len(taken) + FRAMING_BYTES

    async def _wait_nearly_out(self, before_bytes: int, is_all_there: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + (before_bytes + ACKNOWLEDGEMENT_BYTES) / self._rate_bytes_s - LEAD_S
        while not self._is_hurried and not is_all_there() and (left_s := until - loop.time()) > 0:
            self._stirred.clear()
            await self._stirs_within(min(LOOK_S, left_s))

    async def _stirs_within(self, patience_s: float) -> bool:
        try:
            async with asyncio.timeout(patience_s):
                return await self._stirred.wait()
        except TimeoutError:
            return False
