"""How much a store may take in: receiving stops early, so that writing down care never has to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocol.header import Priority

_MEBIBYTE: Final = 1 << 20
FREE_BYTES_MIN: Final[Mapping[Priority, int]] = {
    Priority.EMERGENCY: 16 * _MEBIBYTE,
    Priority.URGENT: 32 * _MEBIBYTE,
    Priority.ROUTINE: 64 * _MEBIBYTE,
    Priority.BULK: 256 * _MEBIBYTE,
}
"""Disk space that a bundle of this class must leave free. On a full disk SQLite cannot even delete, so the
last of it is kept for the people aboard; photos stop first."""


def free_bytes(path: Path) -> int:
    """Space that a user program may still fill on the disk that holds `path`."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Limits for what one peer may leave here."""

    received_bytes_max: int = 1 << 30
    """Sealed bytes of one peer that the application has not taken yet, unfinished ones counted whole."""
    free_bytes_min: Mapping[Priority, int] = field(default_factory=lambda: FREE_BYTES_MIN)
    free_bytes: Callable[[Path], int] = free_bytes

    def admits(self, path: Path, priority: Priority, size_bytes: int, received_bytes: int) -> bool:
        """Whether one more bundle may be begun beside `received_bytes` that are here already."""
        if received_bytes + size_bytes > self.received_bytes_max:
            return False
        return self.free_bytes(path) - size_bytes >= self.free_bytes_min[priority]
