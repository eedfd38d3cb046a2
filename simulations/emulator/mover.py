"""Moves IP packets between two TUN descriptors through the two lines of a link, in real time.

One thread, one select loop: arrival times come from the model, so a late wake-up never slows the rate.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from simulations.links import Line

from .control import CONTROL_READ_BYTES, LineBuffer
from .packet_log import PacketLog

PACKET_BYTES_MAX = 65_535
READS_PER_WAKE_MAX = 64  # So that a flood in one direction cannot hold up the other.


@dataclass(frozen=True, slots=True)
class Way:
    """One direction: packets are read from `source` and, after the line, written to `target`."""

    name: str
    source: int
    target: int
    line: Line[bytes]


class PacketMover:
    """Runs until the owner closes its end of the control socket."""

    def __init__(
        self,
        ways: tuple[Way, Way],
        control: socket.socket,
        answer: Callable[[bytes, float], bytes],
        log: PacketLog,
    ) -> None:
        self._ways = ways
        self._control = control
        self._answer = answer
        self._log = log
        self._lines = LineBuffer()
        self._opened_at = time.monotonic()

    def run(self) -> None:
        sources = {way.source: way for way in self._ways}
        watched = [*sources, self._control.fileno()]
        while True:
            ready, _, _ = select.select(watched, [], [], self._wait_s())
            for descriptor in ready:
                if descriptor in sources:
                    self._take_packets(sources[descriptor])
                elif not self._obey():
                    return
            for way in self._ways:
                self._deliver(way)

    def _now_s(self) -> float:
        return time.monotonic() - self._opened_at

    def _wait_s(self) -> float | None:
        moments = [at for way in self._ways if (at := way.line.due_at_s()) is not None]
        return max(0.0, min(moments) - self._now_s()) if moments else None

    def _take_packets(self, way: Way) -> None:
        for _ in range(READS_PER_WAKE_MAX):
            try:
                packet = os.read(way.source, PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            now_s = self._now_s()
            passage = way.line.offer(now_s, len(packet), packet)
            self._log.record(now_s, way.name, len(packet), passage)

    def _deliver(self, way: Way) -> None:
        for packet in way.line.due(self._now_s()):
            # A full or downed interface swallows the packet, as a real one does.
            with suppress(OSError):
                os.write(way.target, packet)

    def _obey(self) -> bool:
        """Answer what the owner asks; False once it has gone."""
        data = self._control.recv(CONTROL_READ_BYTES)
        for line in self._lines.receive(data):
            self._control.sendall(self._answer(line, self._now_s()))
        return bool(data)
