"""Sockets in memory: what the product's TCP options, and its questions to the kernel, meet in virtual time.

The kernel that is simulated has no BBR and reports what Linux reports. While `sockets_in_memory` lasts, the
few places in which the product makes or asks a socket of its own use these.
"""

from __future__ import annotations

import errno
import itertools
import socket
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

from sync.links import light_search, sockets, tcp_info

from .tcp import TcpEnd
from .tcp_terms import Options

DESCRIPTORS_FROM: Final = 1 << 20
"""Far above those of the machine: none of these may ever reach a real kernel."""
TIMED_OUT: Final = 4
_INFO: Final = struct.Struct("=xB6xI4xI4xI40xI48xQ20xI8xQ24xI")
"""Of Linux's `struct tcp_info`, what `sync.links.tcp_info` reads."""
_MICROSECONDS: Final = 1e6


class _Option(IntEnum):
    """Of Linux; the socket module of this Python has no names for them."""

    UNSENT = 25
    CONGESTION_INFO = 26


_descriptors = itertools.count(DESCRIPTORS_FROM)
_open: weakref.WeakValueDictionary[int, MemorySocket] = weakref.WeakValueDictionary()


class MemorySocket(socket.socket):
    """A TCP socket that no kernel knows of."""

    # `__init__` of the parent would ask the machine for one.
    def __init__(self, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM) -> None:
        self._io_refs, self._closed = 0, False
        self._family, self._type = family, type
        self._descriptor = next(_descriptors)
        self._others: dict[tuple[int, int], Any] = {}
        self.options = Options()
        self.end: TcpEnd | None = None
        """Once it is connected."""
        _open[self._descriptor] = self

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AddressFamily(self._family)

    @property
    def type(self) -> socket.SocketKind:
        return socket.SocketKind(self._type)

    @property
    def proto(self) -> int:
        return socket.IPPROTO_TCP

    def fileno(self) -> int:
        return -1 if self._closed else self._descriptor

    def setblocking(self, flag: bool, /) -> None:
        """It never blocks."""

    def gettimeout(self) -> float | None:
        return 0.0

    def getsockname(self) -> Any:
        return self._connected().address

    def getpeername(self) -> Any:
        return self._connected().peer_address

    def detach(self) -> int:
        """The connection, for `StandingMemorySocket`."""
        self._closed = True
        return self._descriptor

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            if self.end is not None:
                self.end.close()

    def setsockopt(self, *arguments: Any) -> None:
        level, name, value = arguments[:3]
        match level, name:
            case socket.IPPROTO_TCP, socket.TCP_CONGESTION:
                raise OSError(errno.ENOENT, "This kernel has no such congestion control")
            case socket.IPPROTO_TCP, socket.TCP_MAXSEG:
                self.options.segment_bytes_max = min(value, self.options.segment_bytes_max)
            case socket.IPPROTO_TCP, _Option.UNSENT:
                self.options.unsent_bytes_max = value
            case socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT:
                self.options.user_timeout_s = value / 1000
            case socket.IPPROTO_TCP, socket.TCP_CORK:
                self._cork(is_corked=bool(value))
            case socket.SOL_SOCKET, socket.SO_LINGER:
                self.options.resets_on_close = struct.unpack("ii", value) == (1, 0)
            case _:
                self._others[level, name] = value

    def getsockopt(self, level: int, name: int, *size: int) -> Any:
        match level, name:
            case socket.IPPROTO_TCP, socket.TCP_INFO:
                return _info(self.end)
            case socket.IPPROTO_TCP, socket.TCP_CONGESTION:
                return b"cubic\0"
            case socket.IPPROTO_TCP, _Option.CONGESTION_INFO:
                return b""
            case socket.IPPROTO_TCP, socket.TCP_MAXSEG:
                return self.options.segment_bytes_max
            case socket.IPPROTO_TCP, _Option.UNSENT:
                return self.options.unsent_bytes_max
            case socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT:
                return int(self.options.user_timeout_s * 1000)
            case _:
                return self._others.get((level, name), 0)

    def _cork(self, *, is_corked: bool) -> None:
        self.options.is_corked = is_corked
        if self.end is not None and not is_corked:
            self.end.sending.pump()

    def _connected(self) -> TcpEnd:
        if self.end is None or self._closed:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return self.end


class StandingMemorySocket(MemorySocket, light_search.StandingSocket):
    """One that stands already: whoever connects it finds it so."""

    def __init__(self, *, fileno: int) -> None:
        detached = _open[fileno]
        super().__init__(detached.family, detached.type)
        self.options, self.end = detached.options, detached.end


def _info(end: TcpEnd | None) -> bytes:
    if end is None:
        return bytes(_INFO.size)
    progress = end.progress
    rtt_us, rtt_us_min = (int(each * _MICROSECONDS) for each in (progress.rtt_s, progress.rtt_s_min))
    rate_bytes_s = end.options.segment_bytes_max / max(progress.rtt_s, 1e-3)
    return _INFO.pack(
        TIMED_OUT if progress.has_timed_out else 0,
        int(end.sending.repeat_s * _MICROSECONDS),
        end.options.segment_bytes_max,
        end.sending.segments_under_way,
        rtt_us,
        progress.acknowledged_bytes,
        rtt_us_min,
        int(rate_bytes_s),
        progress.delivered_segments,
    )


def _made(family: int, kind: int, _: int) -> socket.socket:
    return MemorySocket(family, kind)


def _queued_bytes(descriptor: int) -> int:
    found = _open.get(descriptor)
    return 0 if found is None or found.end is None else found.end.sending.unacknowledged_bytes


@contextmanager
def sockets_in_memory() -> Iterator[None]:
    """While the context lasts, the product's TCP sockets are in memory; not beside a loop of the machine."""
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (sockets, "bare_socket", _made),
        (tcp_info, "queued_bytes", _queued_bytes),
        (light_search, "StandingSocket", StandingMemorySocket),
    )
    before = [(holder, name, holder.__dict__[name]) for holder, name, _ in replaced]
    for holder, name, stand_in in replaced:
        setattr(holder, name, stand_in)
    try:
        yield
    finally:
        for holder, name, original in before:
            setattr(holder, name, original)
