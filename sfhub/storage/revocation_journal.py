"""The journal of revocations: which devices count no longer, however old the database is that was restored.

Law: whoever opens a hub revokes again what the journal names, before any device is let in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from protocol.case_keys import MasterKey
from protocol.codec import decode, encode
from protocol.errors import CaseSealBroken, MalformedInput
from protocol.prekeys import Revocation
from protocol.schema import decode_fields, encode_fields
from sync.stores.errors import StoreDamaged
from sync.stores.sealed_journal import SealedJournal

REVOCATIONS_FILE: Final = "revocations"
LINE_BYTES_MAX: Final = 1024
"""A remark of 200 bytes, and numbers."""


class RevocationJournal:
    """One line for each revocation, sealed under the hub's storage key. Its methods wait for the disk."""

    def __init__(self, path: Path, master: MasterKey) -> None:
        self._lines = SealedJournal(path, master)

    def read(self) -> tuple[Revocation, ...]:
        """Oldest first. `StoreDamaged` when a line is not what was written."""
        try:
            return tuple(_revocation(plain) for plain in self._lines.read())
        except (CaseSealBroken, MalformedInput) as error:
            raise StoreDamaged(
                f"{self._lines.path} is damaged or of another hub, so that a revoked device could be let in "
                "again. Nothing was changed. Restore this file from the backup of the keys."
            ) from error

    def append(self, revocation: Revocation) -> None:
        """Durable on return; idempotent."""
        if revocation not in self.read():
            self._lines.append(encode(encode_fields(revocation)))


def _revocation(plain: bytes) -> Revocation:
    values = decode(plain, size_bytes_max=LINE_BYTES_MAX)
    if not isinstance(values, Mapping):
        raise MalformedInput("a line of the journal is no revocation")
    return decode_fields(Revocation, values)
