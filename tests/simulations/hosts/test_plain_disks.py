"""Simulated disks may be plain; the product's are not, and are again as soon as such a world is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulations.hosts.plain_disks import plain_disks
from sync.stores.connection import KEY_BYTES
from sync.stores.database import Database, Execution
from sync.stores.errors import StoreError
from sync.stores.migrations import Schema

SCHEMA = Schema(name="test", steps=("CREATE TABLE fact (fact INTEGER PRIMARY KEY) STRICT;",))
KEY = bytes(range(KEY_BYTES))
PLAIN_HEAD = b"SQLite format 3"


async def make(path: Path) -> bytes:
    database = await Database.open(path, [SCHEMA], KEY, execution=Execution.INLINE)
    await database.close()
    return head_of(path)


def head_of(path: Path) -> bytes:
    return path.read_bytes()[: len(PLAIN_HEAD)]


async def test_a_key_encrypts_nothing_in_such_a_world_and_everything_after_it(tmp_path: Path) -> None:
    with plain_disks():
        assert await make(tmp_path / "simulated.db") == PLAIN_HEAD
    assert await make(tmp_path / "real.db") != PLAIN_HEAD


async def test_neither_is_taken_for_the_other(tmp_path: Path) -> None:
    await make(tmp_path / "real.db")
    with plain_disks():
        await make(tmp_path / "simulated.db")
        with pytest.raises(StoreError):
            await make(tmp_path / "real.db")
    with pytest.raises(StoreError):
        await make(tmp_path / "simulated.db")
