"""One direction of a link with its cargo: holds what is under way and counts every IP byte.

Pure like the model below it; the caller asks `due` with its own clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from .model import DirectionCounters, Fate, LinkModel, Passage

Cargo = TypeVar("Cargo")

# Queue and delay already bound the bytes under way; this bounds the memory for tiny packets.
UNDER_WAY_PACKETS_MAX = 65_536


class Line(Generic[Cargo]):
    """Carries cargo of a stated IP length from `offer` to `due`, first in, first out."""

    def __init__(self, model: LinkModel) -> None:
        self.model = model
        self._under_way: deque[tuple[float, int, Cargo]] = deque()
        self._packets_sent = self._packets_delivered = self._packets_dropped = 0
        self._bytes_sent = self._bytes_delivered = self._bytes_dropped = 0

    def offer(self, now_s: float, length_bytes: int, cargo: Cargo) -> Passage:
        """Send one packet; the passage tells whether, and when, `due` will yield it."""
        self._packets_sent += 1
        self._bytes_sent += length_bytes
        if len(self._under_way) >= UNDER_WAY_PACKETS_MAX:
            self._count_dropped(length_bytes)
            return Passage(Fate.QUEUE_FULL, now_s, now_s)
        passage = self.model.offer(now_s, length_bytes)
        if passage.fate is Fate.ARRIVES:
            self._under_way.append((passage.arrives_s, length_bytes, cargo))
        else:
            self._count_dropped(length_bytes)
        return passage

    def due_at_s(self) -> float | None:
        """When the next packet arrives; None with nothing under way."""
        return self._under_way[0][0] if self._under_way else None

    def due(self, now_s: float) -> Iterator[Cargo]:
        """Yield, and count as delivered, each packet whose time has come."""
        while self._under_way and self._under_way[0][0] <= now_s:
            _, length_bytes, cargo = self._under_way.popleft()
            self._packets_delivered += 1
            self._bytes_delivered += length_bytes
            yield cargo

    def cut(self) -> list[Cargo]:
        """Lose service and everything under way, which is returned."""
        self.model.cut()
        lost = [cargo for _, _, cargo in self._under_way]
        for _, length_bytes, _ in self._under_way:
            self._count_dropped(length_bytes)
        self._under_way.clear()
        return lost

    def restore(self, now_s: float) -> None:
        self.model.restore(now_s)

    def counters(self) -> DirectionCounters:
        return DirectionCounters(
            packets_sent=self._packets_sent,
            packets_delivered=self._packets_delivered,
            packets_dropped=self._packets_dropped,
            bytes_sent=self._bytes_sent,
            bytes_delivered=self._bytes_delivered,
            bytes_dropped=self._bytes_dropped,
        )

    def _count_dropped(self, length_bytes: int) -> None:
        self._packets_dropped += 1
        self._bytes_dropped += length_bytes
