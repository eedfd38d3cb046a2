"""The least time in which bytes can leave a site's links or reach it: every link at once, at its own rate, in
the light, and the shortest delay. No header, no loss, no dial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulations.links import DirectionProfile, Mailbox, ServicePlan
from simulations.links.capacity import Capacity, ConstantCapacity, MessageCapacity, TracedCapacity

SPANS_MAX: Final = 100_000
HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of one link."""

    capacity: Capacity
    service: ServicePlan
    delay_s: float

    @classmethod
    def of(cls, direction: DirectionProfile, service: ServicePlan) -> Way:
        capacity: Capacity = (
            TracedCapacity(direction.trace) if direction.trace else ConstantCapacity(direction.rate_bit_s)
        )
        return cls(capacity, service, (direction.delay_ms - direction.jitter_ms) / 1_000)

    @classmethod
    def of_messages(cls, mailbox: Mailbox, service: ServicePlan, *, bytes_max: int) -> Way:
        """The same of a link that carries whole messages of at most so many bytes."""
        capacity = MessageCapacity(bytes_max, mailbox.interval_s, mailbox.first_departure_s)
        return cls(capacity, service, mailbox.delay_s_min)


def bound_s(ways: Sequence[Way], at_s: float, size_bytes: int) -> float:
    """How long so many bytes take at best from this moment on; infinity if the links stay dark."""
    left_bits, now_s = size_bytes * 8.0, at_s
    delay_s = min(way.delay_s for way in ways)
    for _ in range(SPANS_MAX):
        lit = [way for way in ways if way.service.is_up(now_s)]
        changes_s = min(
            way.service.next_down_s(now_s) if way in lit else way.service.next_up_s(now_s) for way in ways
        )
        if len(lit) == 1:
            through_s = lit[0].capacity.finish_s(now_s, left_bits)
        else:
            through_s = _through_s(lit, now_s, left_bits)
        if through_s <= changes_s:
            return through_s + delay_s - at_s
        if math.isinf(changes_s):
            break
        left_bits -= _bits(lit, now_s, changes_s)
        now_s = changes_s
    return math.inf


def _bits(lit: Sequence[Way], from_s: float, until_s: float) -> float:
    return sum(way.capacity.bits_between(from_s, until_s) for way in lit)


def _through_s(lit: Sequence[Way], now_s: float, size_bits: float) -> float:
    """When several links together have carried so much."""
    if not lit:
        return math.inf
    low_s, high_s = now_s, min(way.capacity.finish_s(now_s, size_bits) for way in lit)
    for _ in range(HALVINGS):
        middle_s = (low_s + high_s) / 2
        low_s, high_s = (low_s, middle_s) if _bits(lit, now_s, middle_s) >= size_bits else (middle_s, high_s)
    return low_s
