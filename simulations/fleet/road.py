"""One direction of a site's link as contacts meet it: a rate, dark spans, lost datagrams sent again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Final

from simulations.links import DirectionProfile, ServicePlan

DATAGRAM_BYTES: Final = 1_200
"""What one datagram carries at most."""
HEADERS_BYTES: Final = 56
"""IPv4 and UDP, and the counter and tag of a sealed datagram."""
ACKNOWLEDGED_EVERY: Final = 2
ACKNOWLEDGEMENT_BYTES: Final = 64
GAP_S: Final = 75.0
"""A session lives through a gap of a minute; after that it has ended at both sides."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One message on its way: when the line is free again, when it is there (None: the link went dark)."""

    free_s: float
    arrives_s: float | None
    ip_bytes: int
    returned_ip_bytes: int
    """Acknowledgements of its datagrams, on the way back."""


class Road:
    """Serialises what one side says."""

    def __init__(self, direction: DirectionProfile, service: ServicePlan, draw: random.Random) -> None:
        self._direction = direction
        self._service = service
        self._draw = draw
        self._loss = direction.loss_mean

    def carry(self, at_s: float, size_bytes: int, rtt_s: float) -> Passage:
        """Send a message that begins at `at_s`."""
        datagrams = max(1, math.ceil(size_bytes / DATAGRAM_BYTES))
        lost = sum(self._draw.random() < self._loss for _ in range(datagrams)) if self._loss else 0
        ip_bytes = size_bytes + HEADERS_BYTES * datagrams
        repeated = lost * min(ip_bytes, DATAGRAM_BYTES + HEADERS_BYTES)
        free_s = self._serialise(at_s, ip_bytes + repeated)
        returned = ACKNOWLEDGEMENT_BYTES * math.ceil(datagrams / ACKNOWLEDGED_EVERY)
        if free_s is None:
            return Passage(at_s, None, ip_bytes, 0)
        jitter_ms = self._direction.jitter_ms
        delay_s = (self._direction.delay_ms + self._draw.uniform(-jitter_ms, jitter_ms)) / 1_000
        return Passage(free_s, free_s + delay_s + (rtt_s if lost else 0.0), ip_bytes + repeated, returned)

    def bound_s(self, at_s: float, size_bytes: int) -> float:
        """How long so many bytes would take alone, at best: rate, dark time and one delay."""
        begins_s = self._service.next_up_s(at_s)
        left_bits = size_bytes * 8.0
        rate_bit_s = self._direction.rate_bit_s
        while not math.isinf(begins_s):
            dark_s = self._service.next_down_s(begins_s)
            if begins_s + left_bits / rate_bit_s <= dark_s:
                return begins_s + left_bits / rate_bit_s + self._direction.delay_ms / 1_000 - at_s
            left_bits -= (dark_s - begins_s) * rate_bit_s
            begins_s = self._service.next_up_s(dark_s)
        return math.inf

    def _serialise(self, at_s: float, ip_bytes: int) -> float | None:
        """When the line is free again; None when the session does not live to see it."""
        left_s = ip_bytes * 8.0 / self._direction.rate_bit_s
        begins_s = self._service.next_up_s(at_s)
        while begins_s - at_s <= GAP_S:
            dark_s = self._service.next_down_s(begins_s)
            if begins_s + left_s <= dark_s:
                return begins_s + left_s
            left_s -= dark_s - begins_s
            at_s, begins_s = dark_s, self._service.next_up_s(dark_s)
        return None
