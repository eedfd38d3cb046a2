"""Tells whether a process's network namespace has a socket on a port, without sending it anything."""

from __future__ import annotations

import os
from pathlib import Path

from .control import Mode
from .link import Protocol

# Linux include/net/tcp_states.h; UDP sockets that are bound show as closed.
_STATE = {"tcp": "0A", "udp": "07"}


def listens(pid: int, port: int, protocol: Protocol, mode: Mode) -> bool:
    """True if any socket in the namespace of `pid` takes this port; false once the process is gone."""
    if mode is Mode.NAMESPACE and _shares_our_namespace(pid):
        return False  # `ip netns exec` has not entered the hub's namespace yet: these are our own ports.
    for table in (protocol, f"{protocol}6"):
        try:
            rows = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            _, local, _, state, *_ = row.split()
            if state == _STATE[protocol] and int(local.rpartition(":")[2], 16) == port:
                return True
    return False


def _shares_our_namespace(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")
    except OSError:
        return False
