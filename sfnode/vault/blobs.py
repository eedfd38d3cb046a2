"""Media bytes of a case, encrypted, in chunks small enough to be written and read without a pause."""

from __future__ import annotations

from typing import Final

from protocol.bundle import blob_hash
from protocol.ids import CaseId
from sfnode.errors import ValueRefused
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreDamaged

CHUNK_BYTES: Final = 256 * 1024
BLOB_BYTES_MAX: Final = 64_000_000
"""A phone's largest original."""


class Blobs:
    """Blobs by case and hash. Nothing here says what a blob is: signed manifests do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, case_id: CaseId, data: bytes) -> bytes:
        """The hash under which `data` is durable on return; idempotent."""
        if not 1 <= len(data) <= BLOB_BYTES_MAX:
            raise ValueRefused(
                f"A picture has 1 to {BLOB_BYTES_MAX} bytes, not {len(data)}. The case is unchanged."
            )
        blob = blob_hash(data)
        await self._database.write(lambda connection: _insert(connection, case_id, blob, data))
        return blob

    async def read(self, case_id: CaseId, blob: bytes) -> bytes | None:
        """The bytes, verified; None when they are not here. `StoreDamaged` when they are not what was
        written."""
        chunks = await self._database.read(lambda connection: _chunks(connection, case_id, blob))
        if not chunks:
            return None
        data = b"".join(chunks)
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


def _insert(connection: Connection, case_id: CaseId, blob: bytes, data: bytes) -> None:
    added = connection.execute(
        "INSERT INTO blob (case_id, blob, size_bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (case_id, blob, len(data)),
    )
    if added.rowcount != 1:
        return
    connection.executemany(
        "INSERT INTO blob_chunk (case_id, blob, number, data) VALUES (?, ?, ?, ?)",
        (
            (case_id, blob, number, data[start : start + CHUNK_BYTES])
            for number, start in enumerate(range(0, len(data), CHUNK_BYTES))
        ),
    )


def _chunks(connection: Connection, case_id: CaseId, blob: bytes) -> list[bytes]:
    rows = connection.execute(
        "SELECT data FROM blob_chunk WHERE case_id = ? AND blob = ? ORDER BY number", (case_id, blob)
    ).fetchall()
    return [row[0] for row in rows]
