"""Rows of backups that this hub has made and has itself read back whole."""

from __future__ import annotations

from dataclasses import dataclass

from sync.stores.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRow:
    """One backup that was verified."""

    backup_id: str
    folder: str
    made_s: float
    """The moment of which it is a copy."""
    verified_s: float
    size_bytes: int


def add_backup(connection: Connection, row: BackupRow) -> None:
    """It was made and verified; a later verification counts."""
    connection.execute(
        "INSERT INTO backups (backup_id, folder, made_s, verified_s, size_bytes) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (backup_id) DO UPDATE SET folder = excluded.folder, verified_s = excluded.verified_s",
        (row.backup_id, row.folder, row.made_s, row.verified_s, row.size_bytes),
    )


def latest_backup(connection: Connection) -> BackupRow | None:
    """Of the latest moment; None while there is none."""
    row = connection.execute(
        "SELECT backup_id, folder, made_s, verified_s, size_bytes FROM backups ORDER BY number DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    backup_id, folder, made_s, verified_s, size_bytes = row
    return BackupRow(
        backup_id=backup_id, folder=folder, made_s=made_s, verified_s=verified_s, size_bytes=size_bytes
    )
