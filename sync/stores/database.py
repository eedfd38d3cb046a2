"""One SQLite or SQLCipher file: transactions as plain functions, one writer, one owner.

A change that was answered is on the disk. A change that was refused, cancelled in time or cut off by a crash
left no trace. Nothing else can happen to it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar, cast

import aiosqlite

from .ballast import Ballast
from .connection import Connect, Connection, DriverError, connect
from .errors import StoreClosed, StoreDamaged, StoreHalted
from .migrations import Schema
from .transactions import Durability, Job, Reader, Writer

Result = TypeVar("Result")


class StoreThread(Protocol):
    """Where the `commit` and `close` of a writer or reader are called, in order."""

    async def start(self) -> None: ...

    async def commit(self) -> None: ...

    async def close(self) -> None: ...


ThreadFactory = Callable[[Writer | Reader], StoreThread]


class Execution(Enum):
    """Where transactions run, unless whoever opens the store gives it threads of another make."""

    THREADS = "threads"
    """On aiosqlite's threads: the event loop never waits for the disk."""
    INLINE = "inline"
    """In the caller's own step: deterministic, for simulations under virtual time."""


class Database:
    """An open store. Any task of the loop that opened it may call its methods, and be cancelled anywhere."""

    def __init__(
        self, path: Path, writer: Writer, reader: Reader, execution: Execution | ThreadFactory
    ) -> None:
        thread_of = _THREADS[execution] if isinstance(execution, Execution) else execution
        self.path = path
        self._writer = writer
        self._reader = reader
        self._writer_thread = thread_of(writer)
        self._reader_thread = thread_of(reader)
        self._closed = False
        self._halted = asyncio.Event()

    @classmethod
    async def open(
        cls,
        path: Path,
        schemas: Sequence[Schema],
        key: bytes | None = None,
        *,
        execution: Execution | ThreadFactory = Execution.THREADS,
        connect: Connect = connect,
        ballast: Ballast | None = None,
    ) -> Database:
        """Open or create the file, become its only owner, bring its tables up to date.

        `key` (32 raw bytes) makes it an encrypted SQLCipher file; `ballast` is given up when the disk is
        full. Raises `StoreBusy` if it has an owner, `StoreTooNew`, `StoreDamaged` (also for a wrong key),
        `StoreFull`, `StoreFailed`.
        """
        writer = Writer(path, schemas, key, connect, ballast)
        database = cls(path, writer, Reader(path, key, connect), execution)
        try:
            await database._writer_thread.start()
            await database._reader_thread.start()
        except BaseException:
            await database.close()
            raise
        return database

    async def write(
        self,
        work: Callable[[Connection], Result],
        *,
        then: Callable[[], object] | None = None,
        may_wait: bool = False,
    ) -> Result:
        """Run `work` as one transaction; durable against power cuts when this returns.

        `work` runs on the writer's thread, touches nothing but its connection, and may be run again if the
        disk filled up under transactions that shared its commit. What it raises undoes it and is raised here.
        Cancelling the caller leaves it done whole or not at all. `then` is called on the writer's thread once
        the change is durable, also if the caller was cancelled meanwhile; it must not raise. What
        `may_wait` is refused rather than written into the last of a full disk.
        """
        return await self._submit(Job(work, Durability.POWER_CUT, then, may_wait=may_wait))

    async def note(
        self, work: Callable[[Connection], Result], *, then: Callable[[], object] | None = None
    ) -> Result:
        """Like `write`, without the fsync: survives the death of the process; a power cut may undo it."""
        return await self._submit(Job(work, Durability.PROCESS, then))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` on a snapshot that holds every change answered before; never waits for a writer."""
        self.check_usable()
        job = Job(work, Durability.PROCESS)
        self._reader.submit(job)
        await self._reader_thread.commit()
        return job.result()

    @property
    def changes(self) -> int:
        """The same as long as nothing was changed: taken before a read, it dates what was read."""
        return self._writer.changes

    async def truncate_log(self) -> bool:
        """Write the log back into the file and cut it to nothing, so that what was deleted is in neither.

        False when a reader was in the way for too long; nothing is lost then.
        """
        connections: list[Connection] = []
        finished: list[bool] = []

        def checkpoint() -> None:
            # No transaction is open here: inside one a checkpoint is refused.
            finished.append(_checkpoint(connections[-1]))

        await self.write(connections.append, then=checkpoint)
        return finished == [True]

    async def verify(self) -> None:
        """Read the whole file; `StoreDamaged` names the first fault. Row hashes are for their owners."""
        (finding,) = await self.read(_integrity)
        if finding != "ok":
            raise StoreDamaged(
                f"{self.path} is damaged ({finding}). Nothing was changed. "
                "Copy it aside, then restore a backup."
            )

    async def close(self) -> None:
        """Finish what was accepted, close, let the next owner in; idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._reader_thread.close()
        finally:
            await self._writer_thread.close()

    async def wait_halted(self) -> NoReturn:
        """Until the disk does not confirm a change; then raises `StoreHalted`, as everything else will."""
        await self._halted.wait()
        self.check_usable()
        raise AssertionError("a store that halted is usable")

    def check_usable(self) -> None:
        """Raises `StoreClosed` or `StoreHalted`, as everything else would."""
        if self._closed:
            raise StoreClosed(f"{self.path} was closed. This change was not made; all earlier ones are safe.")
        # What was read after an unconfirmed write might never have reached the disk.
        if self._writer.halted is not None:
            raise StoreHalted(*self._writer.halted.args)

    async def _submit(self, job: Job[Result]) -> Result:
        self.check_usable()
        self._writer.submit(job)
        await self._writer_thread.commit()
        if self._writer.halted is not None:
            self._halted.set()
        return job.result()


def _integrity(connection: Connection) -> tuple[str]:
    found: tuple[str] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    return found


def _checkpoint(connection: Connection) -> bool:
    try:
        (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except DriverError:
        return False
    return not is_busy


class _AiosqliteThread:
    """aiosqlite's worker thread; the calls reach it through `aiosqlite.Connection`'s public methods alone."""

    def __init__(self, worker: Writer | Reader) -> None:
        # aiosqlite only forwards to the object its connector returns; a worker has the two methods we use.
        self._connection = aiosqlite.Connection(lambda: cast("sqlite3.Connection", worker), 64)
        self._started = False

    async def start(self) -> None:
        self._started = True
        self._connection = await self._connection
        await self._connection.commit()

    async def commit(self) -> None:
        await self._connection.commit()

    async def close(self) -> None:
        if self._started:
            await self._connection.close()


class InlineThread:
    """No thread: each call is made in the caller's own step, then the other tasks have theirs."""

    def __init__(self, worker: Writer | Reader) -> None:
        self._worker = worker

    async def start(self) -> None:
        self._worker.commit()

    async def commit(self) -> None:
        self._worker.commit()
        await asyncio.sleep(0)

    async def close(self) -> None:
        self._worker.close()


_THREADS: dict[Execution, ThreadFactory] = {
    Execution.THREADS: _AiosqliteThread,
    Execution.INLINE: InlineThread,
}
