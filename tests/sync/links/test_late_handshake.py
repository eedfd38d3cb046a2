"""A connection that stands hears nothing more of its handshake, and everything else."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing, suppress

import pytest

from sync.links.byte_queue import ByteQueue
from sync.links.http_request import StreamingRequest, new_client
from sync.links.late_handshake import ignore_late_handshake
from sync.links.sockets import TcpSocket

from .contract import PATIENCE_S

SO_GET_FILTER = 26
FILTER_BYTES_MAX = 1_024
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10


def segment(flags: int, payload: bytes = b"") -> bytes:
    """As a filter of a TCP socket is shown it: the header without options, and what it carries."""
    return bytes(12) + bytes([0x50, flags]) + bytes(6) + payload


def let_through(*segments: bytes) -> list[bytes]:
    """What the kernel leaves of these: it runs one filter over packets of every kind."""
    sending, receiving = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with closing(sending), closing(receiving):
        ignore_late_handshake(receiving)
        for data in segments:
            sending.send(data)
        sending.close()
        receiving.setblocking(False)
        heard = []
        with suppress(BlockingIOError):
            while True:
                heard.append(receiving.recv(4_096))
    return heard


@pytest.mark.parametrize("flags", [SYN, SYN | ACK])
def test_what_repeats_a_handshake_is_dropped(flags: int) -> None:
    assert let_through(segment(ACK), segment(flags), segment(PSH | ACK)) == [segment(ACK), segment(PSH | ACK)]


@pytest.mark.parametrize("flags", [ACK, PSH | ACK, FIN | ACK, RST, RST | ACK])
def test_everything_else_comes_through_whole(flags: int) -> None:
    said = segment(flags, bytes(range(256)) * 5)
    assert let_through(said) == [said]


def test_a_connection_that_ignores_its_handshake_carries_on_and_ends_as_usual() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        with socket.create_connection(listening.getsockname()) as dialer:
            ignore_late_handshake(dialer)
            accepted, _ = listening.accept()
            with accepted:
                dialer.sendall(b"question")
                assert accepted.recv(8, socket.MSG_WAITALL) == b"question"
                accepted.sendall(bytes(100_000))
            assert len(dialer.recv(100_000, socket.MSG_WAITALL)) == 100_000
            assert dialer.recv(1) == b""


def test_a_socket_that_is_gone_is_let_alone() -> None:
    gone = socket.socket()
    gone.close()
    ignore_late_handshake(gone)


def is_filtered(target: TcpSocket) -> bool:
    """Asked for its filter, the kernel returns so many bytes as it has steps."""
    return len(target.getsockopt(socket.SOL_SOCKET, SO_GET_FILTER, FILTER_BYTES_MAX)) > 0


async def test_a_request_ignores_what_is_left_of_its_handshake() -> None:
    async with asyncio.timeout(PATIENCE_S):
        with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as other:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/sync"
            async with new_client(2_400, 1.5, True, lambda _: None) as client:
                request = StreamingRequest(
                    client,
                    url,
                    ByteQueue(1_024),
                    rate_bit_s=2_400,
                    rtt_s=1.5,
                    went_dark=lambda: None,
                    refused_as_too_large=lambda: None,
                )
                await request.open()
                assert request.socket is not None
                assert is_filtered(request.socket)
                assert not is_filtered(other)
                await request.close()
