"""A line under the event loop's clock: packets offered to it arrive as callbacks at their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from simulations.links import Fate, Line, Passage

from .packet_log import PacketLog

# As many times as Linux tries (net.ipv4.tcp_retries2) before it gives a connection up.
ATTEMPTS_MAX = 15
BACKOFF_DOUBLINGS_MAX = 6


class LineSilent(ConnectionError):
    """The same packet was lost every time it was tried."""


class TimedLine:
    """Wraps a pure line; one timer stands for the packet that arrives next."""

    def __init__(self, way: str, line: Line[Callable[[], None]], *, rtt_s: float, log: PacketLog) -> None:
        self._way = way
        self._line = line
        # What a sender waits before it knows of a loss: a round trip, never under Linux's least timer.
        self._retry_s = max(rtt_s, 0.2)
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def now_s(self) -> float:
        return self._loop.time() - self._opened_at

    def offer(self, length_bytes: int, on_arrival: Callable[[], None]) -> Passage:
        """Send one packet that nobody will repeat."""
        now_s = self.now_s()
        passage = self._line.offer(now_s, length_bytes, on_arrival)
        self._log.record(now_s, self._way, length_bytes, passage)
        self._arm()
        return passage

    def carry(self, length_bytes: int) -> Coroutine[None, None, None]:
        """Send one packet now and return what awaits its arrival, repeating it after each loss."""
        # The first try happens in the call, so packets keep the order of the calls.
        return self._see_through(length_bytes, *self._try(length_bytes))

    async def wait_room(self, length_bytes: int) -> None:
        """Wait until the buffer takes a packet of this length."""
        model = self._line.model
        # Others may fill the room while we sleep, so each time is computed afresh;
        # nothing but time is waited for, so there is no event to await instead.
        while (room_at_s := model.room_at_s(self.now_s(), length_bytes)) > self.now_s():  # noqa: ASYNC110 - a moment, not an event.
            await asyncio.sleep(room_at_s - self.now_s())

    def _try(self, length_bytes: int) -> tuple[Passage, asyncio.Future[None]]:
        arrived: asyncio.Future[None] = self._loop.create_future()

        def on_arrival() -> None:
            if not arrived.done():  # Its connection may have been aborted meanwhile.
                arrived.set_result(None)

        return self.offer(length_bytes, on_arrival), arrived

    async def _see_through(self, length_bytes: int, passage: Passage, arrived: asyncio.Future[None]) -> None:
        for attempt in range(ATTEMPTS_MAX):
            if passage.fate is Fate.ARRIVES:
                await arrived
                return
            backoff_s = self._retry_s * 2 ** min(attempt, BACKOFF_DOUBLINGS_MAX)
            await asyncio.sleep(max(0.0, passage.departs_s - self.now_s()) + backoff_s)
            passage, arrived = self._try(length_bytes)
        raise LineSilent(f"{ATTEMPTS_MAX} tries to send {length_bytes} bytes {self._way} were lost")

    def _arm(self) -> None:
        due_at_s = self._line.due_at_s()
        if self._timer is None and due_at_s is not None:
            self._timer = self._loop.call_at(self._opened_at + due_at_s, self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        for on_arrival in self._line.due(self.now_s()):
            on_arrival()
        self._arm()
