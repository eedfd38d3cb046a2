"""A program that fills a small disk, then the space set aside on it, and goes on when there is room again.

Run with a folder on that disk; it says what it found, and fails where a promise is broken.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from protocol.header import Priority
from protocol.ids import Pseudonym
from sync.ports import ChunkOutcome
from sync.stores.ballast import BALLAST_FILE, Ballast
from sync.stores.database import Database
from sync.stores.errors import StoreFull
from sync.stores.room import Room
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore
from tests.sync.stores.contract import NOTHING, add, chunk_of, offer_of, sealed_of
from tests.sync.stores.custodian import say

BALLAST_BYTES = 1 << 20
BUNDLE_BYTES = 5_000


async def write_until_full(store: SqlitePairStore, prefix: str, kept: list[str]) -> None:
    for number in count():
        try:
            await add(store, f"{prefix}{number}", BUNDLE_BYTES)
        except StoreFull as error:
            say(prefix, number, error)
            return
        kept.append(f"{prefix}{number}")


async def receive_until_full(store: SqlitePairStore) -> int:
    for sequence in count(1):
        offer = offer_of(f"r{sequence}", BUNDLE_BYTES, sequence)
        (outcome,) = await store.persist([chunk_of(offer, f"r{sequence}")])
        if outcome is ChunkOutcome.NO_ROOM:
            return sequence - 1
    raise AssertionError("no disk is endless")


async def check(store: SqlitePairStore, kept: list[str]) -> None:
    for sequence, label in enumerate(kept, start=1):
        assert await store.read(sequence, 0, BUNDLE_BYTES) == sealed_of(label, BUNDLE_BYTES)
    assert (await store.outgoing(NOTHING))[0].offer.sequence == 1


async def main(folder: Path) -> None:
    path, filler = folder / "spool.db", folder / "filler"
    ballast = Ballast(folder / BALLAST_FILE, size_bytes=BALLAST_BYTES)
    kept: list[str] = []
    database = await Database.open(path, [CUSTODY_SCHEMA], ballast=ballast)
    store = await SqliteStore(database, room=_everything()).pair(Pseudonym(b"pair"))
    assert ballast.is_kept
    filler.write_bytes(bytes(1 << 20))
    say("received", await receive_until_full(store))
    assert ballast.is_kept, "what a peer sends does not touch it"
    await write_until_full(store, "reserve", kept)
    assert not ballast.is_kept
    assert len(kept) >= 20, "the reserve holds little"
    await check(store, kept)
    filler.unlink()
    for number in range(20):
        kept.append(f"later{number}")
        await add(store, kept[-1], BUNDLE_BYTES)
    await check(store, kept)
    await database.verify()
    await database.close()
    database = await Database.open(path, [CUSTODY_SCHEMA], ballast=ballast)
    await check(await SqliteStore(database).pair(Pseudonym(b"pair")), kept)
    await database.close()
    say("went on", len(kept))


def _everything() -> Room:
    """Room is asked for before the disk is: here the disk shall answer."""
    return Room(free_bytes_min=dict.fromkeys(Priority, -(1 << 40)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
