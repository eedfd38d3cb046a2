"""The journal of erasures: a file beside the keys that outlives the restoring of an older database.

Law: whoever opens a store erases again what the journal names and the database still has.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from protocol.case_keys import CASE_NONCE_BYTES, MasterKey
from protocol.codec import decode, encode
from protocol.entry import SignedEntry
from protocol.errors import CaseSealBroken, MalformedInput
from protocol.ids import CaseId

from .erasures import Erasure
from .errors import StoreDamaged

JOURNAL_FILE: Final = "erasures"
LINE_BYTES_MAX: Final = 16 * 1024
"""One erasure with its tombstone: a kilobyte at most."""


class ErasureJournal:
    """One line for each erasure, sealed under the store's master key. Its methods wait for the disk."""

    def __init__(
        self, path: Path, master: MasterKey, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._path = path
        self._master = master
        self._random_bytes = random_bytes

    def read(self) -> tuple[Erasure, ...]:
        """Oldest first. `StoreDamaged` when a line is not what was written; a last one cut off by a crash was
        never answered, and is passed over."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        *lines, _cut_off = text.split(b"\n")
        return tuple(self._erasure(line) for line in lines if line)

    def append(self, erasure: Erasure) -> None:
        """Durable on return; idempotent."""
        if any(known.case_id == erasure.case_id for known in self.read()):
            return
        plain = encode(
            [
                erasure.case_id,
                erasure.erased_s,
                erasure.erased_by,
                erasure.reason,
                erasure.tombstone.payload,
                erasure.tombstone.signature,
            ]
        )
        line = self._master.seal_note(plain, nonce=self._random_bytes(CASE_NONCE_BYTES)).hex().encode()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            # What a crash has left of an earlier line is ended first, so that it cannot spoil this one.
            file.truncate(self._whole_bytes())
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self._path.parent)

    def _whole_bytes(self) -> int:
        return self._path.read_bytes().rfind(b"\n") + 1

    def _erasure(self, line: bytes) -> Erasure:
        try:
            plain = self._master.open_note(bytes.fromhex(line.decode("ascii")))
            match decode(plain, size_bytes_max=LINE_BYTES_MAX):
                case [
                    bytes(case_id),
                    int(erased_s),
                    str(erased_by),
                    str(reason),
                    bytes(payload),
                    bytes(signature),
                ]:
                    return Erasure(
                        case_id=CaseId(case_id),
                        erased_s=erased_s,
                        erased_by=erased_by,
                        reason=reason,
                        tombstone=SignedEntry(payload, signature),
                    )
        except (ValueError, CaseSealBroken, MalformedInput) as error:
            raise self._damaged() from error
        raise self._damaged()

    def _damaged(self) -> StoreDamaged:
        return StoreDamaged(
            f"{self._path} is damaged or of another store, so that erased cases could come back. Nothing was "
            "changed. Restore this file from the backup of the keys."
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
