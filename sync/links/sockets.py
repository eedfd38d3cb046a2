"""TCP options that make a thin, lossy or dear link bearable, and what the kernel made of them."""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio.trsock import TransportSocket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

CONGESTION_CONTROL: Final = "bbr"
"""Measured at 1 % random loss and 600 ms: BBR 7.4 of 10 Mbit/s, CUBIC 0.44, Reno 0.22."""
SMALL_SEGMENT_BYTES: Final = 536
SMALL_SEGMENT_BELOW_BIT_S: Final = 5_000
"""Below it a full segment takes seconds: one loss, or one urgent bundle behind it, costs as much."""
UNSENT_BYTES_MIN: Final = 2 * 1024
UNSENT_BYTES_MAX: Final = 64 * 1024
UNSENT_S: Final = 0.4
"""What may wait unsent in the kernel, where no urgent bundle can overtake it: one chunk's time."""
LISTENER_RATE_BIT_S: Final = 1_000_000
"""For a listener's own options: it serves fast sites and slow ones, and its uplink is fast."""
CORK_BYTES: Final = 64
"""A short segment costs 52 bytes of headers: waiting is worth about the time they take."""
CORK_S_MAX: Final = 0.02
CORK_S_MIN: Final = 0.001
"""On links that fast nobody minds the headers."""
USER_TIMEOUT_S: Final = 120.0
"""For bytes without acknowledgement. Longer than an antenna is shadowed, far shorter than the kernel's own
quarter of an hour, during which a dead connection looks alive."""

_TCP_NOTSENT_LOWAT: Final = 25
"""Linux; the socket module names it from Python 3.12 on."""
_ACKNOWLEDGED_AT: Final = 120
_ACKNOWLEDGED: Final = struct.Struct("=Q")
"""Where Linux has `tcpi_bytes_acked` in its `struct tcp_info`."""
_NAME_BYTES_MAX: Final = 16


TcpSocket = socket.socket | TransportSocket
"""A socket, or what asyncio shows of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSettings:
    """What is in force on a socket."""

    congestion_control: str
    segment_bytes_max: int
    unsent_bytes_max: int
    user_timeout_s: float

    @property
    def bounds_queue(self) -> bool:
        """BBR keeps about what the link holds in flight, and the limit on unsent bytes does the rest."""
        return self.congestion_control == CONGESTION_CONTROL

    def described(self) -> tuple[str, ...]:
        """For status: what a person who tunes a link asks first."""
        wished = self.congestion_control == CONGESTION_CONTROL
        why = "" if wished else f" ({CONGESTION_CONTROL} is not permitted here)"
        return (
            f"congestion control: {self.congestion_control}{why}",
            f"segments: {self.segment_bytes_max} bytes at most",
            f"unsent in the kernel: {self.unsent_bytes_max} bytes at most",
        )


def tuned_socket(rate_bit_s: int, family: int, kind: int, protocol: int) -> socket.socket:
    """A non-blocking socket, tuned before it connects: the segment size is agreed in the first packet."""
    created = socket.socket(family, kind, protocol)
    try:
        created.setblocking(False)
        if rate_bit_s < SMALL_SEGMENT_BELOW_BIT_S:
            created.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT_BYTES)
        tune(created, rate_bit_s)
        if rate_bit_s < SMALL_SEGMENT_BELOW_BIT_S:
            # The handshake ends at once: behind a segment of seconds the other end would begin it again.
            created.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    except BaseException:
        created.close()
        raise
    return created


def socket_of(transport: asyncio.BaseTransport | None) -> TcpSocket | None:
    """The socket under a transport, None once it is closed."""
    target = transport.get_extra_info("socket") if transport is not None else None
    return target if target is not None and target.fileno() >= 0 else None


def tune(target: TcpSocket, rate_bit_s: int) -> None:
    """Options that also help on a connection that stands already.

    No small send buffer: it would also bound what is in flight, and so the rate of a link that turns out to
    be faster than was guessed. The limit on unsent bytes does what it is for, and only that.
    """
    unsent_bytes = min(max(int(rate_bit_s / 8 * UNSENT_S), UNSENT_BYTES_MIN), UNSENT_BYTES_MAX)
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    target.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, unsent_bytes)
    acknowledge_late(target)
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(USER_TIMEOUT_S * 1000))
    try:
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION_CONTROL.encode())
    except OSError:
        # The kernel lacks it or forbids it to us; slower under loss, never wrong. `settings_of` tells.
        return


def acknowledge_late(target: TcpSocket) -> None:
    """An acknowledgement waits a moment for bytes of ours to ride on; alone it costs 52 bytes.

    The kernel forgets it whenever it waited in vain.
    """
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)


def tune_listening(sockets: Iterable[TcpSocket]) -> None:
    """What accepted sockets inherit, and have from their first packet on."""
    for target in sockets:
        tune(target, LISTENER_RATE_BIT_S)


def settings_of(target: TcpSocket) -> TcpSettings:
    """What the kernel says, for status and diagnosis."""
    name = target.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _NAME_BYTES_MAX)
    return TcpSettings(
        congestion_control=name.split(b"\0")[0].decode("ascii", "replace"),
        segment_bytes_max=target.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG),
        unsent_bytes_max=target.getsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT),
        user_timeout_s=target.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1000,
    )


def acknowledged_bytes(target: TcpSocket) -> int:
    """How much of what was sent has reached the other end of the TCP connection."""
    size_bytes = _ACKNOWLEDGED_AT + _ACKNOWLEDGED.size
    info = target.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size_bytes)
    # An older kernel tells less; then nothing is known of what arrived.
    return int(_ACKNOWLEDGED.unpack_from(info, _ACKNOWLEDGED_AT)[0]) if len(info) == size_bytes else 0


class Cork:
    """Holds the rest of a segment back for a moment: what is written next often belongs with it.

    A session writes one chunk after another, and each by itself would end in a short segment.
    """

    def __init__(self, target: TcpSocket, rate_bit_s: int) -> None:
        self._target = target
        self._wait_s = min(CORK_BYTES * 8 / rate_bit_s, CORK_S_MAX)
        self._timer: asyncio.TimerHandle | None = None

    def hold(self) -> None:
        """Before writing; whole segments leave at once, the rest a moment after the last call."""
        if self._target.fileno() >= 0:
            acknowledge_late(self._target)
        if self._wait_s < CORK_S_MIN:
            return
        if self._timer is None:
            self._set(1)
        else:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._wait_s, self.release)

    def release(self) -> None:
        """Let go what is held; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._set(0)

    def _set(self, value: int) -> None:
        if self._target.fileno() >= 0:
            self._target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, value)


@contextmanager
def corked(target: TcpSocket) -> Iterator[None]:
    """What is written inside leaves in as few packets as it fits in, when the block ends."""
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    try:
        yield
    finally:
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
