"""One owner per store: a lock file beside the database that the kernel lets go of when its process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from .errors import StoreBusy

_NOTE_BYTES_MAX: Final = 64


class StoreLock:
    """Held from construction until `release`, or until the process is gone, however it went.

    The lock file stays where it is: removing it would let two processes lock two files of one name.
    """

    def __init__(self, store: Path) -> None:
        """Raises `StoreBusy`, naming the owner's process, if the store has an owner here or elsewhere."""
        path = store.with_name(store.name + ".lock")
        # A descriptor of its own, never one of the database's: closing those would drop SQLite's locks.
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, _NOTE_BYTES_MAX, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StoreBusy(
                f"{store} is in use by process {owner or 'unknown'}. Nothing was changed. "
                "Use that one, or end it first."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next owner in; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
