"""Makes the two network namespaces of an emulated link, and removes them, and those of killed runs.

Nothing leaves: each namespace has its loopback and one TUN device with a route to the other end only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import NamespaceRefused
from .tun import TUN_DEVICE, open_tun

SITE_ADDRESS = "10.77.0.1"
HUB_ADDRESS = "10.77.0.2"
INTERFACE = "link0"
DEVICE_QUEUE_PACKETS = 10_000
"""What leaves while another process has the core waits in the device: Linux's 500 would be lost beside the
model. The model's own buffer is the one that fills: the device is read as soon as we are awake."""

_NAMED_NAMESPACES = Path("/run/netns")
# The owner's pid and start time are in the name, so a later run can tell ours from a killed one's.
_OURS = re.compile(r"^sfsim-(\d+)-(\d+)-(?:site|hub)$")
_IP_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of the link: its namespace, and the descriptor that carries its IP packets."""

    namespace: str
    descriptor: int


def namespace_obstacle() -> str | None:
    """Why this process cannot make network namespaces, as the end of a sentence; None if it may try."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the command ip is not installed (package iproute2)"
    if not os.path.exists(TUN_DEVICE):
        return f"{TUN_DEVICE} does not exist, so there are no TUN devices"
    return None


@contextmanager
def namespace_pair(mtu_bytes: int) -> Iterator[tuple[LinkEnd, LinkEnd]]:
    """The site's and the hub's end, removed on leaving; raises `NamespaceRefused`."""
    if obstacle := namespace_obstacle():
        raise NamespaceRefused(f"The link cannot be made of network namespaces: {obstacle}.")
    remove_stale_namespaces()
    owner = f"sfsim-{os.getpid()}-{_start_time(os.getpid())}"
    names = (f"{owner}-site", f"{owner}-hub")
    descriptors: list[int] = []
    try:
        site = _make_end(names[0], SITE_ADDRESS, HUB_ADDRESS, mtu_bytes, descriptors)
        hub = _make_end(names[1], HUB_ADDRESS, SITE_ADDRESS, mtu_bytes, descriptors)
        yield site, hub
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
        for name in names:
            _remove(name)


def remove_stale_namespaces() -> list[str]:
    """Remove namespaces whose owning process is gone; returns their names."""
    if not _NAMED_NAMESPACES.is_dir():
        return []
    stale = [
        name
        for name in sorted(os.listdir(_NAMED_NAMESPACES))
        if (ours := _OURS.match(name)) and _start_time(int(ours.group(1))) != ours.group(2)
    ]
    for name in stale:
        _remove(name)
    return stale


def _make_end(name: str, address: str, peer: str, mtu_bytes: int, descriptors: list[int]) -> LinkEnd:
    _ip("netns", "add", name)
    try:
        device = open_tun()
    except OSError as error:
        raise NamespaceRefused(
            f"The link cannot be made of network namespaces: {TUN_DEVICE}: {error.strerror}."
        ) from error
    descriptors.append(device.descriptor)
    _ip("link", "set", "dev", device.interface, "netns", name, "name", INTERFACE)
    _silence_ipv6(name)
    _ip("-n", name, "link", "set", "dev", INTERFACE, "mtu", str(mtu_bytes))
    _ip("-n", name, "link", "set", "dev", INTERFACE, "txqueuelen", str(DEVICE_QUEUE_PACKETS))
    _ip("-n", name, "address", "add", address, "peer", peer, "dev", INTERFACE)
    _ip("-n", name, "link", "set", "dev", "lo", "up")
    _ip("-n", name, "link", "set", "dev", INTERFACE, "up")
    return LinkEnd(name, device.descriptor)


def _silence_ipv6(name: str) -> None:
    """Allow no link-local address: the kernel's own chatter would be counted as the user's traffic."""
    # A kernel without IPv6 refuses this, and has nothing to be silenced.
    _run_ip("-n", name, "link", "set", "dev", INTERFACE, "addrgenmode", "none")


def _run_ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ip", *arguments], capture_output=True, text=True, timeout=_IP_TIMEOUT_S, check=False
    )


def _ip(*arguments: str) -> None:
    done = _run_ip(*arguments)
    if done.returncode != 0:
        raise NamespaceRefused(
            "The link cannot be made of network namespaces: "
            f"ip {' '.join(arguments)}: {done.stderr.strip() or f'exit status {done.returncode}'}."
        )


def _remove(name: str) -> None:
    # Never made, or removed by a run that started at the same moment: either way it is gone.
    if (_NAMED_NAMESPACES / name).exists():
        _run_ip("netns", "delete", name)


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat, in clock ticks since boot; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]
