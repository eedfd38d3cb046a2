"""First packets on a thin link: as large as the kernel's patience allows, and no larger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.links.packet_sizes import (
    ACKNOWLEDGEMENT_BYTES,
    ANSWER_BYTES,
    FIRST_BYTES_MIN,
    HANDSHAKE_BYTES,
    LEAD_S,
    STREAM_BYTES_FULL,
    STREAM_BYTES_MIN,
    PacketSizes,
    packet_sizes,
)


class Kernel:
    """The sender's timers by RFC 6298 and RFC 8985, as Linux keeps them: what fires, and when."""

    def __init__(self, rate_bit_s: int, rtt_s: float) -> None:
        self.rate_bytes_s, self.rtt_s = rate_bit_s / 8, rtt_s
        self.usual_s = rtt_s + 2 * HANDSHAKE_BYTES / self.rate_bytes_s
        self.spread_s = self.usual_s / 2
        self.out_at = ACKNOWLEDGEMENT_BYTES / self.rate_bytes_s
        """When the line is free; the end of the handshake leaves first."""
        self.flights: list[tuple[float, float]] = []
        """When each packet that was not heard of was handed over, and when it is acknowledged."""
        self.probe_at = self.gives_up_at = float("inf")
        self.repeats = 0

    def hand_over(self, stream_bytes: int, at: float, answer_bytes: int) -> None:
        self.hear_until(at)
        line_s = (stream_bytes + ACKNOWLEDGEMENT_BYTES) / self.rate_bytes_s
        self.out_at = max(self.out_at, at) + line_s
        answer_s = (answer_bytes + ACKNOWLEDGEMENT_BYTES) / self.rate_bytes_s
        self.flights.append((at, self.out_at + self.rtt_s + answer_s))
        self.arm(at)

    def arm(self, at: float) -> None:
        if not self.flights:
            self.probe_at = self.gives_up_at = float("inf")
            return
        alone_s = 0.2 if len(self.flights) == 1 else 0.0
        self.gives_up_at = max(self.flights[0][0], at if len(self.flights) == 1 else 0.0)
        self.gives_up_at += self.usual_s + max(4 * self.spread_s, 0.2)
        self.probe_at = min(at + 2 * self.usual_s + alone_s, self.gives_up_at)

    def hear_until(self, until: float) -> None:
        while self.flights and (heard_at := self.flights[0][1]) <= until:
            self.repeats += self.probe_at < heard_at
            handed_at, _ = self.flights.pop(0)
            took_s = heard_at - handed_at
            self.spread_s += (abs(took_s - self.usual_s) - self.spread_s) / 4
            self.usual_s += (took_s - self.usual_s) / 8
            self.arm(heard_at)


def fly(kernel: Kernel, sizes: PacketSizes, answers: list[int]) -> None:
    """Three packets, each handed over when the one in front is nearly out."""
    packets = (sizes.first_bytes, sizes.answered_bytes, sizes.next_bytes)
    for stream_bytes, answer_bytes in zip(packets, answers, strict=True):
        at = max(kernel.out_at - LEAD_S, 0.0) if kernel.flights else 0.0
        kernel.hand_over(stream_bytes, at, answer_bytes)
    kernel.hear_until(float("inf"))


def is_free(sizes: PacketSizes) -> bool:
    """None of the sizes is held up by its least."""
    return (
        sizes.first_bytes > FIRST_BYTES_MIN
        and sizes.answered_bytes > STREAM_BYTES_MIN
        and sizes.next_bytes > STREAM_BYTES_MIN
    )


@given(rate_bit_s=st.integers(300, 100_000), rtt_s=st.floats(0.05, 40.0), answered=st.integers(-1, 1))
def test_no_packet_is_repeated_before_its_acknowledgement_can_be_here(
    rate_bit_s: int, rtt_s: float, answered: int
) -> None:
    sizes = packet_sizes(rate_bit_s, rtt_s)
    if sizes is None or not is_free(sizes):
        return
    answers = [ANSWER_BYTES if n == answered else 0 for n in range(3)]
    kernel = Kernel(rate_bit_s, rtt_s)
    fly(kernel, sizes, answers if answered > 0 else [0, 0, 0])
    assert kernel.repeats == 0


@pytest.mark.parametrize(("rate_bit_s", "rtt_s"), [(2_400, 1.5), (2_400, 1.8)])
def test_larger_packets_would_be_repeated(rate_bit_s: int, rtt_s: float) -> None:
    sizes = packet_sizes(rate_bit_s, rtt_s)
    assert sizes is not None
    kernel = Kernel(rate_bit_s, rtt_s)
    kernel.hand_over(STREAM_BYTES_FULL, 0.0, 0)
    kernel.hear_until(float("inf"))
    assert kernel.repeats == 1


@pytest.mark.parametrize(
    ("rate_bit_s", "rtt_s", "is_thin"),
    [(2_400, 0.6, True), (2_400, 1.5, True), (9_600, 0.3, True), (22_000, 0.9, False), (64_000, 0.6, False)],
)
def test_only_where_a_packet_takes_long_they_are_cut(rate_bit_s: int, rtt_s: float, is_thin: bool) -> None:
    assert (packet_sizes(rate_bit_s, rtt_s) is not None) is is_thin


def test_a_short_consult_and_its_greeting_take_three_packets() -> None:
    sizes = packet_sizes(2_400, 1.5)
    assert sizes is not None
    assert sizes.flight_bytes > 2_000 + 200
    assert sizes.segment_bytes == sizes.next_bytes + 12  # Options, which `TCP_MAXSEG` counts.
