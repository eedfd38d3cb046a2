"""Opens TUN devices: a file descriptor whose reads and writes are whole IP packets."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass

TUN_DEVICE = "/dev/net/tun"

# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000  # No 4-byte header in front of each packet.
_INTERFACE_REQUEST = struct.Struct("16sH22x")  # struct ifreq: name, flags, padding.


@dataclass(frozen=True, slots=True)
class TunDevice:
    """An open device; closing the descriptor destroys it, wherever it has been moved."""

    descriptor: int
    interface: str


def open_tun() -> TunDevice:
    """Create a device under a name the kernel picks; raises OSError where that is not allowed."""
    descriptor = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        request = _INTERFACE_REQUEST.pack(b"sfsim%d", _IFF_TUN | _IFF_NO_PI)
        answer = fcntl.ioctl(descriptor, _TUNSETIFF, request)
    except OSError:
        os.close(descriptor)
        raise
    name, _ = _INTERFACE_REQUEST.unpack(answer)
    return TunDevice(descriptor, name.rstrip(b"\0").decode())
