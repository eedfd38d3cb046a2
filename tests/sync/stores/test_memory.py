"""The memory store keeps the stores' promises, and plays restores and clones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count

from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from sync.ports import ChunkOutcome
from sync.stores import MemoryStore

from .contract import STORED_S, Store, StoreContract, add, chunk_of, offer_of, receive


def new_store(*, received_bytes_max: int = 1 << 20) -> MemoryStore:
    lives = count(0xA0)
    return MemoryStore(
        lambda: Incarnation(next(lives).to_bytes(4, "big")),
        received_bytes_max=received_bytes_max,
        wall_s=lambda: STORED_S,
    )


@asynccontextmanager
async def opened() -> AsyncIterator[MemoryStore]:
    yield new_store()


class TestMemoryStore(StoreContract):
    def opened(self) -> AbstractAsyncContextManager[Store]:
        return opened()


async def test_a_restored_store_has_forgotten_and_a_clone_goes_its_own_way() -> None:
    store = new_store()
    await add(store, "a")
    saved = store.snapshot()
    await add(store, "b")
    await receive(store, "p", 10, 1)
    store.restore(saved)
    view = await store.open_session()
    assert (view.sequence_max, view.received) == (1, ())
    clone = new_store()
    clone.restore(store.snapshot())
    await add(clone, "c")
    assert (await store.open_session()).sequence_max == 1
    assert (await clone.open_session()).incarnation == view.incarnation


async def test_a_full_store_keeps_nothing_and_says_so() -> None:
    store = new_store(received_bytes_max=150)
    await receive(store, "a", 100, 1)
    offer = offer_of("b", 60, 2)
    assert await store.persist([chunk_of(offer, "b")]) == (ChunkOutcome.NO_ROOM,)
    assert (await store.open_session()).partials == ()
    (received,) = await store.received_after(0, 9)
    await store.take(received.row)
    assert await store.persist([chunk_of(offer, "b")]) == (ChunkOutcome.STORED,)
    assert (await store.open_session()).received[0].held == RangeSet.of([(1, 3)])
