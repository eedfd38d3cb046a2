"""Space set aside on the disk of a store, given up when that is full, so that care can still be written down.

Law: what is set aside is allocated, not only named; it is given up for changes that people wait for, never
for what a peer sends.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from .volume import MeasureVolume, volume_of

BALLAST_FILE: Final = "reserve"
"""Its name in the folder of the stores that share it."""
BALLAST_BYTES: Final = 16 << 20
"""Thousands of entries with their share of the write-ahead log: days of care in writing."""
SPARE_FACTOR: Final = 4
"""Set aside only where so many times as much is free: on a disk that is full already it would do the harm
that it is there against."""
_TROUBLE: Final = (
    "The disk that holds {folder} is nearly full: no space is set aside for writing care down any more. All "
    "that was saved is safe; pictures are no longer taken in. Free some space; all else follows by itself."
)


class Ballast:
    """One file, shared by the stores of a folder. Its methods wait for the disk, and raise nothing."""

    def __init__(
        self, path: Path, *, size_bytes: int = BALLAST_BYTES, measure: MeasureVolume = volume_of
    ) -> None:
        self.path = path
        self._size_bytes = size_bytes
        self._measure = measure

    @property
    def is_kept(self) -> bool:
        """Whether all of it is set aside."""
        try:
            return self.path.stat().st_size >= self._size_bytes
        except OSError:
            return False

    @property
    def trouble(self) -> str:
        """What people have to know; empty while it is set aside."""
        return "" if self.is_kept else _TROUBLE.format(folder=self.path.parent)

    def keep(self) -> None:
        """Set it aside, if it is not and there is room for it."""
        try:
            if not self.is_kept and self._has_room():
                self._allocate()
        except OSError:
            self.release()

    def release(self) -> bool:
        """Give it up; False when there was nothing to give."""
        try:
            had_bytes = self.path.stat().st_size > 0
            self.path.unlink()
        except OSError:
            return False
        return had_bytes

    def _has_room(self) -> bool:
        return self._measure(self.path.parent).free_bytes >= SPARE_FACTOR * self._size_bytes

    def _allocate(self) -> None:
        with suppress(FileNotFoundError):
            # A smaller one, of an earlier version or cut short.
            self.path.unlink()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
        finally:
            os.close(descriptor)
