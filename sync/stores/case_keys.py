"""Keys of cases in a database: what is kept of a case is sealed under its own key, row by row.

Law: a key is looked up in its table at each use, so that one whose row was undone or destroyed is never used
again; only the unwrapping is remembered.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Final

from sqlcipher3 import dbapi2

from protocol.case_keys import CASE_KEY_BYTES, CASE_NONCE_BYTES, CaseKey, MasterKey, Slot
from protocol.errors import CaseSealBroken
from protocol.ids import CaseId

from .connection import Connection, connect
from .errors import CaseErased, StoreDamaged
from .migrations import Schema
from .snapshot import open_copy

CASE_KEYS_SCHEMA: Final = Schema.of_folder("case_keys", files("sync.stores") / "schema")
"""Tables to open a database with whose connections come from `CaseKeyRing.connect`."""
KEYS_CACHED_MAX: Final = 4096
"""Unwrapped keys in memory: more cases than a list shows, in about a megabyte."""


class CaseKeyRing:
    """The master key of one store, and the keys of cases that it has unwrapped."""

    def __init__(self, master: MasterKey, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._master = master
        self._random_bytes = random_bytes
        self._unwrapped: dict[bytes, CaseKey] = {}
        # Writer and reader have a thread each.
        self._turn = Lock()

    def connect(self, path: Path, key: bytes | None) -> Connection:
        """As `sync.stores.connection.connect`; it can also open and seal."""
        connection = connect(path, key, _KeyedConnection)
        _keyed(connection).ring = self
        return connection

    def open_copy(self, path: Path) -> Connection:
        """A finished copy of such a database, for reading alone."""
        connection = open_copy(path, _KeyedConnection)
        _keyed(connection).ring = self
        return connection

    def unwrap(self, case_id: CaseId, wrapped: bytes) -> CaseKey:
        """`StoreDamaged` when these are not the bytes that were written."""
        with self._turn:
            known = self._unwrapped.get(wrapped)
        if known is not None and known.case_id == case_id:
            return known
        try:
            key = self._master.unwrap(case_id, wrapped)
        except CaseSealBroken as error:
            raise _damaged(f"the key of case {case_id.hex()} does not open") from error
        with self._turn:
            if len(self._unwrapped) >= KEYS_CACHED_MAX:
                del self._unwrapped[next(iter(self._unwrapped))]
            self._unwrapped[wrapped] = key
        return key

    def draw(self, case_id: CaseId) -> bytes:
        """A new key, wrapped."""
        return self._master.wrap(
            case_id, self._random_bytes(CASE_KEY_BYTES), nonce=self._random_bytes(CASE_NONCE_BYTES)
        )

    def forget(self, wrapped: bytes) -> None:
        """The key was destroyed."""
        with self._turn:
            self._unwrapped.pop(wrapped, None)

    def nonce(self) -> bytes:
        return self._random_bytes(CASE_NONCE_BYTES)


def key_of(connection: Connection, case_id: CaseId) -> CaseKey:
    """The key of a case of which something is kept. `CaseErased`, or `StoreDamaged` when it is not there."""
    row = connection.execute("SELECT wrapped FROM case_key WHERE case_id = ?", (case_id,)).fetchone()
    if row is None:
        _check_not_erased(connection, case_id)
        raise _damaged(f"the key of case {case_id.hex()} is missing")
    return ring_of(connection).unwrap(case_id, row[0])


def key_for(connection: Connection, case_id: CaseId) -> CaseKey:
    """The key of a case of which something shall be kept, drawn if it is the first. `CaseErased`,
    `StoreDamaged`."""
    ring = ring_of(connection)
    row = connection.execute("SELECT wrapped FROM case_key WHERE case_id = ?", (case_id,)).fetchone()
    if row is not None:
        return ring.unwrap(case_id, row[0])
    _check_not_erased(connection, case_id)
    wrapped = ring.draw(case_id)
    connection.execute("INSERT INTO case_key (case_id, wrapped) VALUES (?, ?)", (case_id, wrapped))
    return ring.unwrap(case_id, wrapped)


def seal_row(connection: Connection, case_id: CaseId, slot: Slot, row: bytes, plain: bytes) -> bytes:
    """`plain` as it may be written into that row of the case."""
    return key_for(connection, case_id).seal(plain, slot=slot, row=row, nonce=ring_of(connection).nonce())


def open_row(connection: Connection, case_id: CaseId, slot: Slot, row: bytes, sealed: bytes) -> bytes:
    """What was written there. `CaseErased`, or `StoreDamaged` when it is something else."""
    return open_with(key_of(connection, case_id), slot, row, sealed)


def open_with(key: CaseKey, slot: Slot, row: bytes, sealed: bytes) -> bytes:
    """Like `open_row`, for whoever opens many rows of a case."""
    try:
        return key.open(sealed, slot=slot, row=row)
    except CaseSealBroken as error:
        raise _damaged(f"{error} (case {key.case_id.hex()})") from error


def destroy_key(connection: Connection, case_id: CaseId) -> None:
    """Nothing sealed under it can be read again; idempotent. The log still has it until it is truncated."""
    gone = connection.execute(
        "DELETE FROM case_key WHERE case_id = ? RETURNING wrapped", (case_id,)
    ).fetchall()
    for (wrapped,) in gone:
        ring_of(connection).forget(wrapped)


def ring_of(connection: Connection) -> CaseKeyRing:
    """The ring whose `connect` made this connection."""
    ring = _keyed(connection).ring
    if ring is None:
        raise TypeError("contents of cases need a connection of CaseKeyRing.connect")
    return ring


class _KeyedConnection(dbapi2.Connection):  # type: ignore[misc]  # sqlcipher3 has no types.
    """A connection that carries the ring, so that what reads and writes rows needs nothing else."""

    ring: CaseKeyRing | None = None


def _keyed(connection: Connection) -> _KeyedConnection:
    if not isinstance(connection, _KeyedConnection):
        raise TypeError("contents of cases need a connection of CaseKeyRing.connect")
    return connection


def _check_not_erased(connection: Connection, case_id: CaseId) -> None:
    erased = connection.execute("SELECT 1 FROM erased_case WHERE case_id = ?", (case_id,)).fetchone()
    if erased is not None:
        raise CaseErased(
            f"Case {case_id.hex()} was erased. Nothing of it can be read, and nothing was added to it."
        )


def _damaged(cause: str) -> StoreDamaged:
    return StoreDamaged(
        f"Something that is kept of a case is not what was written ({cause}); it is not shown: nobody must "
        "act on it. All other cases are untouched. Restore a backup, or ask the other side for this case."
    )
