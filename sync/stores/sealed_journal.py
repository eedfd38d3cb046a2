"""A journal as a file of sealed lines, beside the keys: it outlives the restoring of an older database.

Law: a line is durable before `append` returns; one that a crash has cut off never was there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from protocol.case_keys import CASE_NONCE_BYTES, MasterKey
from protocol.errors import CaseSealBroken


class SealedJournal:
    """Lines sealed under the store's master key. Its methods wait for the disk."""

    def __init__(
        self, path: Path, master: MasterKey, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.path = path
        self._master = master
        self._random_bytes = random_bytes

    def read(self) -> tuple[bytes, ...]:
        """Oldest first. `CaseSealBroken` when a line is not what was written."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        *lines, _cut_off = text.split(b"\n")
        return tuple(self._opened(line) for line in lines if line)

    def append(self, plain: bytes) -> None:
        """Durable on return."""
        line = self._master.seal_note(plain, nonce=self._random_bytes(CASE_NONCE_BYTES)).hex().encode()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            # What a crash has left of an earlier line is ended first, so that it cannot spoil this one.
            file.truncate(self._whole_bytes())
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self.path.parent)

    def _whole_bytes(self) -> int:
        return self.path.read_bytes().rfind(b"\n") + 1

    def _opened(self, line: bytes) -> bytes:
        try:
            return self._master.open_note(bytes.fromhex(line.decode("ascii")))
        except ValueError as error:
            raise CaseSealBroken("a line of a journal is not what was written") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
