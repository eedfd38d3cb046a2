"""Packets on a thin link: as large as the kernel's patience allows, and no larger."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.links.sockets import tuned_socket
from sync.links.tcp_info import progress_of, unacknowledged_bytes
from sync.links.thin_link import (
    ACKNOWLEDGEMENT_BYTES,
    CORK_S_MAX,
    FIRST_BYTES_MIN,
    HANDSHAKE_BYTES,
    HEADERS_BYTES,
    SEGMENT_BYTES_FULL,
    SEGMENT_BYTES_MIN,
    cork_of_caller_s,
    cork_s,
    packet_sizes,
)

KERNEL_ASKS_AFTER_HANDSHAKES = 2


@given(rate_bit_s=st.integers(300, 100_000), rtt_s=st.floats(0.02, 40.0))
def test_no_packet_is_repeated_before_its_acknowledgement_can_be_here(rate_bit_s: int, rtt_s: float) -> None:
    sizes = packet_sizes(rate_bit_s, rtt_s)
    rate_bytes_s = rate_bit_s / 8
    probe_s = KERNEL_ASKS_AFTER_HANDSHAKES * (rtt_s + 2 * HANDSHAKE_BYTES / rate_bytes_s)
    if sizes is None:
        assert (HEADERS_BYTES + SEGMENT_BYTES_FULL) / rate_bytes_s < probe_s
        return
    if sizes.first_bytes > FIRST_BYTES_MIN:
        on_the_line = sizes.first_bytes + 2 * ACKNOWLEDGEMENT_BYTES
        assert on_the_line / rate_bytes_s + rtt_s < probe_s
    if sizes.segment_bytes > SEGMENT_BYTES_MIN:
        assert (HEADERS_BYTES + sizes.segment_bytes) / rate_bytes_s < probe_s


@pytest.mark.parametrize(
    ("rate_bit_s", "rtt_s", "is_thin"),
    [(2_400, 0.6, True), (2_400, 1.5, True), (9_600, 0.3, True), (22_000, 0.9, False), (64_000, 0.6, False)],
)
def test_only_where_a_packet_takes_long_they_are_cut(rate_bit_s: int, rtt_s: float, is_thin: bool) -> None:
    assert (packet_sizes(rate_bit_s, rtt_s) is not None) is is_thin


def test_a_short_segment_waits_for_no_longer_than_its_headers_cost() -> None:
    assert cork_s(2_400) == CORK_S_MAX
    assert cork_s(64_000) == pytest.approx(0.008)
    assert cork_s(100_000_000) < 0.000_01


def test_the_kernel_tells_how_far_a_connection_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dialer = tuned_socket(2_400, socket.AF_INET, socket.SOCK_STREAM, 0, segment_bytes=600)
        with dialer, socket.socket() as unconnected:
            dialer.setblocking(True)
            dialer.connect(listening.getsockname())
            accepted, _ = listening.accept()
            with accepted:
                before = progress_of(dialer).acknowledged_bytes
                dialer.sendall(bytes(1_000))
                assert len(accepted.recv(1_000, socket.MSG_WAITALL)) == 1_000
                accepted.sendall(b"answer")  # What acknowledges the rest rides on it.
                assert dialer.recv(6) == b"answer"
                assert progress_of(dialer).acknowledged_bytes - before == 1_000
                assert unacknowledged_bytes(dialer) == 0
                assert 0.0 < progress_of(dialer).rtt_s_min <= progress_of(dialer).rtt_s < 1.0
                assert cork_of_caller_s(accepted) < CORK_S_MAX
                dialer.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                dialer.sendall(b"kept back")
                assert unacknowledged_bytes(dialer) == 9
            assert progress_of(unconnected).acknowledged_bytes == 0
