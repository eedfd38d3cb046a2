"""Media layers as files, sealed under the key of their case and named by their content inside its folder.

Law: `put` returns when file and folder entry would survive a power cut; a reader never meets half a file.
"""

from __future__ import annotations

import os
import threading
import zlib
from pathlib import Path
from typing import Final

from protocol.bundle import blob_hash
from protocol.case_keys import CASE_NONCE_BYTES, CaseKey, Slot
from protocol.errors import CaseSealBroken
from protocol.ids import CASE_ID_BYTES, CaseId

from ..errors import NotFound, ObjectDamaged

_DRAFT: Final = ".new"
_LOCKS: Final = 64
"""Few enough to make at once, and enough that the cases of many sites seldom wait for each other."""


class ObjectStore:
    """The folder `objects/` of one hub. Its methods wait for the disk: call them from a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def put(self, key: CaseKey, data: bytes) -> bytes:
        """Keep `data`; its name. Idempotent. No two cases share a file, so that one can be erased alone."""
        blob = blob_hash(data)
        # A caller that was cancelled leaves its thread at work, and the next one brings the same bytes.
        with self._lock(key.case_id):
            self._keep(key, blob, data)
        return blob

    def _keep(self, key: CaseKey, blob: bytes, data: bytes) -> None:
        path = self._path(key.case_id, blob)
        if path.exists() and _opens(key, blob, path.read_bytes()):
            return
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._root)
        draft = path.with_name(path.name + _DRAFT)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.seal(data, slot=Slot.MEDIA, row=blob, nonce=os.urandom(CASE_NONCE_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)

    def get(self, key: CaseKey, blob: bytes) -> bytes:
        """The bytes, opened and thereby checked."""
        try:
            sealed = self._path(key.case_id, blob).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("This picture is not here.") from error
        try:
            return key.open(sealed, slot=Slot.MEDIA, row=blob)
        except CaseSealBroken as error:
            raise ObjectDamaged(
                "This picture is damaged on the hub's disk and is not shown. The rest of the case is "
                "unharmed. "
                "Restore objects/ from a backup, or ask the site for the picture again."
            ) from error

    def erase(self, case_id: CaseId) -> None:
        """Every file of a case; durable on return, idempotent. `ValueError` for what names no case: the
        folder of that would be the folder of all."""
        if len(case_id) != CASE_ID_BYTES:
            raise ValueError(f"{case_id.hex()!r} is not the id of a case")
        folder = self._root / case_id.hex()
        with self._lock(case_id):
            if folder.exists():
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()
                _sync_folder(self._root)

    def _lock(self, case_id: CaseId) -> threading.Lock:
        return self._locks[zlib.crc32(case_id) % _LOCKS]

    def _path(self, case_id: CaseId, blob: bytes) -> Path:
        return self._root / case_id.hex() / blob.hex()


def _opens(key: CaseKey, blob: bytes, sealed: bytes) -> bool:
    try:
        key.open(sealed, slot=Slot.MEDIA, row=blob)
    except CaseSealBroken:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
