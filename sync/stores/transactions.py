"""The work waiting for one database connection, and how it becomes transactions on that connection's thread.

aiosqlite gives the thread: it takes any connection-shaped object and calls its `commit` and `close` there, in
the order in which they were asked for. `Writer` and `Reader` are such objects. Work is queued first and
`commit` asked for second, in one step of the event loop; so a caller that is cancelled meanwhile leaves its
work to be done or undone whole, and no transaction is ever open while a coroutine waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Final, Generic, TypeVar

from .ballast import Ballast
from .connection import Connect, Connection, DriverError
from .errors import StoreBusy, StoreFull, StoreHalted, commit_error, disk_error, store_error
from .lock import StoreLock
from .migrations import Schema, migrate

Result = TypeVar("Result")

GROUP_MAX: Final = 200
"""Transactions that share one fsync. Measured: alone 758 rows/s, 50 together 18 000, 200 together 21 100;
1000 together no more, at eight times the latency."""
BALLAST_EVERY: Final = 64
"""Groups after which the writer looks whether the space set aside is there."""
WAITING_MAX: Final = 10_000
"""Transactions that may wait; beyond it the disk is not keeping up and callers are told so."""


class Durability(Enum):
    """What a change outlives once its caller was answered; the value is SQLite's `synchronous` level."""

    POWER_CUT = "FULL"
    PROCESS = "NORMAL"
    """The death of the process, but not of the machine: no fsync is paid."""


class Job(Generic[Result]):
    """One function to be run as one transaction, and what came of it."""

    def __init__(
        self,
        work: Callable[[Connection], Result],
        durability: Durability,
        then: Callable[[], object] | None = None,
        *,
        may_wait: bool = False,
    ) -> None:
        self.durability = durability
        self.may_wait = may_wait
        self._work = work
        self._then = then
        self._results: list[Result] = []
        self._error: Exception | None = RuntimeError("the transaction was never run")

    def attempt(self, connection: Connection) -> None:
        """Run the work, forgetting an attempt whose group was rolled back. Raises what the work raises."""
        self._results, self._error = [], None
        self._results.append(self._work(connection))

    def fail(self, error: Exception) -> None:
        """Nothing of this work was kept."""
        self._results, self._error = [], error

    @property
    def lacked_room(self) -> bool:
        """The disk had no room for it."""
        return isinstance(self._error, StoreFull)

    def settle(self) -> None:
        """The attempt is durable: tell whoever has to know, even if the caller has gone."""
        if self._then is not None and self._error is None:
            self._then()

    def result(self) -> Result:
        """What the work returned, or raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]


class _Queue:
    """Work in order of arrival: the event loop adds at one end, the thread takes at the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: deque[Job[object]] = deque()

    def submit(self, job: Job[Result]) -> None:
        """Add work; `StoreBusy` when too much waits already. Ask for `commit` in the same step."""
        if len(self._waiting) >= WAITING_MAX:
            raise StoreBusy(
                f"{self.path} has {WAITING_MAX} changes waiting for the disk. This one was not made. "
                "Check the disk; try again when it has caught up."
            )
        self._waiting.append(job)  # type: ignore[arg-type]  # Only its caller, who knows the type, reads the result.

    def next_group(self, size_max: int) -> list[Job[object]]:
        """The oldest work, of one durability, so that one commit serves all of it."""
        waiting = self._waiting
        if not waiting:
            return []
        group = [waiting.popleft()]
        while waiting and len(group) < size_max and waiting[0].durability is group[0].durability:
            group.append(waiting.popleft())
        return group


class Writer(_Queue):
    """The only connection that changes the database; owns the store's lock and brings its tables up to date.

    Each caller asks for one `commit`, and each `commit` runs at least the oldest waiting work: when a
    caller's own `commit` returns, its work is done. What arrives during one fsync shares the next.
    """

    def __init__(
        self,
        path: Path,
        schemas: Sequence[Schema],
        key: bytes | None,
        connect: Connect,
        ballast: Ballast | None = None,
    ) -> None:
        super().__init__(path)
        self._schemas = schemas
        self._key = key
        self._connect = connect
        self._ballast = ballast
        self._groups_run = 0
        self._lock: StoreLock | None = None
        self._connection: Connection | None = None
        self._durability = Durability.POWER_CUT
        self.halted: StoreHalted | None = None
        self.changes = 0
        """Groups that changed a row and were committed; it grows before anybody is told of them."""

    @property
    def durability(self) -> Durability:
        """Of the group that was run last."""
        return self._durability

    def commit(self) -> None:
        """Open on the first call; then run the next group."""
        connection = self._connection or self._open()
        if group := self.next_group(GROUP_MAX):
            self._run(connection, group)
            self._groups_run += 1
            if self._ballast is not None and self._groups_run % BALLAST_EVERY == 0:
                self._ballast.keep()

    def close(self) -> None:
        """Checkpoint, close and let the next owner in; idempotent."""
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            self._connection = None
            if self._lock is not None:
                self._lock.release()

    def _open(self) -> Connection:
        try:
            connection = self._opened()
        except StoreFull:
            # The log needs a little room even where nothing is changed.
            self.close()
            if self._ballast is None or not self._ballast.release():
                raise
            connection = self._opened()
        if self._ballast is not None:
            self._ballast.keep()
        return connection

    def _opened(self) -> Connection:
        try:
            self._lock = StoreLock(self.path)
            self._connection = self._connect(self.path, self._key)
            migrate(self._connection, self._schemas, self.path)
        except (DriverError, OSError) as error:
            raise _translated(error, self.path) from error
        return self._connection

    def _run(self, connection: Connection, group: list[Job[object]]) -> None:
        """Commit the group; if it was lost as a whole, each of its transactions alone, so that one too big
        for the disk does not take the others with it."""
        changed_before = connection.total_changes
        error = self.halted or self._attempt(connection, group)
        if isinstance(error, StoreHalted):
            self.halted = error
            for job in group:
                job.fail(StoreHalted(*error.args))
        elif error is not None and len(group) == 1:
            group[0].fail(error)
            self._run_in_reserve(connection, group)
        elif error is not None:
            for job in group:
                self._run(connection, [job])
        else:
            self.changes += connection.total_changes != changed_before
            for job in group:
                job.settle()
            self._run_in_reserve(connection, group)

    def _run_in_reserve(self, connection: Connection, group: list[Job[object]]) -> None:
        """What people wait for and the disk had no room for is tried once more in the space set aside."""
        lacking = [job for job in group if job.lacked_room and not job.may_wait]
        if lacking and self._ballast is not None and self._ballast.release():
            for job in lacking:
                self._run(connection, [job])

    def _attempt(self, connection: Connection, group: list[Job[object]]) -> Exception | None:
        """One transaction around the group. None once it is durable, otherwise why all of it was undone."""
        try:
            self._begin(connection, group[0].durability)
            if len(group) == 1:
                if not self._run_alone(connection, group[0]):
                    return None
            else:
                for job in group:
                    self._run_inside(connection, job)
            self._confirm(connection)
        except Exception as error:  # noqa: BLE001  # Whatever it is, the callers waiting for the group get it.
            connection.rollback()
            return store_error(error, self.path)
        return None

    def _begin(self, connection: Connection, durability: Durability) -> None:
        if durability is not self._durability:
            connection.execute(f"PRAGMA synchronous = {durability.value}")
            self._durability = durability
        connection.execute("BEGIN IMMEDIATE")

    def _confirm(self, connection: Connection) -> None:
        try:
            connection.execute("COMMIT")
        except DriverError as error:
            raise commit_error(error, self.path) from error

    def _run_alone(self, connection: Connection, job: Job[object]) -> bool:
        """The only transaction of the group; False, and nothing left of it, if it failed."""
        try:
            job.attempt(connection)
        except Exception as error:
            if not connection.in_transaction:
                raise
            connection.rollback()
            job.fail(store_error(error, self.path))
            return False
        return True

    def _run_inside(self, connection: Connection, job: Job[object]) -> None:
        """One transaction of the group; its failure is its own, unless SQLite undid the group with it."""
        connection.execute("SAVEPOINT job")
        try:
            job.attempt(connection)
        except Exception as error:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO job")
            job.fail(store_error(error, self.path))
        connection.execute("RELEASE job")


class Reader(_Queue):
    """A second connection that only reads, so that reading never waits for an fsync."""

    def __init__(self, path: Path, key: bytes | None, connect: Connect) -> None:
        super().__init__(path)
        self._key = key
        self._connect = connect
        self._connection: Connection | None = None

    def commit(self) -> None:
        """Open on the first call; then run one piece of work on a snapshot of its own."""
        connection = self._connection or self._open()
        for job in self.next_group(size_max=1):
            self._run(connection, job)

    def close(self) -> None:
        """Idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        try:
            self._connection = self._connect(self.path, self._key)
            self._connection.execute("PRAGMA query_only = ON")
        except (DriverError, OSError) as error:
            raise _translated(error, self.path) from error
        return self._connection

    def _run(self, connection: Connection, job: Job[object]) -> None:
        try:
            connection.execute("BEGIN")
            job.attempt(connection)
        except Exception as error:  # noqa: BLE001  # Whatever it is, the caller waiting for it gets it.
            job.fail(store_error(error, self.path))
        finally:
            # The method, unlike the statement, also ends queries that the work left unfinished: while one
            # lives (in a traceback, say), later reads would go on seeing its old snapshot.
            connection.rollback()


def _translated(error: Exception, path: Path) -> Exception:
    return disk_error(error, path) if isinstance(error, OSError) else store_error(error, path)
