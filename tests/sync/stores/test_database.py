"""A database keeps what it answered, undoes what it refused, and has one owner."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import pytest

from sync.stores.connection import KEY_BYTES, Connection, DriverError, connect
from sync.stores.database import Database, Execution
from sync.stores.errors import (
    StoreBusy,
    StoreClosed,
    StoreDamaged,
    StoreFailed,
    StoreFull,
    StoreHalted,
    StoreTooNew,
)
from sync.stores.migrations import Schema
from sync.stores.transactions import GROUP_MAX, WAITING_MAX

ROOT = Path(__file__).parents[3]
NOTES = Schema(
    "notes", ("CREATE TABLE note (note INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL) STRICT;",)
)
KEY = bytes(range(KEY_BYTES))


@asynccontextmanager
async def opened(
    folder: Path,
    key: bytes | None = None,
    *,
    schemas: Sequence[Schema] = (NOTES,),
    connect: Callable[[Path, bytes | None], Connection] = connect,
    execution: Execution = Execution.THREADS,
) -> AsyncIterator[Database]:
    database = await Database.open(folder / "t.db", schemas, key, connect=connect, execution=execution)
    try:
        yield database
    finally:
        await database.close()


def insert(text: str) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        return cast("int", connection.execute("INSERT INTO note (text) VALUES (?)", (text,)).lastrowid)

    return work


def texts(connection: Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM note ORDER BY note")]


class Gate:
    """Holds the writer's thread inside a transaction until opened, so that a group gathers behind it."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._open = threading.Event()

    def work(self, connection: Connection) -> None:
        self._entered.set()
        assert self._open.wait(20)

    async def entered(self) -> None:
        assert await asyncio.to_thread(self._entered.wait, 20)

    def open(self) -> None:
        self._open.set()


@asynccontextmanager
async def behind_a_gate(database: Database) -> AsyncIterator[asyncio.TaskGroup]:
    """Whatever is written by tasks of the group becomes one group commit."""
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(gate.work))
        await gate.entered()
        try:
            yield group
            await asyncio.sleep(0)  # Every task has queued its work.
        finally:
            gate.open()


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def key(request: pytest.FixtureRequest) -> bytes | None:
    return cast("bytes | None", request.param)


@pytest.fixture(params=list(Execution), ids=[mode.value for mode in Execution])
def execution(request: pytest.FixtureRequest) -> Execution:
    return cast("Execution", request.param)


async def test_what_was_written_is_there_after_reopening(
    tmp_path: Path, key: bytes | None, execution: Execution
) -> None:
    async with opened(tmp_path, key, execution=execution) as database:
        assert await database.write(insert("a")) == 1
        assert await database.note(insert("b")) == 2
        assert await database.read(texts) == ["a", "b"]
    async with opened(tmp_path, key, execution=execution) as database:
        assert await database.read(texts) == ["a", "b"]
        await database.verify()


async def test_both_connections_run_with_the_settings_that_make_it_safe(
    tmp_path: Path, key: bytes | None
) -> None:
    def settings(connection: Connection) -> list[str]:
        names = ("journal_mode", "synchronous", "page_size", "foreign_keys", "trusted_schema", "temp_store")
        return [str(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names]

    async with opened(tmp_path, key) as database:
        assert await database.write(settings) == ["wal", "2", "16384", "1", "0", "2"]
        assert await database.note(settings) == ["wal", "1", "16384", "1", "0", "2"]
        assert await database.write(settings) == ["wal", "2", "16384", "1", "0", "2"]
        assert await database.read(settings) == ["wal", "2", "16384", "1", "0", "2"]


async def test_files_belong_to_their_owner_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(insert("a"))
        modes = {entry.name: entry.stat().st_mode & 0o777 for entry in os.scandir(tmp_path)}
    assert modes == dict.fromkeys(("t.db", "t.db-wal", "t.db-shm", "t.db.lock"), 0o600)


# One transaction.


async def test_work_that_raises_leaves_no_trace_and_its_error_reaches_the_caller(
    tmp_path: Path, execution: Execution
) -> None:
    def spoiled(connection: Connection) -> None:
        insert("never")(connection)
        raise LookupError("no such case")

    async with opened(tmp_path, execution=execution) as database:
        with pytest.raises(LookupError, match="no such case"):
            await database.write(spoiled)
        with pytest.raises(DriverError, match="NOT NULL"):
            await database.write(
                lambda connection: connection.execute("INSERT INTO note (text) VALUES (NULL)")
            )
        with pytest.raises(LookupError):
            await database.read(spoiled_read)
        await database.write(insert("after"))
        assert await database.read(texts) == ["after"]


def spoiled_read(connection: Connection) -> None:
    raise LookupError("not read")


async def test_reading_cannot_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        with pytest.raises(StoreFailed):
            await database.read(insert("never"))
        assert await database.read(texts) == []


async def test_a_reader_sees_one_moment_and_waits_for_no_writer(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(insert("before"))
        async with behind_a_gate(database) as group:
            group.create_task(database.write(insert("during")))
            await asyncio.sleep(0)
            assert await database.read(texts) == ["before"]
        assert await database.read(texts) == ["before", "during"]


async def test_work_that_fails_in_the_middle_of_reading_holds_no_old_snapshot(
    tmp_path: Path, execution: Execution
) -> None:
    def stumble(connection: Connection) -> None:
        unfinished = connection.execute("SELECT text FROM note")
        raise LookupError(unfinished.fetchone()[0])

    async with opened(tmp_path, execution=execution) as database:
        for text in "ab":
            await database.write(insert(text))
        with pytest.raises(LookupError) as kept:
            await database.read(stumble)
        await database.write(insert("c"))
        assert await database.read(texts) == ["a", "b", "c"]
        del kept


# The group.


async def test_what_waits_together_is_committed_together(tmp_path: Path) -> None:
    statements: list[str] = []

    def traced(path: Path, key: bytes | None) -> Connection:
        connection = connect(path, key)
        connection.set_trace_callback(statements.append)
        return connection

    async with opened(tmp_path, connect=traced) as database:
        statements.clear()
        async with behind_a_gate(database) as group:
            rows = [group.create_task(database.write(insert(str(number)))) for number in range(GROUP_MAX)]
        assert [row.result() for row in rows] == list(range(1, GROUP_MAX + 1))
        assert statements.count("COMMIT") == 2


async def test_one_refusal_in_a_group_is_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        async with behind_a_gate(database) as group:
            group.create_task(database.write(insert("a")))
            refused = group.create_task(expect(LookupError, lambda: database.write(spoiled_read)))
            group.create_task(database.note(insert("b")))
            group.create_task(database.write(insert("c")))
        assert refused.result() == "not read"
        assert await database.read(texts) == ["a", "b", "c"]


async def expect(kind: type[Exception], call: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises(kind) as caught:
        await call()
    return str(caught.value)


async def test_more_than_can_ever_be_written_is_refused_not_piled_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as database, behind_a_gate(database) as group:
        for _ in range(WAITING_MAX):
            group.create_task(database.note(no_work))
        await asyncio.sleep(0)
        assert "waiting for the disk" in await expect(StoreBusy, lambda: database.note(no_work))


def no_work(connection: Connection) -> None:
    """Nothing to do."""


# Cancelled callers.


@pytest.mark.parametrize("steps", range(1, 8))
async def test_a_cancelled_caller_leaves_its_change_whole_and_the_store_usable(
    tmp_path: Path, execution: Execution, steps: int
) -> None:
    def two_rows(connection: Connection) -> None:
        insert("first")(connection)
        insert("second")(connection)

    settled = threading.Event()
    async with opened(tmp_path, execution=execution) as database, asyncio.TaskGroup() as group:
        caller = group.create_task(database.write(two_rows, then=settled.set))
        for _ in range(steps):
            await asyncio.sleep(0)
        caller.cancel()
        with suppress(asyncio.CancelledError):
            await caller
        await database.write(insert("next"))
        assert await database.read(texts) == ["first", "second", "next"]
        assert settled.is_set()


async def test_a_caller_cancelled_before_it_began_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as database, asyncio.TaskGroup() as group:
        group.create_task(database.write(insert("never"))).cancel()
        await database.write(insert("next"))
        assert await database.read(texts) == ["next"]


@pytest.mark.parametrize("steps", range(6))
async def test_opening_that_was_cancelled_lets_the_next_owner_in(tmp_path: Path, steps: int) -> None:
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(Database.open(tmp_path / "t.db", [NOTES]))
        for _ in range(steps):
            await asyncio.sleep(0)
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await (await opening).close()
    async with opened(tmp_path) as database:
        await database.write(insert("a"))


async def test_closing_finishes_what_was_accepted_and_refuses_the_rest(
    tmp_path: Path, execution: Execution
) -> None:
    async with opened(tmp_path, execution=execution) as database, asyncio.TaskGroup() as group:
        writing = [group.create_task(database.write(insert(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        await database.close()
        await database.close()
        with pytest.raises(StoreClosed):
            await database.write(insert("late"))
        with pytest.raises(StoreClosed):
            await database.read(texts)
    assert [row.result() for row in writing] == list(range(1, 21))
    assert set(os.listdir(tmp_path)) == {"t.db", "t.db.lock"}


# One owner.


async def test_a_second_owner_is_refused_here_and_in_another_process(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        refusal = await expect(StoreBusy, lambda: open_and_close(tmp_path))
        assert f"process {os.getpid()}" in refusal
        assert (await asyncio.to_thread(open_elsewhere, tmp_path)) == refusal
        await database.write(insert("still mine"))
    assert (await asyncio.to_thread(open_elsewhere, tmp_path)) == "opened"


async def open_and_close(folder: Path) -> None:
    async with opened(folder):
        pass


OPEN_ELSEWHERE = """
import asyncio, sys
from pathlib import Path
from sync.stores.database import Database
from sync.stores.errors import StoreBusy

async def main():
    try:
        database = await Database.open(Path(sys.argv[1]), [])
    except StoreBusy as error:
        print(error)
    else:
        await database.close()
        print("opened")

asyncio.run(main())
"""


def open_elsewhere(folder: Path) -> str:
    command = [sys.executable, "-W", "error", "-c", OPEN_ELSEWHERE, str(folder / "t.db")]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


OWN_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from sync.stores.database import Database

async def main():
    database = await Database.open(Path(sys.argv[1]), [])
    print("mine", flush=True)
    await asyncio.Event().wait()
    await database.close()

asyncio.run(main())
"""


async def test_a_killed_owner_leaves_no_lock_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWN_FOR_EVER, str(tmp_path / "t.db")]
    owner = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert owner.stdout is not None
        assert await owner.stdout.readline() == b"mine\n"
        refusal = await expect(StoreBusy, lambda: open_and_close(tmp_path))
        assert f"process {owner.pid}" in refusal
    finally:
        owner.send_signal(signal.SIGKILL)
        await owner.wait()
    async with opened(tmp_path) as database:
        await database.write(insert("a"))


# Keys and damage.


async def test_the_wrong_key_or_none_opens_nothing_and_harms_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, KEY) as database:
        await database.write(insert("secret"))
    for other in (bytes(KEY_BYTES), None):
        with pytest.raises(StoreDamaged, match="key does not fit"):
            await Database.open(tmp_path / "t.db", [NOTES], other)
    async with opened(tmp_path, KEY) as database:
        assert await database.read(texts) == ["secret"]
    assert b"secret" not in (tmp_path / "t.db").read_bytes()
    with pytest.raises(ValueError, match="32 bytes"):
        await Database.open(tmp_path / "other.db", [NOTES], b"short")


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_bytes(b"a letter, not a database. " * 100)
    with pytest.raises(StoreDamaged):
        await Database.open(tmp_path / "t.db", [NOTES])
    assert (tmp_path / "t.db").read_bytes() == b"a letter, not a database. " * 100


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
async def test_damage_to_the_file_is_found(tmp_path: Path, key: bytes | None) -> None:
    async with opened(tmp_path, key) as database:
        for number in range(200):
            await database.note(insert(f"{number} " * 100))
    damaged = bytearray((tmp_path / "t.db").read_bytes())
    page = 3 * 16384
    damaged[page : page + 64] = bytes(byte ^ 0xFF for byte in damaged[page : page + 64])
    (tmp_path / "t.db").write_bytes(damaged)
    async with opened(tmp_path, key) as database:
        with pytest.raises(StoreDamaged, match="backup"):
            await database.verify()


async def test_a_path_that_cannot_be_opened_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="permissions"):
        await Database.open(tmp_path / "missing" / "t.db", [NOTES])
    (tmp_path / "t.db").mkdir()
    with pytest.raises(StoreFailed, match="permissions"):
        await Database.open(tmp_path / "t.db", [NOTES])


# Schemas.


async def test_each_schema_goes_forward_by_its_own_steps(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(insert("old"))
    grown = Schema("notes", (*NOTES.steps, "ALTER TABLE note ADD COLUMN read INTEGER NOT NULL DEFAULT 0;"))
    timers = Schema("timers", ("CREATE TABLE timer (timer INTEGER PRIMARY KEY) STRICT;",))
    for _ in range(2):
        async with opened(tmp_path, schemas=[timers, grown]) as database:
            rows = await database.read(lambda c: c.execute("SELECT text, read FROM note").fetchall())
            assert rows == [("old", 0)]
            versions = await database.read(lambda c: c.execute("SELECT * FROM schema_version").fetchall())
            assert dict(versions) == {"notes": 2, "timers": 1}


async def test_a_file_from_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    newer = Schema("notes", (*NOTES.steps, "CREATE TABLE later (later INTEGER PRIMARY KEY) STRICT;"))
    async with opened(tmp_path, schemas=[newer]):
        pass
    before = (tmp_path / "t.db").read_bytes()
    with pytest.raises(StoreTooNew, match="newer version"):
        await Database.open(tmp_path / "t.db", [NOTES])
    assert (tmp_path / "t.db").read_bytes() == before


async def test_a_step_that_fails_is_undone_whole(tmp_path: Path) -> None:
    broken = Schema(
        "notes", (*NOTES.steps, "CREATE TABLE b (b INTEGER PRIMARY KEY);\nCREATE TABLE note (x);")
    )
    with pytest.raises(DriverError, match="already exists"):
        await Database.open(tmp_path / "t.db", [broken])
    async with opened(tmp_path) as database:
        tables = await database.read(lambda c: c.execute("SELECT name FROM sqlite_schema").fetchall())
        assert ("b",) not in tables
        assert ("note",) in tables


async def test_a_step_that_ends_in_mid_statement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="middle of a statement"):
        await Database.open(tmp_path / "t.db", [Schema("notes", ("CREATE TABLE a (a);\nCREATE TABLE b (",))])


def test_steps_come_from_numbered_files_without_gaps(tmp_path: Path) -> None:
    for name, script in (("a_0001.sql", "one"), ("a_0002.sql", "two"), ("b_0001.sql", "other")):
        (tmp_path / name).write_text(script)
    assert Schema.of_folder("a", tmp_path) == Schema("a", ("one", "two"))
    (tmp_path / "a_0004.sql").write_text("four")
    with pytest.raises(ValueError, match="a_0004"):
        Schema.of_folder("a", tmp_path)
    with pytest.raises(ValueError, match="not c_0001"):
        Schema.of_folder("c", tmp_path)


# Faults of the disk.


def with_pages(pages_max: int) -> Callable[[Path, bytes | None], Connection]:
    """A disk that is full once the database has so many pages."""

    def connect_small(path: Path, key: bytes | None) -> Connection:
        connection = connect(path, key)
        connection.execute(f"PRAGMA max_page_count = {pages_max}")
        return connection

    return connect_small


async def test_on_a_full_disk_only_what_does_not_fit_is_refused(tmp_path: Path, execution: Execution) -> None:
    too_big = "x" * (40 * 16384)
    async with opened(tmp_path, connect=with_pages(20), execution=execution) as database:
        if execution is Execution.THREADS:
            async with behind_a_gate(database) as group:
                group.create_task(database.write(insert("a")))
                refused = group.create_task(expect(StoreFull, lambda: database.write(insert(too_big))))
                group.create_task(database.write(insert("b")))
            assert "all earlier ones are safe" in refused.result()
        else:
            await database.write(insert("a"))
            await expect(StoreFull, lambda: database.write(insert(too_big)))
            await database.write(insert("b"))
        assert await database.read(texts) == ["a", "b"]
        await database.verify()
    async with opened(tmp_path) as database:
        await database.write(insert(too_big))


class FailingStatements:
    """A connection whose next such statements fail as the disk would make them fail."""

    def __init__(self, connection: Connection, failures: list[str]) -> None:
        self._connection = connection
        self._failures = failures

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    @property
    def total_changes(self) -> int:
        return self._connection.total_changes

    def execute(self, sql: str, parameters: tuple[object, ...] = ()) -> object:
        if sql.split()[0] in self._failures:
            self._failures.remove(sql.split()[0])
            error = DriverError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # type: ignore[attr-defined]  # As sqlcipher3 sets it.
            raise error
        return self._connection.execute(sql, parameters)

    def rollback(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


def failing(failures: list[str]) -> Callable[[Path, bytes | None], Connection]:
    return lambda path, key: cast("Connection", FailingStatements(connect(path, key), failures))


async def test_a_write_that_the_disk_refuses_is_undone_and_the_next_may_succeed(tmp_path: Path) -> None:
    failures: list[str] = []
    async with opened(tmp_path, connect=failing(failures)) as database:
        failures.append("INSERT")
        with pytest.raises(StoreFailed, match="not saved"):
            await database.write(insert("lost"))
        await database.write(insert("kept"))
        assert await database.read(texts) == ["kept"]


async def test_after_an_unconfirmed_write_nothing_is_believed_until_reopened(tmp_path: Path) -> None:
    failures: list[str] = []
    async with opened(tmp_path, connect=failing(failures)) as database:
        await database.write(insert("before"))
        failures.append("COMMIT")
        async with asyncio.TaskGroup() as group:
            for text in ("a", "b"):
                group.create_task(expect_halted(database.write(insert(text))))
        for call in (database.write(insert("c")), database.note(insert("d"))):
            await expect_halted(call)
        with pytest.raises(StoreHalted, match="Restart"):
            await database.read(texts)
    async with opened(tmp_path) as database:
        assert await database.read(texts) == ["before"]


async def expect_halted(call: Awaitable[object]) -> None:
    with pytest.raises(StoreHalted, match="Treat the last change as not saved"):
        await call


@pytest.mark.parametrize("execution", list(Execution))
async def test_its_changes_date_what_was_read(tmp_path: Path, execution: Execution) -> None:
    async with opened(tmp_path, execution=execution) as database:
        before = database.changes
        assert await database.read(texts) == []
        assert database.changes == before
        await database.write(insert("a"))
        written = database.changes
        await database.note(insert("b"))
        assert before < written < database.changes


@pytest.mark.parametrize("execution", list(Execution))
async def test_what_changes_no_row_leaves_the_date_of_what_was_read(
    tmp_path: Path, execution: Execution
) -> None:
    async with opened(tmp_path, execution=execution) as database:
        await database.write(insert("a"))
        before = database.changes
        assert await database.write(texts) == ["a"]
        assert database.changes == before
