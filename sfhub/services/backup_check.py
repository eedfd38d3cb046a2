"""Whether a backup is what it says: every file, every row and every picture, read and opened.

Nothing here believes a list: what counts is what can be read back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from protocol.case_keys import MasterKey, Slot
from protocol.entry import SignedEntry
from protocol.errors import CaseSealBroken
from protocol.ids import CaseId
from sync.stores.case_keys import CaseKeyRing, key_of, open_row
from sync.stores.connection import Connection, DriverError
from sync.stores.errors import CaseErased, StoreDamaged
from sync.stores.snapshot import check_pieces, custody_digests, open_copy, row_counts

from ..errors import BackupDamaged
from ..storage.backup_folder import CUSTODY, DATABASE, OBJECTS, Backup, FileMark, Progressed, mark_of

_ROWS_PER_READ: Final = 256
_SEALED_ROWS: Final = (
    ("entries", "entry_id", Slot.ENTRY),
    ("held_entries", "entry_id", Slot.WAITING),
    ("provisional", "micro_id", Slot.PROVISIONAL),
)


def check_backup(backup: Backup, master: MasterKey, *, progressed: Progressed) -> None:
    """Read the whole backup. `BackupDamaged` names the first thing that is not as it was."""
    try:
        _check_files(backup, progressed)
        _check_custody(backup)
        ring = CaseKeyRing(master)
        records = ring.open_copy(backup.folder / DATABASE)
        try:
            _check_database(records, backup, DATABASE)
            _check_rows(records, backup, progressed)
            _check_pictures(records, backup, progressed)
        finally:
            records.close()
    except (OSError, DriverError, StoreDamaged, CaseErased) as error:
        raise _damaged(backup, _cause(error)) from error


def _check_files(backup: Backup, progressed: Progressed) -> None:
    """Pictures are read when they are opened."""
    whole = {name: mark for name, mark in backup.manifest.files.items() if not _is_picture(name)}
    for done, (name, mark) in enumerate(whole.items()):
        progressed("checking files", done, len(whole))
        if mark_of(backup.folder / name) != mark:
            raise _damaged(backup, f"{name} is not what was written")


def _check_custody(backup: Backup) -> None:
    custody = open_copy(backup.folder / CUSTODY)
    try:
        _check_database(custody, backup, CUSTODY)
        if custody_digests(custody) != dict(backup.manifest.custody):
            raise _damaged(backup, f"{CUSTODY} does not hold what custody held when it was copied")
        check_pieces(custody)
    finally:
        custody.close()


def _check_database(connection: Connection, backup: Backup, name: str) -> None:
    (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if finding != "ok":
        raise _damaged(backup, f"{name}: {finding}")
    if row_counts(connection) != dict(backup.manifest.rows[name]):
        raise _damaged(backup, f"{name} has other rows than the original had")


def _check_rows(connection: Connection, backup: Backup, progressed: Progressed) -> None:
    for table, name, slot in _SEALED_ROWS:
        total = backup.manifest.rows[DATABASE][table]
        for done, (row, case_id, sealed) in enumerate(_rows(connection, table, name)):
            if done % _ROWS_PER_READ == 0:
                progressed("opening records", done, total)
            payload = open_row(connection, case_id, slot, row, sealed)
            if slot is not Slot.PROVISIONAL and SignedEntry(payload, b"").entry_id != row:
                raise _damaged(backup, f"entry {row.hex()} is not what was signed")


def _rows(connection: Connection, table: str, name: str) -> Iterator[tuple[bytes, CaseId, bytes]]:
    """Sealed rows in order; what is left of erased cases is empty, and has nothing to open."""
    number = 0
    while page := connection.execute(
        f"SELECT number, {name}, case_id, payload FROM {table}"
        " WHERE number > ? AND payload <> x'' ORDER BY number LIMIT ?",
        (number, _ROWS_PER_READ),
    ).fetchall():
        for _, row, case_id, sealed in page:
            yield row, CaseId(case_id), sealed
        number = page[-1][0]


def _check_pictures(connection: Connection, backup: Backup, progressed: Progressed) -> None:
    named = pictures_named(connection, erased=backup.manifest.erased)
    for done, (case_id, blob) in enumerate(named):
        progressed("opening pictures", done, len(named))
        name = picture_name(case_id, blob)
        mark = backup.manifest.files.get(name)
        if mark is None:
            raise _damaged(backup, f"the picture {name} is missing")
        _check_picture(connection, backup, case_id, blob, mark)


def _check_picture(
    connection: Connection, backup: Backup, case_id: CaseId, blob: bytes, mark: FileMark
) -> None:
    path = backup.folder / picture_name(case_id, blob)
    if mark_of(path) != mark:
        raise _damaged(backup, f"{picture_name(case_id, blob)} is not what was written")
    try:
        key_of(connection, case_id).open(path.read_bytes(), slot=Slot.MEDIA, row=blob)
    except CaseSealBroken as error:
        raise _damaged(
            backup, f"{picture_name(case_id, blob)} was damaged on the hub's disk already"
        ) from error


def pictures_named(connection: Connection, *, erased: tuple[str, ...] = ()) -> list[tuple[CaseId, bytes]]:
    """Case and hash of each picture whose bytes the records say are in `objects/`."""
    rows = connection.execute("SELECT DISTINCT case_id, blob FROM layers ORDER BY case_id, blob").fetchall()
    return [(CaseId(case_id), blob) for case_id, blob in rows if case_id.hex() not in erased]


def picture_name(case_id: CaseId, blob: bytes) -> str:
    """Its path inside a hub's folder, and inside a backup."""
    return f"{OBJECTS}/{case_id.hex()}/{blob.hex()}"


def _is_picture(name: str) -> bool:
    return Path(name).parts[0] == OBJECTS


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{Path(error.filename).name} cannot be read ({error.strerror})"
    return str(error)


def _damaged(backup: Backup, cause: str) -> BackupDamaged:
    return BackupDamaged(
        f"The backup {backup.folder} cannot be relied on: {cause}. The hub itself is unharmed. "
        "Make another one, on another disk if this repeats."
    )
