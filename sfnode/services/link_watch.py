"""Hears from the kernel of new network interfaces, addresses and routes: dialling is worth trying again."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final

_HEADER: Final = struct.Struct("=IHHII")
"""Length, type, flags, sequence and port of a netlink message (rtnetlink(7))."""
_NEW_LINK: Final = 16
_NEW_ADDRESS: Final = 20
_NEW_ROUTE: Final = 24
_GROUPS: Final = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
"""Multicast groups: links, IPv4 and IPv6 addresses and routes."""
_RECEIVE_BYTES: Final = 64 * 1024


async def watch_links(appeared: Callable[[], None]) -> None:
    """Call `appeared` at each such event until cancelled; never, where the kernel offers no such news."""
    try:
        watcher = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        watcher.bind((0, _GROUPS))
    except OSError:
        await asyncio.get_running_loop().create_future()
        return
    with watcher:
        watcher.setblocking(False)
        while True:
            if await _hears_of_new(watcher):
                appeared()


async def _hears_of_new(watcher: socket.socket) -> bool:
    try:
        data = await asyncio.get_running_loop().sock_recv(watcher, _RECEIVE_BYTES)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        # The kernel dropped news because too much came at once: surely something has changed.
        return True
    return any(kind in (_NEW_LINK, _NEW_ADDRESS, _NEW_ROUTE) for kind in message_kinds(data))


def message_kinds(data: bytes) -> Iterator[int]:
    """Types of the messages in one datagram; what is cut short at its end is passed over."""
    position = 0
    while position + _HEADER.size <= len(data):
        size_bytes, kind, *_ = _HEADER.unpack_from(data, position)
        yield kind
        # Messages are aligned to four bytes; a size below the header's would never end.
        position += max(_HEADER.size, (size_bytes + 3) & ~3)
