"""The journal of erasures: a file beside the keys that outlives the restoring of an older database.

Law: whoever opens a store erases again what the journal names and the database still has.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from protocol.case_keys import MasterKey
from protocol.codec import decode, encode
from protocol.entry import SignedEntry
from protocol.errors import CaseSealBroken, MalformedInput
from protocol.ids import CaseId

from .erasures import Erasure
from .errors import StoreDamaged
from .sealed_journal import SealedJournal

JOURNAL_FILE: Final = "erasures"
LINE_BYTES_MAX: Final = 16 * 1024
"""One erasure with its tombstone: a kilobyte at most."""


class ErasureJournal:
    """One line for each erasure, sealed under the store's master key. Its methods wait for the disk."""

    def __init__(
        self, path: Path, master: MasterKey, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._lines = SealedJournal(path, master, random_bytes)

    def read(self) -> tuple[Erasure, ...]:
        """Oldest first. `StoreDamaged` when a line is not what was written; a last one cut off by a crash was
        never answered, and is passed over."""
        try:
            return tuple(self._erasure(plain) for plain in self._lines.read())
        except CaseSealBroken as error:
            raise self._damaged() from error

    def append(self, erasure: Erasure) -> None:
        """Durable on return; idempotent."""
        if any(known.case_id == erasure.case_id for known in self.read()):
            return
        self._lines.append(
            encode(
                [
                    erasure.case_id,
                    erasure.erased_s,
                    erasure.erased_by,
                    erasure.reason,
                    erasure.tombstone.payload,
                    erasure.tombstone.signature,
                ]
            )
        )

    def _erasure(self, plain: bytes) -> Erasure:
        try:
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
        except MalformedInput as error:
            raise self._damaged() from error
        raise self._damaged()

    def _damaged(self) -> StoreDamaged:
        return StoreDamaged(
            f"{self._lines.path} is damaged or of another store, so that erased cases could come back. "
            "Nothing was changed. Restore this file from the backup of the keys."
        )
