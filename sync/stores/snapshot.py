"""Copies of a database as it stood at one moment, made while its owner goes on writing.

Law: a copy is one file without a log, holds whole transactions only, and reading it changes nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar, cast

from sqlcipher3 import dbapi2

from protocol.ids import BundleId
from protocol.summary import digest

from . import content
from .connection import Connection, DriverError, connect
from .errors import disk_error, store_error

Result = TypeVar("Result")

PAGES_PER_STEP: Final = 256
"""4 MiB between two reports of progress; all steps read the same snapshot."""
PIECES_PER_READ: Final = 64
"""4 MiB in memory at once."""
_FULL: Final = "database or disk is full"
_SENT: Final = (
    "SELECT bundle_id FROM outgoing WHERE life = ?1"
    " UNION ALL SELECT bundle_id FROM former_number WHERE life = ?1"
)
_HELD: Final = "SELECT bundle_id FROM held WHERE stream = ?"


def copy_database(
    source: Path,
    target: Path,
    *,
    examine: Callable[[Connection], Result],
    progressed: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Copy an unencrypted database into the new file `target`, durable on return. Waits for the disk.

    `examine` reads the very state that is copied; its result is returned, to compare the copy with.
    `progressed` is told pages done and in all, and may raise to give up. Raises `StoreFull`, `StoreFailed`,
    `StoreDamaged`.
    """
    try:
        reading = connect(source, None)
        try:
            # An open transaction pins the snapshot: without it each change by the owner begins the copy anew.
            reading.execute("BEGIN")
            examined = examine(reading)
            _copy(reading, target, progressed)
        finally:
            reading.close()
        _sync(target)
    except DriverError as error:
        raise _copy_error(error, target) from error
    except OSError as error:
        raise disk_error(error, target) from error
    return examined


def row_counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    return {
        name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for (name,) in names
    }


def custody_digests(connection: Connection) -> dict[str, int]:
    """Of a store's custody, by "pair/direction/incarnation": the digest over all ids that were ever given
    out, or are held. Empty for a database without custody."""
    if "outgoing" not in row_counts(connection):
        return {}
    lives = connection.execute(
        "SELECT hex(pseudonym) || '/sent/' || hex(incarnation), life FROM life JOIN pair USING (pair)"
    ).fetchall()
    streams = connection.execute(
        "SELECT hex(pseudonym) || '/received/' || hex(incarnation), stream FROM stream JOIN pair USING (pair)"
    ).fetchall()
    sent = {name: digest(_ids(connection, _SENT, row)) for name, row in lives}
    return sent | {name: digest(_ids(connection, _HELD, row)) for name, row in streams}


def check_pieces(connection: Connection) -> None:
    """Read every sealed byte that custody keeps; `ContentDamaged` names what is not as it was written."""
    position = -1
    while rows := connection.execute(
        "SELECT position, data, hash FROM piece WHERE position > ? ORDER BY position LIMIT ?",
        (position, PIECES_PER_READ),
    ).fetchall():
        for position, data, stored_hash in rows:
            content.check_piece(position, data, stored_hash)


def open_copy(path: Path, factory: Callable[..., object] = dbapi2.Connection) -> Connection:
    """A finished copy, for reading alone: no lock, no log, no file beside it. Raises the library's errors."""
    connection = cast(
        "Connection",
        dbapi2.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None, factory=factory
        ),
    )
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _copy(reading: Connection, target: Path, progressed: Callable[[int, int], None]) -> None:
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    writing = cast("Connection", dbapi2.connect(target, isolation_level=None))
    try:
        reading.backup(
            writing,
            pages=PAGES_PER_STEP,
            progress=lambda _, left, total: progressed(total - left, total),
        )
        # The copied header still names a log, which a single file does not have.
        writing.execute("PRAGMA journal_mode = DELETE").fetchone()
    finally:
        writing.close()


def _copy_error(error: Exception, target: Path) -> Exception:
    """The library's copying names no code, unlike all else that it does; only words tell a full disk."""
    fault = store_error(error, target)
    if fault is not error:
        return fault
    code = errno.ENOSPC if str(error) == _FULL else errno.EIO
    return disk_error(OSError(code, str(error)), target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ids(connection: Connection, select: str, row: int) -> Iterator[BundleId]:
    return (BundleId(bundle_id) for (bundle_id,) in connection.execute(select, (row,)))
