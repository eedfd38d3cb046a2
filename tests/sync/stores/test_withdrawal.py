"""A bundle that was taken back is gone from custody, is never sent again, and disturbs no number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.ids import Pseudonym
from protocol.ranges import RangeSet
from sync.ports import ChunkOutcome
from sync.stores.database import Database
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .contract import NOTHING, add, bundle_id_of, chunk_of, numbers, receive


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlitePairStore]:
    database = await Database.open(tmp_path / "custody.db", [CUSTODY_SCHEMA])
    yield await SqliteStore(database).pair(Pseudonym(b"pair"))
    await database.close()


async def pending(store: SqlitePairStore) -> list[int]:
    return [bundle.offer.sequence for bundle in await store.outgoing(NOTHING)]


async def test_what_was_not_begun_is_taken_back(store: SqlitePairStore) -> None:
    for label in ("a", "b", "c"):
        await add(store, label)
    assert await store.withdraw(bundle_id_of("b"))
    assert await pending(store) == [1, 3]
    assert await store.read(2, 0, 1_000) == b""
    state = await store.sent_state(bundle_id_of("b"))
    assert state is not None
    assert not state.stored
    assert (await add(store, "d")).sequence == 4
    assert await store.withdraw(bundle_id_of("b")), "once more changes nothing"


async def test_adding_it_again_does_not_bring_it_back(store: SqlitePairStore) -> None:
    await add(store, "a")
    await store.withdraw(bundle_id_of("a"))
    assert (await add(store, "a")).sequence == 1
    assert await pending(store) == []


async def test_what_has_begun_is_carried_to_its_end(store: SqlitePairStore) -> None:
    await add(store, "a")
    await store.mark_receipted(1, RangeSet.of([(0, 1)]))
    assert not await store.withdraw(bundle_id_of("a"))
    assert await pending(store) == [1]
    assert not await store.withdraw(bundle_id_of("never added"))


async def test_what_the_peer_holds_loses_its_bytes_here_for_good(store: SqlitePairStore) -> None:
    await add(store, "a")
    view = await store.open_session()
    await store.mark_stored(numbers(1))
    assert await store.withdraw(bundle_id_of("a"))
    await store.mark_stored(numbers(1))
    await store.mark_lost(view.incarnation, numbers(1))
    assert await pending(store) == []
    await store.renew_incarnation("the other has lost it")
    assert await pending(store) == []


async def test_the_sealed_bytes_of_what_was_put_aside_go_and_it_stays_held(store: SqlitePairStore) -> None:
    offer = await receive(store, "a", 300, 1)
    (bundle,) = await store.received_after(0, 10)
    await store.quarantine(bundle.row, "not readable")
    await store.discard(bundle_id_of("a"))
    await store.discard(bundle_id_of("never came"))
    rows = await store._database.read(
        lambda connection: connection.execute("SELECT content FROM received").fetchall()
    )
    assert rows == [(None,)]
    assert await store.persist([chunk_of(offer, "a")]) == (ChunkOutcome.STORED,)
    assert await store.received_after(0, 10) == ()
    (stream,) = (await store.open_session()).received
    assert offer.sequence in stream.held
