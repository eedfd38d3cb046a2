"""Media bytes of a case, sealed under its key, in chunks small enough to be written and read without a
pause."""

from __future__ import annotations

import os
from typing import Final

from protocol.bundle import blob_hash
from protocol.case_keys import CASE_NONCE_BYTES, CaseKey, Slot
from protocol.ids import CaseId
from sfnode.errors import ValueRefused
from sync.stores.case_keys import key_for, key_of, open_with
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreDamaged

CHUNK_BYTES: Final = 256 * 1024
BLOB_BYTES_MAX: Final = 64_000_000
"""A phone's largest original."""


class Blobs:
    """Blobs by case and hash. Nothing here says what a blob is: signed manifests do."""

    def __init__(self, database: Database, keys: Database) -> None:
        """`keys` is the database that has the keys of cases."""
        self._database = database
        self._keys = keys

    async def keep(self, case_id: CaseId, data: bytes) -> bytes:
        """The hash under which `data` is durable on return; idempotent. `CaseErased`."""
        if not 1 <= len(data) <= BLOB_BYTES_MAX:
            raise ValueRefused(
                f"A picture has 1 to {BLOB_BYTES_MAX} bytes, not {len(data)}. The case is unchanged."
            )
        blob = blob_hash(data)
        key = await self._keys.write(lambda connection: key_for(connection, case_id))
        await self._database.write(lambda connection: _insert(connection, key, blob, data))
        return blob

    async def read(self, case_id: CaseId, blob: bytes) -> bytes | None:
        """The bytes, verified; None when they are not here. `CaseErased`, or `StoreDamaged` when they are not
        what was written."""
        chunks = await self._database.read(lambda connection: _chunks(connection, case_id, blob))
        if not chunks:
            return None
        key = await self._keys.read(lambda connection: key_of(connection, case_id))
        data = b"".join(
            open_with(key, Slot.MEDIA, _row(blob, number), chunk) for number, chunk in enumerate(chunks)
        )
        if blob_hash(data) != blob:
            raise StoreDamaged(
                f"A picture in {self._database.path} is not what was written; it is not shown. "
                "Everything else is untouched. Add the picture again, or restore a backup."
            )
        return data

    async def held(self, case_id: CaseId) -> frozenset[bytes]:
        """Hashes of all that is kept for a case."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT blob FROM blob WHERE case_id = ?", (case_id,)
            ).fetchall()
        )
        return frozenset(row[0] for row in rows)

    async def erase(self, case_id: CaseId) -> bool:
        """Delete all of a case from file and log; False when a reader kept the log. Idempotent."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM blob WHERE case_id = ?", (case_id,))
        )
        return await self._database.truncate_log()


def _insert(connection: Connection, key: CaseKey, blob: bytes, data: bytes) -> None:
    case_id = key.case_id
    added = connection.execute(
        "INSERT INTO blob (case_id, blob, size_bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (case_id, blob, len(data)),
    )
    if added.rowcount != 1:
        return
    connection.executemany(
        "INSERT INTO blob_chunk (case_id, blob, number, data) VALUES (?, ?, ?, ?)",
        (
            (
                case_id,
                blob,
                number,
                key.seal(
                    data[start : start + CHUNK_BYTES],
                    slot=Slot.MEDIA,
                    row=_row(blob, number),
                    nonce=os.urandom(CASE_NONCE_BYTES),
                ),
            )
            for number, start in enumerate(range(0, len(data), CHUNK_BYTES))
        ),
    )


def _chunks(connection: Connection, case_id: CaseId, blob: bytes) -> list[bytes]:
    rows = connection.execute(
        "SELECT data FROM blob_chunk WHERE case_id = ? AND blob = ? ORDER BY number", (case_id, blob)
    ).fetchall()
    return [row[0] for row in rows]


def _row(blob: bytes, number: int) -> bytes:
    return blob + number.to_bytes(4, "big")
