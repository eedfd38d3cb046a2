"""A disk that refuses: what the database library then raises, statement by statement, until it is mended.

Everything behind the statement is the product: how it undoes, what it tells, whether it goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Final

from sqlcipher3 import dbapi2

from sync.stores.connection import Connect, Connection

_IO_ERROR: Final = (10, "disk I/O error")
_READ_ONLY: Final = (8, "attempt to write a readonly database")
_BUSY: Final = (5, "database is locked")


class Refusal(Enum):
    """What the disk does not do."""

    WRITE = "write"
    """A page of the log, in the middle of a transaction."""
    SYNC = "sync"
    """Confirm a commit, of which nothing is on it."""
    SYNC_OF_ALL = "sync of all"
    """Confirm a commit, all of which is on it: only a restart can tell."""
    READ = "read"
    ANY_WRITE = "any write"
    """It was mounted anew for reading alone, as systems do after errors."""
    LOCK = "lock"
    """Another program keeps the database for itself."""


_STRUCK: Final[dict[Refusal, tuple[tuple[str, ...], tuple[int, str]]]] = {
    Refusal.WRITE: (("INSERT", "UPDATE", "DELETE"), _IO_ERROR),
    Refusal.SYNC: (("COMMIT",), _IO_ERROR),
    Refusal.SYNC_OF_ALL: (("COMMIT",), _IO_ERROR),
    Refusal.READ: (("SELECT",), _IO_ERROR),
    Refusal.ANY_WRITE: (("BEGIN IMMEDIATE",), _READ_ONLY),
    Refusal.LOCK: (("BEGIN IMMEDIATE",), _BUSY),
}
"""The first words of the statements that fail, and with which code."""


class Refusals:
    """What one machine's disk refuses now, and how often it has."""

    def __init__(self) -> None:
        self.kind: Refusal | None = None
        self.left = 0
        """Statements that will still fail."""
        self.struck = 0

    def begin(self, kind: Refusal, times: int) -> None:
        """From now on, so often."""
        self.kind, self.left = kind, times

    def mend(self) -> None:
        """Whatever it was is over."""
        self.kind, self.left = None, 0

    def connecting(self, connect: Connect) -> Connect:
        """The same way to a database, whose connections meet what this disk refuses."""

        def connect_refusing(path: Path, key: bytes | None) -> Connection:
            refusing: Any = RefusingConnection(connect(path, key), self)
            connection: Connection = refusing
            return connection

        return connect_refusing

    def meet(self, statement: str, run: Callable[[], object]) -> None:
        """Raise what the library raises if this statement is to fail; `run` does what it does on the disk."""
        if self.kind is None or not statement.startswith(_STRUCK[self.kind][0]):
            return
        code, words = _STRUCK[self.kind][1]
        is_durable = self.kind is Refusal.SYNC_OF_ALL
        self.left -= 1
        self.struck += 1
        if self.left <= 0:
            self.mend()
        if is_durable:
            run()
        error = dbapi2.OperationalError(words)
        error.sqlite_errorcode = code
        raise error


class RefusingConnection:
    """A connection in front of which statements may fail; all else is that connection's own."""

    def __init__(self, connection: Connection, refusals: Refusals) -> None:
        self._connection = connection
        self._refusals = refusals

    @property  # type: ignore[misc]  # It stands for the other one.
    def __class__(self) -> type[Any]:
        # The product asks which kind of connection it was given.
        return type(self._connection)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        self._refusals.meet(statement, lambda: self._connection.execute(statement, *values))
        return self._connection.execute(statement, *values)

    def executemany(self, statement: str, *values: Any) -> Any:
        self._refusals.meet(statement, lambda: self._connection.executemany(statement, *values))
        return self._connection.executemany(statement, *values)
