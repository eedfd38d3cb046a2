"""What the kernel tells of a TCP connection that stands."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from dataclasses import dataclass
from typing import Final

from .sockets import TcpSocket

_ROUND_TRIP_AT: Final = 68
_ACKNOWLEDGED_AT: Final = 120
_SHORTEST_AT: Final = 148
"""Where Linux has `tcpi_rtt`, `tcpi_bytes_acked` and `tcpi_min_rtt` in its `struct tcp_info`."""
_ROUND_TRIP: Final = struct.Struct("=I")
_ACKNOWLEDGED: Final = struct.Struct("=Q")
_INFO_BYTES: Final = _SHORTEST_AT + _ROUND_TRIP.size
_UNKNOWN: Final = 0xFFFF_FFFF
_NUMBER: Final = struct.Struct("i")
_MICROSECOND_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class TcpProgress:
    """How far a connection is; all zero where an older kernel tells less."""

    acknowledged_bytes: int = 0
    """How much of what was sent has reached the other end, with one for the handshake."""
    rtt_s: float = 0.0
    """The round trip lately, with the time that packets took on the line and waited for it."""
    rtt_s_min: float = 0.0
    """The shortest."""


def progress_of(target: TcpSocket) -> TcpProgress:
    """As it is now."""
    info = target.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    if len(info) < _INFO_BYTES:
        return TcpProgress()
    rtt_s = float(_ROUND_TRIP.unpack_from(info, _ROUND_TRIP_AT)[0]) * _MICROSECOND_S
    shortest = _ROUND_TRIP.unpack_from(info, _SHORTEST_AT)[0]
    return TcpProgress(
        acknowledged_bytes=int(_ACKNOWLEDGED.unpack_from(info, _ACKNOWLEDGED_AT)[0]),
        rtt_s=rtt_s,
        rtt_s_min=rtt_s if shortest == _UNKNOWN else float(shortest) * _MICROSECOND_S,
    )


def unacknowledged_bytes(target: TcpSocket) -> int:
    """What was written and has not been acknowledged by the other end of the TCP connection."""
    answer = fcntl.ioctl(target.fileno(), termios.TIOCOUTQ, bytes(_NUMBER.size))
    return int(_NUMBER.unpack(answer)[0])
