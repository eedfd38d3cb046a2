"""Few packets where each one is dear: what waits to share one, and which are not sent at all.

A packet costs 40 to 60 bytes before it carries anything.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from .sockets import TcpSocket, acknowledge_late
from .tcp_info import progress_of

DEAR_BELOW_BIT_S: Final = 1_000_000
"""Links as fast as that are not paid for by the kilobyte."""
CORK_BYTES: Final = 64
"""A short segment costs 52 bytes of headers: waiting is worth about the time they take."""
CORK_S_MAX: Final = 0.02
"""Half of what the kernel waits at least before it acknowledges alone what our answer would."""
CORK_S_MIN: Final = 0.001
"""On links that fast nobody minds the headers."""
CORK_SHARE: Final = 1 / 50
"""Of the round trip, for a listener, who is not told the rate."""
REARM_S: Final = 0.25
"""The kernel delays an acknowledgement by 0.2 s at most, and not at all after one that waited in vain."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""`struct linger`: on, no seconds."""


def cork_s(rate_bit_s: int) -> float:
    """How long a short segment waits for more, on a link of this rate; 0 where that is not worth a timer."""
    return _worthwhile_s(CORK_BYTES * 8 / rate_bit_s)


def cork_of_caller_s(target: TcpSocket) -> float:
    """The same for a listener, from what the handshake took; nothing where that is not known."""
    return _worthwhile_s(progress_of(target).rtt_s * CORK_SHARE)


class Cork:
    """Holds the rest of a segment back for a moment, and acknowledgements until something of ours leaves.

    A session writes one chunk after another, and each by itself would end in a short segment.
    """

    def __init__(self, target: TcpSocket, wait_s: float) -> None:
        self._target = target
        self._wait_s = wait_s
        self._timer: asyncio.TimerHandle | None = None
        self._rearm: asyncio.TimerHandle | None = None

    def hold(self) -> None:
        """Before writing; whole segments leave at once, the rest a moment after the last call."""
        self._acknowledge_late()
        if not self._wait_s:
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

    def heard(self) -> None:
        """Something came: its acknowledgement waits for our answer, and so shall the next one's."""
        if self._wait_s and self._rearm is None:
            self._rearm = asyncio.get_running_loop().call_later(REARM_S, self._heard_in_vain)

    def close(self) -> None:
        """The connection is over."""
        for timer in (self._timer, self._rearm):
            if timer is not None:
                timer.cancel()

    def _heard_in_vain(self) -> None:
        self._rearm = None
        self._acknowledge_late()

    def _acknowledge_late(self) -> None:
        if self._target.fileno() >= 0:
            acknowledge_late(self._target)

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


def reset_on_close(target: TcpSocket) -> None:
    """Closing takes one packet of 40 bytes, and drops what has not left yet."""
    target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


def _worthwhile_s(wait_s: float) -> float:
    return min(wait_s, CORK_S_MAX) if wait_s >= CORK_S_MIN else 0.0
