"""Keeps a connection that stands from answering what is left of its handshake.

On a link whose round trip is longer than a second the kernel of the other end says its half of the handshake
more than once, before ours can be there. Each would be acknowledged, in front of the first bytes that matter.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from contextlib import suppress
from typing import Final

from .sockets import TcpSocket

_SO_ATTACH_FILTER: Final = 26
_FLAGS_AT: Final = 13
"""In the header of TCP, with which a packet begins for a filter of its socket."""
_SYN: Final = 0x02
_LOAD_BYTE: Final = 0x30
_SKIP_UNLESS_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_ALL_BYTES: Final = 0xFFFF_FFFF
_STEP: Final = struct.Struct("=HBBI")
"""`struct sock_filter`: what to do, how many steps to skip if so and if not, and with which number."""
_STEPS: Final = (
    (_LOAD_BYTE, 0, 0, _FLAGS_AT),
    (_SKIP_UNLESS_ANY_BIT, 0, 1, _SYN),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _ALL_BYTES),
)
_PROGRAM: Final = struct.Struct("@HP")
"""`struct sock_fprog`: how many steps, and where they are."""


def ignore_late_handshake(target: TcpSocket) -> None:
    """For a connection that stands, whose side speaks first: what it says completes the handshake by itself.

    Where the kernel takes no filter it acknowledges each repetition, which costs 52 bytes and harms nothing.
    """
    steps = ctypes.create_string_buffer(b"".join(_STEP.pack(*step) for step in _STEPS))
    with suppress(OSError):
        program = _PROGRAM.pack(len(_STEPS), ctypes.addressof(steps))
        target.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
