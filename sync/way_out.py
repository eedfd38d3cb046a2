"""Which way out of this machine a dialer's packets take: from one of its addresses, or by one interface.

Law: packets never leave another way than the one that was named; where it is not there, the dial fails.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final, NewType

WayOut = NewType("WayOut", str)
"""An address of this machine, or the name of a network interface."""

_INTERFACE: Final = re.compile(r"[!-.0-9;-~]{1,15}")
"""Printable, without slash and colon: what Linux takes as the name of one."""


class MalformedWayOut(Exception):
    """The text names neither an address nor an interface."""


def parse_way_out(text: str) -> WayOut:
    """Raises `MalformedWayOut`; whether this machine has it shows only when it dials."""
    if not _is_address(text) and (not _INTERFACE.fullmatch(text) or _is_nearly_address(text)):
        raise MalformedWayOut(
            "A way out is an address of this machine, such as 192.168.7.2, or the name of one of its network "
            f"interfaces, such as eth1, not {text!r}."
        )
    return WayOut(text)


def bind_to(target: socket.socket, way_out: WayOut) -> None:
    """Before it connects. Raises `OSError` in words where this machine has no such address or interface."""
    try:
        if _is_address(way_out):
            target.bind((way_out, 0))
        else:
            target.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, way_out.encode())
    except OSError as error:
        raise OSError(
            error.errno, f"nothing can leave by {way_out} here: {error.strerror or error}"
        ) from error


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_nearly_address(text: str) -> bool:
    """`10.0.0.300` is a slip, and no interface's name."""
    return re.fullmatch(r"[\d.]+", text) is not None
