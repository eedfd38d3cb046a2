"""Simulated disks take what no sync confirmed and nothing else; what they refuse, the stores put in words."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from simulations.faults import FileRefusal, FileRefusals, FileSyncs, LyingDisk, Refusal, Refusals
from sync.stores.connection import Connection
from sync.stores.database import Database, InlineThread
from sync.stores.errors import StoreBusy, StoreError, StoreFailed, StoreHalted
from sync.stores.migrations import Schema
from sync.stores.transactions import Reader, Writer

SEEDS = range(40)
SCHEMA = Schema(name="probe", steps=("CREATE TABLE fact (text TEXT NOT NULL) STRICT;",))


def left_after_cut(syncs: FileSyncs, disk: Path, seed: int) -> Path:
    """A copy of the disk as a cut leaves it."""
    copy = disk.with_name(f"left-{seed}")
    shutil.copytree(disk, copy)
    syncs.tear(copy, seed=seed)
    return copy


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "old.key").write_bytes(b"old" * 500)
    return folder


def test_a_file_whose_name_and_content_were_synced_outlives_every_cut(disk: Path) -> None:
    syncs = FileSyncs(disk)
    path = disk / "keys" / "new.key"
    path.write_bytes(b"new" * 500)
    syncs.synced(path)
    syncs.synced(path.parent)
    for seed in SEEDS:
        left = left_after_cut(syncs, disk, seed)
        assert (left / "keys" / "new.key").read_bytes() == b"new" * 500
        assert (left / "keys" / "old.key").read_bytes() == b"old" * 500


def test_content_that_was_not_synced_may_be_short_though_its_name_is_there(disk: Path) -> None:
    syncs = FileSyncs(disk)
    path = disk / "keys" / "new.key"
    path.write_bytes(b"new" * 500)
    syncs.synced(path.parent)
    found = {(left_after_cut(syncs, disk, seed) / "keys" / "new.key").read_bytes() for seed in SEEDS}
    assert b"" in found
    assert b"new" * 500 in found
    assert len(found) >= 3, "no sector of it was ever lost alone"


def test_a_name_that_was_not_synced_may_be_what_it_was(disk: Path) -> None:
    syncs = FileSyncs(disk)
    draft, path = disk / "keys" / "draft", disk / "keys" / "old.key"
    draft.write_bytes(b"new" * 500)
    syncs.synced(draft)
    draft.replace(path)
    found = {(left_after_cut(syncs, disk, seed) / "keys" / "old.key").read_bytes() for seed in SEEDS}
    assert found == {b"old" * 500, b"new" * 500}


def test_a_folder_that_is_lost_takes_everything_in_it_along(disk: Path) -> None:
    syncs = FileSyncs(disk)
    path = disk / "objects" / "case" / "picture"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"seen")
    syncs.synced(path)
    syncs.synced(path.parent)
    kept = {(left_after_cut(syncs, disk, seed) / "objects" / "case" / "picture").exists() for seed in SEEDS}
    assert kept == {False, True}


def test_of_a_disk_that_lies_no_sync_counts(disk: Path) -> None:
    syncs = FileSyncs(disk)
    syncs.lies = True
    path = disk / "keys" / "new.key"
    path.write_bytes(b"new")
    syncs.synced(path)
    syncs.synced(path.parent)
    assert {(left_after_cut(syncs, disk, seed) / "keys" / "new.key").exists() for seed in SEEDS} == {
        False,
        True,
    }


class Refusing:
    """Where transactions run: in the caller's step, on a disk that may refuse."""

    def __init__(self) -> None:
        self.refusals = Refusals()

    def __call__(self, worker: Writer | Reader) -> InlineThread:
        worker._connect = self.refusals.connecting(worker._connect)
        return InlineThread(worker)


def texts(connection: Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM fact ORDER BY rowid").fetchall()]


async def opened(path: Path, disk: Refusing) -> Database:
    return await Database.open(path, [SCHEMA], execution=disk)


async def add(database: Database, text: str) -> None:
    await database.write(lambda connection: connection.execute("INSERT INTO fact VALUES (?)", (text,)))


@pytest.mark.parametrize(
    ("kind", "told", "kept"),
    [
        (Refusal.WRITE, StoreFailed, ["before"]),
        (Refusal.SYNC, StoreHalted, ["before"]),
        (Refusal.SYNC_OF_ALL, StoreHalted, ["before", "refused"]),
        (Refusal.ANY_WRITE, StoreFailed, ["before"]),
        (Refusal.LOCK, StoreBusy, ["before"]),
    ],
)
async def test_a_refused_change_is_told_and_only_a_restart_knows_what_an_unconfirmed_one_left(
    tmp_path: Path, kind: Refusal, told: type[StoreError], kept: list[str]
) -> None:
    path, disk = tmp_path / "probe.db", Refusing()
    database = await opened(path, disk)
    await add(database, "before")
    disk.refusals.begin(kind, 1)
    with pytest.raises(told):
        await add(database, "refused")
    assert disk.refusals.struck == 1
    await database.close()
    again = await opened(path, Refusing())
    assert await again.read(texts) == kept
    await again.close()


async def test_a_disk_that_cannot_be_read_says_so_until_it_can(tmp_path: Path) -> None:
    disk = Refusing()
    database = await opened(tmp_path / "probe.db", disk)
    await add(database, "before")
    disk.refusals.begin(Refusal.READ, 2)
    for _ in range(2):
        with pytest.raises(StoreFailed):
            await database.read(texts)
    assert await database.read(texts) == ["before"]
    await database.close()


async def test_a_lying_disk_leaves_each_database_as_it_was_at_one_moment(tmp_path: Path) -> None:
    disk, root = Refusing(), tmp_path / "disk"
    root.mkdir()
    database = await opened(root / "probe.db", disk)
    await add(database, "before")
    lying = LyingDisk(root)
    for number in range(6):
        await add(database, f"lie {number}")
        lying.wrote(database._writer)
    found: set[int] = set()
    for seed in SEEDS:
        left = tmp_path / f"left-{seed}"
        shutil.copytree(root, left, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
        lying.tear(left, seed=seed)
        again = await opened(left / "probe.db", Refusing())
        kept = await again.read(texts)
        await again.close()
        assert kept == ["before", *(f"lie {number}" for number in range(len(kept) - 1))]
        found.add(len(kept))
    await database.close()
    assert {1, 7} <= found


@pytest.mark.parametrize(
    ("kind", "fails_to_open", "fails_to_sync"),
    [
        (FileRefusal.NO_ROOM, True, False),
        (FileRefusal.GONE, True, False),
        (FileRefusal.HALF, False, True),
        (FileRefusal.SPOILT, False, False),
    ],
)
def test_a_place_refuses_files_until_it_is_mended(
    tmp_path: Path, kind: FileRefusal, fails_to_open: bool, fails_to_sync: bool
) -> None:
    path, place = tmp_path / "picture", FileRefusals()
    path.write_bytes(b"12345678")
    place.begin(kind)
    with pytest.raises(OSError, match="picture") if fails_to_open else nullcontext():
        place.meet_open(str(path))
    with pytest.raises(OSError, match="picture") if fails_to_sync else nullcontext():
        place.meet_sync(path, is_backup=True)
    assert place.struck == 1
    assert (path.read_bytes() == b"12345678") is fails_to_open
    place.mend()
    place.meet_open(str(path))
    place.meet_sync(path, is_backup=True)
    assert place.struck == 1
