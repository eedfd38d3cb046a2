"""A disk, or another place, that refuses files other than databases: no room, or a write that ends early."""

from __future__ import annotations

import errno
import os
from enum import Enum
from pathlib import Path


class FileRefusal(Enum):
    """What becomes of a new file."""

    NO_ROOM = "no room"
    """It is not even made."""
    HALF = "half of it"
    """Half of its bytes are written, and its sync fails."""
    GONE = "gone"
    """The place itself does not answer: a share that was disconnected."""
    SPOILT = "spoilt"
    """Where backups go, one bit is not what was written, and nobody says so."""


class FileRefusals:
    """What is refused now, and how often it has been."""

    def __init__(self) -> None:
        self.kind: FileRefusal | None = None
        self.struck = 0

    def begin(self, kind: FileRefusal) -> None:
        """Until `mend`."""
        self.kind = kind

    def mend(self) -> None:
        """There is room again, and everything answers."""
        self.kind = None

    def meet_open(self, path: str) -> None:
        """A file is to be made. Raises `OSError`."""
        if self.kind is FileRefusal.NO_ROOM:
            self._refuse(errno.ENOSPC, path)
        if self.kind is FileRefusal.GONE:
            self._refuse(errno.EIO, path)

    def meet_sync(self, path: Path, *, is_backup: bool) -> None:
        """A file or folder is to be synced. Raises `OSError`."""
        if self.kind is FileRefusal.SPOILT and is_backup and path.is_file():
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
            self.struck += 1
        if self.kind is FileRefusal.HALF and path.is_file():
            os.truncate(path, path.stat().st_size // 2)
            self._refuse(errno.EIO, str(path))

    def _refuse(self, number: int, path: str) -> None:
        self.struck += 1
        raise OSError(number, os.strerror(number), path)
