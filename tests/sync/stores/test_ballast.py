"""A full disk: what people wait for goes into the space set aside, what peers send does not."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from protocol.ids import Pseudonym
from protocol.ranges import RangeSet
from sync.ports import ChunkOutcome
from sync.stores.ballast import BALLAST_FILE, SPARE_FACTOR, Ballast
from sync.stores.connection import PAGE_BYTES, Connection, connect
from sync.stores.database import Database
from sync.stores.errors import StoreFull
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore
from sync.stores.transactions import BALLAST_EVERY
from sync.stores.volume import Volume
from tests.small_disk import CAN_MOUNT, run_on_small_disk

from . import full_disk
from .contract import add, chunk_of, offer_of, sealed_of

PAIR = Pseudonym(b"pair")
BALLAST_BYTES = 64 * PAGE_BYTES
PAGES_MAX = 160


class SmallDisk:
    """A disk that a database and its ballast share, as far as a database can be told of one."""

    def __init__(self, folder: Path, pages_max: int = PAGES_MAX) -> None:
        self.pages_max = pages_max
        self.used_elsewhere = 0
        self.ballast = Ballast(folder / BALLAST_FILE, size_bytes=BALLAST_BYTES, measure=self._measure)
        self._path = folder / "spool.db"

    def connect(self, path: Path, key: bytes | None) -> Connection:
        connection = connect(path, key, _Bounded)
        assert isinstance(connection, _Bounded)
        connection.disk = self
        return connection

    @property
    def pages_left(self) -> int:
        kept = BALLAST_BYTES // PAGE_BYTES if self.ballast.path.exists() else 0
        return self.pages_max - kept - self.used_elsewhere

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[SqlitePairStore]:
        database = await Database.open(
            self._path, [CUSTODY_SCHEMA], connect=self.connect, ballast=self.ballast
        )
        try:
            yield await SqliteStore(database).pair(PAIR)
        finally:
            await database.close()

    def _measure(self, folder: Path) -> Volume:
        used = self._path.stat().st_size if self._path.exists() else 0
        free = self.pages_left * PAGE_BYTES - used + (SPARE_FACTOR - 1) * BALLAST_BYTES
        return Volume(free_bytes=free, size_bytes=self.pages_max * PAGE_BYTES)


class _Bounded(dbapi2.Connection):  # type: ignore[misc]  # sqlcipher3 has no types.
    """A connection whose file may grow as far as the disk has room at the beginning of each transaction."""

    disk: SmallDisk

    def execute(self, sql: str, *parameters: object) -> object:
        if sql == "BEGIN IMMEDIATE":
            super().execute(f"PRAGMA max_page_count = {self.disk.pages_left}")
        return super().execute(sql, *parameters)


async def fill(store: SqlitePairStore, prefix: str) -> list[str]:
    """Bundles that went in before the disk was full."""
    kept: list[str] = []
    while await is_kept(store, f"{prefix}{len(kept)}", 50_000):
        kept.append(f"{prefix}{len(kept)}")
    return kept


async def is_kept(store: SqlitePairStore, label: str, size_bytes: int) -> bool:
    try:
        await add(store, label, size_bytes)
    except StoreFull:
        return False
    return True


async def test_what_people_write_goes_on_in_the_space_set_aside(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path)
    async with disk.opened() as store:
        assert (disk.ballast.is_kept, disk.ballast.trouble) == (True, "")
        kept: list[str] = []
        while disk.ballast.is_kept:
            kept.append(f"a{len(kept)}")
            await add(store, kept[-1], 50_000)
        assert str(tmp_path) in disk.ballast.trouble
        more = await fill(store, "b")
        assert len(more) >= BALLAST_BYTES // PAGE_BYTES // 5
        for sequence, label in enumerate([*kept, *more], start=1):
            assert await store.read(sequence, 0, 50_000) == sealed_of(label, 50_000)


async def test_what_a_peer_sends_is_refused_before_the_space_set_aside_is_touched(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path)
    async with disk.opened() as store:
        outcomes: list[ChunkOutcome] = []
        for number in range(1, PAGES_MAX):
            offer = offer_of(f"p{number}", 50_000, number)
            outcomes += await store.persist([chunk_of(offer, f"p{number}")])
        assert set(outcomes) == {ChunkOutcome.STORED, ChunkOutcome.NO_ROOM}
        assert disk.ballast.is_kept
        await add(store, "written here", 200_000)
        assert not disk.ballast.is_kept


async def test_it_is_set_aside_again_when_there_is_room(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path)
    async with disk.opened() as store:
        await fill(store, "a")
        for _ in range(2 * BALLAST_EVERY):
            await store.mark_stored(RangeSet())
        assert not disk.ballast.is_kept
        disk.pages_max *= 2
        for _ in range(2 * BALLAST_EVERY):
            await store.mark_stored(RangeSet())
        assert (disk.ballast.is_kept, disk.ballast.trouble) == (True, "")
        await add(store, "later", 50_000)


async def test_a_store_opens_on_a_full_disk_in_the_space_set_aside(tmp_path: Path) -> None:
    free_bytes = SPARE_FACTOR * BALLAST_BYTES
    ballast = Ballast(
        tmp_path / BALLAST_FILE,
        size_bytes=BALLAST_BYTES,
        measure=lambda folder: Volume(free_bytes=free_bytes, size_bytes=1 << 40),
    )

    def connect_if_room(path: Path, key: bytes | None) -> Connection:
        if ballast.path.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return connect(path, key)

    ballast.keep()
    free_bytes = 0
    database = await Database.open(
        tmp_path / "spool.db", [CUSTODY_SCHEMA], connect=connect_if_room, ballast=ballast
    )
    assert await SqliteStore(database).pseudonyms() == ()
    await database.close()


async def test_one_transaction_of_a_group_that_is_too_big_takes_nothing_from_the_others(
    tmp_path: Path,
) -> None:
    disk = SmallDisk(tmp_path)
    async with disk.opened() as store:
        async with asyncio.TaskGroup() as group:
            small = [group.create_task(is_kept(store, f"small{number}", 10_000)) for number in range(9)]
            huge = group.create_task(is_kept(store, "huge", PAGES_MAX * PAGE_BYTES * 2))
        assert [task.result() for task in (*small, huge)] == [True] * 9 + [False]
        assert (await store.open_session()).sequence_max == 9


def test_nothing_is_set_aside_on_a_disk_that_is_full_already(tmp_path: Path) -> None:
    free = SPARE_FACTOR * BALLAST_BYTES - 1
    ballast = Ballast(
        tmp_path / BALLAST_FILE,
        size_bytes=BALLAST_BYTES,
        measure=lambda folder: Volume(free_bytes=free, size_bytes=1 << 40),
    )
    ballast.keep()
    assert not ballast.is_kept
    assert not ballast.release()
    free += 1
    ballast.keep()
    found = ballast.path.stat()
    assert found.st_blocks * 512 >= BALLAST_BYTES, "its blocks are allocated"
    assert ballast.release()
    assert not ballast.path.exists()


def test_one_that_was_cut_short_is_made_whole(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / BALLAST_FILE, size_bytes=BALLAST_BYTES)
    ballast.path.write_bytes(bytes(100))
    assert not ballast.is_kept
    ballast.keep()
    assert ballast.is_kept


def test_where_nothing_can_be_set_aside_nothing_is_raised(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "missing" / BALLAST_FILE, size_bytes=BALLAST_BYTES)
    ballast.keep()
    assert not ballast.is_kept
    assert not ballast.release()


@pytest.mark.peers
@pytest.mark.skipif(not CAN_MOUNT, reason="only root can mount a small disk")
def test_a_disk_that_is_really_full_keeps_its_promises(tmp_path: Path) -> None:
    found = run_on_small_disk(full_disk.__file__, tmp_path, size_mib=8)
    assert found.returncode == 0, found.stderr
    assert "went on" in found.stdout
