"""Custody and the database beside it: which of the two was restored alone, and what is to come again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from protocol.ids import BundleId, Pseudonym
from protocol.ranges import RangeSet
from sync.stores.applied import APPLIED_PAGE, APPLIED_SCHEMA, Mark, applied_mark, keep_mark
from sync.stores.connection import Connection
from sync.stores.database import Database, Execution
from sync.stores.incidents import IncidentKind
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .contract import add, bundle_id_of, numbers, receive

PAIR = Pseudonym(b"pair")
MANY = APPLIED_PAGE + 20


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: hundreds of commits, none of them to outlive a power cut."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        yield Path(name)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[SqliteStore, SqlitePairStore, Database]]:
    custody = await Database.open(folder / "custody.db", [CUSTODY_SCHEMA], execution=Execution.INLINE)
    applied = await Database.open(folder / "records.db", [APPLIED_SCHEMA], execution=Execution.INLINE)
    try:
        stores = SqliteStore(custody)
        yield stores, await stores.pair(PAIR), applied
    finally:
        await applied.close()
        await custody.close()


def knows(*labels: str) -> set[BundleId]:
    return {bundle_id_of(label) for label in labels}


async def recover(stores: SqliteStore, applied: Database, known: set[BundleId]) -> None:
    def has_trace(_: Connection, pseudonym: Pseudonym, bundle_id: BundleId) -> bool:
        assert pseudonym == PAIR
        return bundle_id in known

    await stores.recover_applied(applied, came=has_trace, went=has_trace)


async def held(store: SqlitePairStore) -> RangeSet:
    view = await store.open_session()
    return view.received[0].held if view.received else RangeSet()


async def test_only_what_was_let_go_of_and_is_not_known_comes_again(folder: Path) -> None:
    async with opened(folder) as (stores, store, applied):
        for sequence, label in enumerate(("known", "lost", "aside", "waiting"), start=1):
            await receive(store, label, 50, sequence)
        known, lost, aside, _ = await store.received_after(0, 9)
        await store.take(known.row)
        await store.take(lost.row)
        await store.quarantine(aside.row, "cannot be opened")
        await recover(stores, applied, knows("known"))
        assert await held(store) == numbers(1, 3, 4)
        (told,) = [each for each in await store.incidents_after(0, 9) if each.subject == b""]
        assert told.kind is IncidentKind.UNAPPLIED
        await receive(store, "lost", 50, 2)
        assert [each.offer.sequence for each in await store.received_after(0, 9)] == [4, 2]


async def test_what_was_compared_once_is_not_looked_at_again(folder: Path) -> None:
    async with opened(folder) as (stores, store, applied):
        await receive(store, "a", 50, 1)
        (received,) = await store.received_after(0, 9)
        await store.take(received.row)
        await add(store, "b", 50)
        await store.mark_stored(numbers(1))
        await stores.note_applied(applied)
        await recover(stores, applied, set())
        view = await store.open_session()
        assert (await held(store), view.foreign) == (numbers(1), ())


async def test_more_than_a_page_comes_again(folder: Path) -> None:
    async with opened(folder) as (stores, store, applied):
        for sequence in range(1, MANY + 1):
            await receive(store, f"r{sequence}", 1, sequence)
            await add(store, f"s{sequence}", 1)
        for received in await store.received_after(0, MANY):
            await store.take(received.row)
        await store.mark_stored(RangeSet.of([(1, MANY + 1)]))
        await recover(stores, applied, knows("r7", "s7"))
        view = await store.open_session()
        assert await held(store) == numbers(7)
        assert view.foreign[0].sequences == RangeSet.of([(1, 7), (8, MANY + 1)])


async def test_a_mark_of_a_custody_that_was_restored_instead_is_taken_back(folder: Path) -> None:
    async with opened(folder) as (stores, _, applied):
        await applied.note(lambda connection: keep_mark(connection, Mark(settled=9, given=7)))
        await recover(stores, applied, set())
        assert await applied.read(applied_mark) == Mark(settled=0, given=0)
