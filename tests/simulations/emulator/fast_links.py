"""Links for tests: fast enough to wait for, with every other property as asked."""

from __future__ import annotations

from simulations.links import DirectionProfile, LinkProfile


def fast_link(
    *, rate_bit_s: float = 50_000_000, delay_ms: float = 1.0, loss: float = 0.0, mtu_bytes: int = 1_500
) -> LinkProfile:
    """A link that is the same in both directions."""
    direction = DirectionProfile(
        rate_bit_s=rate_bit_s, delay_ms=delay_ms, loss=loss, queue_bytes=max(65_536, mtu_bytes)
    )
    return LinkProfile("test", "Test link", "Made for tests.", direction, direction, mtu_bytes)
