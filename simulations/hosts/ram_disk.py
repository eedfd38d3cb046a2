"""Folders for simulated disks: in memory where the system has such a place, gone when a world is over."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MEMORY_DISK: Final = Path("/dev/shm")
"""Where a sync costs nothing; simulated disks have their own losses."""


def disk_root() -> str | None:
    """The folder in which simulated disks are made; None for the system's own."""
    return str(_MEMORY_DISK) if _MEMORY_DISK.is_dir() else None


@contextmanager
def temporary_disks() -> Iterator[Path]:
    """A folder for the disks of a world, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sfsim-", dir=disk_root()) as folder:
        yield Path(folder)
