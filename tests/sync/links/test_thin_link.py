"""What waits to share a packet, and what the kernel tells of a connection."""

from __future__ import annotations

import socket

import pytest

from sync.links.sockets import tuned_socket
from sync.links.tcp_info import progress_of, unacknowledged_bytes
from sync.links.thin_link import CORK_S_MAX, cork_of_caller_s, cork_s


def test_a_short_segment_waits_for_no_longer_than_its_headers_cost() -> None:
    assert cork_s(2_400) == CORK_S_MAX
    assert cork_s(64_000) == pytest.approx(0.008)
    assert cork_s(100_000_000) == 0.0


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
