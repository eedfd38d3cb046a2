"""Every point at which a store writes: to look at its files there, or to let the disk fail there."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from sqlcipher3 import dbapi2

from sync.stores.connection import Connection, DriverError, connect
from sync.stores.database import InlineThread, StoreThread
from sync.stores.transactions import Reader, Writer


class Fault(Enum):
    """What the disk does with one statement of a transaction."""

    FULL = "full"
    FULL_AND_UNDONE = "full, and all of the transaction is undone"
    UNWRITTEN = "not written"
    UNCONFIRMED = "written, and said to have failed"


_CODES = {Fault.FULL: sqlite3.SQLITE_FULL, Fault.FULL_AND_UNDONE: sqlite3.SQLITE_FULL}


@dataclass
class WritePoints:
    """Counts the statements of the transactions that write, and does something at each, or at one."""

    at_each: Callable[[], None] = lambda: None
    struck: str = field(default="", init=False)
    """The statement that failed; empty while none has."""
    _passed: int = field(default=0, init=False)
    _armed: tuple[int, Fault] | None = field(default=None, init=False)

    def arm(self, after: int, fault: Fault) -> None:
        """Let the statement behind so many fail; one that is written and not confirmed is a COMMIT."""
        self._passed, self.struck, self._armed = 0, "", (after, fault)

    def disarm(self) -> None:
        self._armed = None

    def connect(self, path: Path, key: bytes | None) -> Connection:
        connection = connect(path, key, _Watched)
        assert isinstance(connection, _Watched)
        connection.points = self
        return connection

    def strikes(self, sql: str) -> Fault | None:
        """The next statement of a transaction that writes: what is to go wrong with it?"""
        number, self._passed = self._passed, self._passed + 1
        if self._armed is None:
            return None
        after, fault = self._armed
        if (sql != "COMMIT") if fault is Fault.UNCONFIRMED else (number != after):
            return None
        self.struck, self._armed = sql, None
        return fault


class _Watched(dbapi2.Connection):  # type: ignore[misc]  # sqlcipher3 has no types.
    points: WritePoints | None = None
    _writes = False

    def execute(self, sql: str, *parameters: object) -> object:
        return self._watched(sql, lambda: super(_Watched, self).execute(sql, *parameters))

    def executemany(self, sql: str, *parameters: object) -> object:
        return self._watched(sql, lambda: super(_Watched, self).executemany(sql, *parameters))

    def _watched(self, sql: str, run: Callable[[], object]) -> object:
        if self.points is None:
            return run()
        self._writes = self._writes or sql == "BEGIN IMMEDIATE"
        if not self._writes:
            return run()
        self.points.at_each()
        if (fault := self.points.strikes(sql)) is not None:
            self._fail(fault, run)
        result = run()
        if sql == "COMMIT":
            self._writes = False
            self.points.at_each()
        return result

    def _fail(self, fault: Fault, run: Callable[[], object]) -> None:
        if fault is Fault.UNCONFIRMED:
            run()
        if fault is Fault.FULL_AND_UNDONE:
            self.rollback()
        error = DriverError(fault.value)
        error.sqlite_errorcode = _CODES.get(fault, sqlite3.SQLITE_IOERR)  # type: ignore[attr-defined]  # As sqlcipher3 sets it.
        raise error

    def rollback(self) -> None:
        self._writes = False
        super().rollback()


class CommitPoints:
    """Threads for a whole program of stores, which does something before and behind each of their commits."""

    def __init__(self, at_each: Callable[[], None] = lambda: None) -> None:
        self.at_each = at_each

    def __call__(self, worker: Writer | Reader) -> StoreThread:
        return _Told(worker, self)


class _Told(InlineThread):
    def __init__(self, worker: Writer | Reader, points: CommitPoints) -> None:
        super().__init__(worker)
        self._points = points

    async def commit(self) -> None:
        self._points.at_each()
        await super().commit()
        self._points.at_each()


@dataclass
class Images:
    """Copies of a folder as it was at each moment at which a killed process would have left another one."""

    source: Path
    into: Path
    taken: list[tuple[int, Path]] = field(default_factory=list)
    """How much had been answered when the folder last looked so, and the copy."""
    _looked: frozenset[tuple[str, int, int]] = frozenset()

    def take(self, answered: int) -> None:
        looks = frozenset(self._looks())
        if looks != self._looked:
            self._looked = looks
            self.taken.append((answered, self.into / f"image {len(self.taken)}"))
            shutil.copytree(self.source, self.taken[-1][1], ignore=shutil.ignore_patterns(*_NOT_KEPT))
        self.taken[-1] = (answered, self.taken[-1][1])

    def _looks(self) -> Iterator[tuple[str, int, int]]:
        for path in self.source.rglob("*"):
            if path.is_file() and not any(path.match(pattern) for pattern in _NOT_KEPT):
                found = path.stat()
                yield str(path), found.st_size, found.st_mtime_ns


_NOT_KEPT = ("*-shm", "*.lock")
