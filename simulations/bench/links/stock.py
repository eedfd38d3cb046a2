"""What rows are made of: links by their figures, and parcels of chance bytes, always the same ones."""

from __future__ import annotations

import random
from typing import Final

from protocol.header import Priority
from simulations.links import DirectionProfile, LinkProfile
from sync.ports import Rank

from .scenario import Parcel

MTU_BYTES: Final = 1_500
QUEUE_S: Final = 4.0
QUEUE_BYTES: Final = (8_192, 65_536)
"""Slow links hold some seconds, between these sizes, as the shipped profiles of modems and terminals do; fast
ones hold one round trip."""


def bench_link(
    said: str, up_bit_s: float, down_bit_s: float, rtt_s: float, *, loss: float = 0.0
) -> LinkProfile:
    """Half of the round trip each way, and queues as long as such links have them."""

    def direction(rate_bit_s: float) -> DirectionProfile:
        least_bytes, most_bytes = QUEUE_BYTES
        slow_bytes = max(least_bytes, min(round(rate_bit_s / 8 * QUEUE_S), most_bytes))
        return DirectionProfile(
            rate_bit_s=rate_bit_s,
            delay_ms=rtt_s * 500,
            loss=loss,
            queue_bytes=max(slow_bytes, round(rate_bit_s / 8 * rtt_s)),
        )

    source = "Parameters of the bench, chosen so that others' published measurements compare."
    return LinkProfile("bench", said, source, direction(up_bit_s), direction(down_bit_s), MTU_BYTES)


def chance_parcel(
    name: str, size_bytes: int, *, priority: Priority = Priority.URGENT, rank: Rank = Rank.TEXT
) -> Parcel:
    """Bytes that look as sealed content does."""
    return Parcel(name=name, sealed=chance_bytes(name, size_bytes), priority=priority, rank=rank)


def chance_bytes(name: str, size_bytes: int) -> bytes:
    """The same for everybody who measures."""
    return random.Random(name).randbytes(size_bytes)


def plain_text(size_bytes: int) -> bytes:
    """JSON of exactly this size that no compression shortens much."""
    frame = b'{"note":""}'
    letters = random.Random(size_bytes).choices(
        "abcdefghijklmnopqrstuvwxyz0123456789", k=size_bytes - len(frame)
    )
    return frame[:-2] + "".join(letters).encode() + frame[-2:]
