"""How much room the disk under a file has."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One file system, as its statistics say."""

    free_bytes: int
    """What a user program may still fill."""
    size_bytes: int


MeasureVolume = Callable[[Path], Volume]
"""The volume that holds that file or folder; raises OSError."""


def volume_of(path: Path) -> Volume:
    """As the system says now."""
    found = os.statvfs(path)
    return Volume(free_bytes=found.f_bavail * found.f_frsize, size_bytes=found.f_blocks * found.f_frsize)
