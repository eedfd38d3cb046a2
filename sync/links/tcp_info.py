"""What the kernel tells of a TCP connection that stands."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from dataclasses import dataclass
from typing import Final

from .sockets import TcpSocket

_INFO: Final = struct.Struct("=xB6xI4xI4xI40xI48xQ20xI8xQ24xI")
"""Of Linux's `struct tcp_info`: `tcpi_ca_state`, `tcpi_rto`, `tcpi_snd_mss`, `tcpi_unacked`, `tcpi_rtt`,
`tcpi_bytes_acked`, `tcpi_min_rtt`, `tcpi_delivery_rate` and `tcpi_delivered`."""
_TIMED_OUT: Final = 4
"""`TCP_CA_Loss`: nothing was heard for so long that all is sent again."""
_UNKNOWN: Final = 0xFFFF_FFFF
_TCP_CC_INFO: Final = 26
_BBR_INFO: Final = struct.Struct("=12xI")
"""Of `struct tcp_bbr_info`, and of later ones: the pacing gain, in 256ths."""
_BEGINNING_GAIN: Final = 2 * 256
"""BBR looks for a link's end at more than twice what it has found so far, and then never again."""
_NUMBER: Final = struct.Struct("i")
_MICROSECOND_S: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpProgress:
    """How far a connection is; all zero where an older kernel tells less."""

    acknowledged_bytes: int = 0
    """How much of what was sent has reached the other end, with one for the handshake."""
    rtt_s: float = 0.0
    """The round trip lately, with the time that packets took on the line and waited for it."""
    rtt_s_min: float = 0.0
    """The shortest."""
    delivered_bytes_s: float = 0.0
    """How fast segments reached the other end lately, those sent again among them; without their headers."""
    delivered_segments: int = 0
    """That many have, in all."""
    segment_bytes: int = 0
    segments_under_way: int = 0
    has_timed_out: bool = False
    """The last segments were taken for lost, all of them, as when the link is away."""
    is_beginning: bool = False
    """BBR still looks for what the link can carry."""
    patience_s: float = 0.0
    """How long the kernel waits for an acknowledgement now before it takes all for lost."""

    @property
    def is_delivering(self) -> bool:
        """Whether the figures are those of a link that is in use."""
        return self.delivered_bytes_s > 0 and self.segments_under_way > 0 and not self.has_timed_out


def progress_of(target: TcpSocket) -> TcpProgress:
    """As it is now."""
    info = target.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    if len(info) < _INFO.size:
        return TcpProgress()
    state, patience_us, segment_bytes, under_way, rtt_us, acknowledged_bytes, *rest = _INFO.unpack(info)
    shortest_us, rate, delivered_segments = rest
    return TcpProgress(
        acknowledged_bytes=acknowledged_bytes,
        rtt_s=rtt_us * _MICROSECOND_S,
        rtt_s_min=(rtt_us if shortest_us == _UNKNOWN else shortest_us) * _MICROSECOND_S,
        delivered_bytes_s=float(rate),
        delivered_segments=delivered_segments,
        segment_bytes=segment_bytes,
        segments_under_way=under_way,
        has_timed_out=state == _TIMED_OUT,
        patience_s=patience_us * _MICROSECOND_S,
        is_beginning=_is_beginning(target),
    )


def _is_beginning(target: TcpSocket) -> bool:
    info = target.getsockopt(socket.IPPROTO_TCP, _TCP_CC_INFO, _BBR_INFO.size)
    return len(info) == _BBR_INFO.size and _BBR_INFO.unpack(info)[0] > _BEGINNING_GAIN


def unacknowledged_bytes(target: TcpSocket) -> int:
    """What was written and has not been acknowledged by the other end of the TCP connection."""
    return queued_bytes(target.fileno())


def queued_bytes(descriptor: int) -> int:
    """The same of a socket's descriptor, which is all that the kernel takes for this question."""
    answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(_NUMBER.size))
    return int(_NUMBER.unpack(answer)[0])
