"""Beside a flow of CUBIC we take a fair share of a clean link, and give it back."""

from __future__ import annotations

import pytest

from protocol.frames import Data
from protocol.framing import encode_frame
from sync.links.datagram_rate import RateMemory

from .cubic_flow import CubicFlow
from .lossy_link import Conditions, joined
from .test_datagram_boxes import offer

BUNDLE_BYTES = 16_000_000
CHUNK_BYTES = 8_000


def shares(rate_bit_s: float, rtt_s: float, queue_bytes: int, *, ours_at: float, cubic_at: float) -> float:
    """Our part of what both carried, from twenty seconds after the later one's start on."""
    link = Conditions(rate_bit_s=rate_bit_s, delay_s=rtt_s / 2, queue_bytes=queue_bytes)
    world, dialer, listener = joined(link, memory=RateMemory(rate_bit_s / 8, rtt_s, is_proven=True))
    flow = CubicFlow(world, dialer.line, listener.line, rtt_s)
    settled_at = max(ours_at, cubic_at) + 20.0
    ours = sent = 0

    def heard(message: bytes) -> None:
        nonlocal ours
        ours += len(message) if world.now > settled_at else 0
        listener.received.clear()

    def refill() -> None:
        nonlocal sent
        while dialer.transport.has_room:
            number, offset = divmod(sent, BUNDLE_BYTES)
            if offset == 0:
                dialer.write(encode_frame(offer(number + 1, BUNDLE_BYTES)))
            dialer.write(encode_frame(Data(number + 1, offset, bytes(CHUNK_BYTES))))
            sent += CHUNK_BYTES

    def begin() -> None:
        dialer.refill = refill
        dialer.settle()

    listener.heard = heard
    world.at(ours_at, begin)
    world.at(cubic_at, flow.pump)
    world.run(until=settled_at + 80.0)
    theirs = flow.arrived_bytes_after(settled_at)
    assert (ours + theirs) * 8 / 80.0 > 0.85 * rate_bit_s, "together they fill the link"
    return ours / (ours + theirs)


@pytest.mark.parametrize(
    ("rate_bit_s", "rtt_s", "queue_bytes", "ours_at", "cubic_at"),
    [
        (5_000_000, 0.6, 200_000, 0.0, 10.0),
        (2_000_000, 0.1, 50_000, 0.0, 10.0),
        (2_000_000, 0.1, 50_000, 10.0, 0.0),
        (1_000_000, 0.6, 75_000, 0.0, 0.1),
    ],
)
def test_a_clean_link_is_shared(
    rate_bit_s: float, rtt_s: float, queue_bytes: int, ours_at: float, cubic_at: float
) -> None:
    share = shares(rate_bit_s, rtt_s, queue_bytes, ours_at=ours_at, cubic_at=cubic_at)
    assert 0.25 <= share <= 0.75
