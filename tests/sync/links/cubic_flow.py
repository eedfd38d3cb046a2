"""A greedy flow of TCP with CUBIC (RFC 9438) and selective acknowledgement, on a simulated line."""

from __future__ import annotations

from functools import partial

from .lossy_link import Line, World

SEGMENT_BYTES = 1500
ACK_BYTES = 52
BETA = 0.7
C = 0.4
REORDERED_MAX = 3
TIMEOUT_S = 3.0


class CubicFlow:
    """Sends for ever."""

    def __init__(self, world: World, up: Line, down: Line, rtt_s: float) -> None:
        self._world = world
        self._up, self._down = up, down
        self._rtt_s = rtt_s
        self._window, self._threshold = 10.0, float("inf")
        self._next = 0
        self._out: dict[int, float] = {}
        self._highest = self._recovers_until = -1
        self._best = 0.0
        self._epoch: float | None = None
        self._arrived: list[float] = []
        self._armed_at = 0.0

    def arrived_bytes_after(self, moment: float) -> int:
        return sum(SEGMENT_BYTES - ACK_BYTES for at in self._arrived if at > moment)

    def pump(self) -> None:
        """Send what the window allows."""
        while len(self._out) < self._window:
            number, self._next = self._next, self._next + 1
            self._out[number] = self._world.now
            self._up.carry(SEGMENT_BYTES, partial(self._arrive, number))
        armed_at = self._armed_at = self._world.now
        self._world.at(armed_at + TIMEOUT_S, partial(self._time_out, armed_at))

    def _arrive(self, number: int) -> None:
        self._arrived.append(self._world.now)
        self._down.carry(ACK_BYTES, partial(self._acknowledge, number))

    def _acknowledge(self, number: int) -> None:
        sent_at = self._out.pop(number, None)
        if sent_at is None:
            return
        self._rtt_s += (self._world.now - sent_at - self._rtt_s) / 8
        self._highest = max(self._highest, number)
        lost = [other for other in self._out if other < self._highest - REORDERED_MAX]
        for other in lost:
            del self._out[other]
        if lost and max(lost) > self._recovers_until:
            self._cut()
        elif self._window < self._threshold:
            self._window += 1
        else:
            self._grow()
        self.pump()

    def _cut(self) -> None:
        self._recovers_until = self._next
        self._best = self._window
        self._window *= BETA
        self._threshold = self._window
        self._epoch = self._world.now

    def _grow(self) -> None:
        if self._epoch is None:
            self._epoch, self._best = self._world.now, self._window
        elapsed_s = self._world.now - self._epoch + self._rtt_s
        reach_s = (self._best * (1 - BETA) / C) ** (1 / 3)
        reno = self._best * BETA + 3 * (1 - BETA) / (1 + BETA) * elapsed_s / self._rtt_s
        wanted = max(C * (elapsed_s - reach_s) ** 3 + self._best, reno)
        if wanted > self._window:
            self._window += min((wanted - self._window) / self._window, 0.5)

    def _time_out(self, armed_at: float) -> None:
        if self._armed_at == armed_at and self._out:
            self._out.clear()
            self._threshold, self._window = max(self._window / 2, 2.0), 1.0
            self._epoch = None
            self.pump()
