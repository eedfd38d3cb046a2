"""TCP options that make a thin, lossy or dear link bearable, and what the kernel made of them."""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio.trsock import TransportSocket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ..way_out import WayOut, bind_to

CONGESTION_CONTROL: Final = "bbr"
"""Measured at 1 % random loss and 600 ms: BBR 7.4 of 10 Mbit/s, CUBIC 0.44, Reno 0.22."""
UNSENT_BYTES_MIN: Final = 2 * 1024
UNSENT_BYTES_MAX: Final = 64 * 1024
UNSENT_S: Final = 0.4
"""What may wait unsent in the kernel, where no urgent bundle can overtake it: one chunk's time."""
LISTENER_RATE_BIT_S: Final = 1_000_000
"""For a listener's own options: it serves fast sites and slow ones, and its uplink is fast."""
USER_TIMEOUT_S: Final = 120.0
"""For bytes without acknowledgement. Longer than an antenna is shadowed, far shorter than the kernel's own
quarter of an hour, during which a dead connection looks alive."""

RECEIVED_BYTES: Final = 4 * 1024 * 1024
"""What may lie received behind a gap, from the first round trip on: the kernel's own estimate of what a link
holds grows with what was read, and behind a lost packet nothing is. It may still find more."""

_SO_BUF_LOCK: Final = 72
_TCP_NOTSENT_LOWAT: Final = 25
"""Linux; the socket module names it from Python 3.12 on."""
_SO_MAX_PACING_RATE: Final = 47
_PACE: Final = struct.Struct("=I")
_NO_PACE: Final = 0xFFFF_FFFF
"""As the kernel itself says it in 32 bits."""
_TCP_RTO_MAX_MS: Final = 44
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


def tuned_socket(
    rate_bit_s: int,
    family: int,
    kind: int,
    protocol: int,
    *,
    segment_bytes: int | None = None,
    way_out: WayOut | None = None,
) -> socket.socket:
    """A non-blocking socket, tuned before it connects: the segment size is agreed in the first packet."""
    created = bare_socket(family, kind, protocol)
    try:
        created.setblocking(False)
        if way_out is not None:
            bind_to(created, way_out)
        if segment_bytes is not None:
            created.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment_bytes)
        receive_much(created)
        tune(created, rate_bit_s)
    except BaseException:
        created.close()
        raise
    return created


def bare_socket(family: int, kind: int, protocol: int) -> socket.socket:
    """As the kernel gives it. Every connection that is dialled begins here."""
    return socket.socket(family, kind, protocol)


def socket_of(transport: asyncio.BaseTransport | None) -> TcpSocket | None:
    """The socket under a transport, None once it is closed."""
    target = transport.get_extra_info("socket") if transport is not None else None
    return target if target is not None and target.fileno() >= 0 else None


def tune(target: TcpSocket, rate_bit_s: int) -> None:
    """Options that also help on a connection that stands already.

    No small send buffer: it would also bound what is in flight, and so the rate of a link that turns out to
    be faster than was guessed. The limit on unsent bytes does what it is for, and only that.
    """
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    limit_unsent(target, rate_bit_s)
    acknowledge_late(target)
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(USER_TIMEOUT_S * 1000))
    try:
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION_CONTROL.encode())
    except OSError:
        # The kernel lacks it or forbids it to us; slower under loss, never wrong. `settings_of` tells.
        return


def receive_much(target: TcpSocket) -> None:
    """Before a connection stands; kernels before 5.14 keep what is set for good, so they are let alone."""
    with suppress(OSError):
        locked = target.getsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK)
        target.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        target.setsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK, locked)


def limit_unsent(target: TcpSocket, rate_bit_s: int) -> None:
    """For a link of this rate, as guessed or as it turned out."""
    unsent_bytes = min(max(int(rate_bit_s / 8 * UNSENT_S), UNSENT_BYTES_MIN), UNSENT_BYTES_MAX)
    target.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, unsent_bytes)


def limit_pace(target: TcpSocket, bytes_s: int | None) -> None:
    """The kernel sends no faster; None lets it decide."""
    pace = _NO_PACE if bytes_s is None else min(max(bytes_s, 1), _NO_PACE)  # At 0 nothing would leave.
    target.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, _PACE.pack(pace))


def limit_repeats(target: TcpSocket, most_s: float) -> None:
    """The kernel asks a silent link at least so often whether it is back.

    Else it waits twice as long each time. Kernels before 6.15 cannot be told.
    """
    with suppress(OSError):
        target.setsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS, int(most_s * 1000))


def is_bbr(target: TcpSocket) -> bool:
    """Whether the kernel gave us what `tune` asked for."""
    name = target.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _NAME_BYTES_MAX)
    return name.split(b"\0")[0] == CONGESTION_CONTROL.encode()


def renew_bbr(target: TcpSocket) -> None:
    """Let BBR begin anew, with the window that it has.

    The kernel ignores the name that is in force, so by way of the one that every kernel has. Where BBR was
    forbidden meanwhile that one stays: slower under loss, never wrong.
    """
    with suppress(OSError):
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION_CONTROL.encode())


def acknowledge_late(target: TcpSocket) -> None:
    """An acknowledgement waits a moment for bytes of ours to ride on; alone it costs 52 bytes.

    The kernel forgets it whenever it waited in vain.
    """
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)


def tune_listening(sockets: Iterable[TcpSocket]) -> None:
    """What accepted sockets inherit, and have from their first packet on."""
    for target in sockets:
        receive_much(target)
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
