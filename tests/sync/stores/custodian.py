"""A program that takes custody as fast as it can and says so line by line, until somebody kills it.

Run with the path of a database and the number of the round; every label holds the round, so that no
two rounds use the same. A line is written only after the store has answered.
"""

from __future__ import annotations

import asyncio
import sys
from hashlib import blake2b
from itertools import count
from pathlib import Path

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym, seal_tag_of
from protocol.ranges import RangeSet
from sync.ports import ChunkOutcome, IncomingChunk, Offer, Rank
from sync.stores.database import Database
from sync.stores.identity import Sidecar
from sync.stores.machine import Mark
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

PAIRS = (Pseudonym(b"one."), Pseudonym(b"two."))
PEER = Incarnation(b"peer")
LOST = Incarnation(b"lost")
CHUNK_BYTES = 700


def sealed_of(label: str) -> bytes:
    """A bundle of 1 to 3 000 bytes, known by its label."""
    seed = blake2b(label.encode()).digest()
    return (seed * 47)[: 1 + int.from_bytes(seed[:4], "big") % 3000]


def id_of(label: str) -> BundleId:
    return BundleId(blake2b(label.encode(), digest_size=12).digest())


def offer_of(label: str, sequence: int) -> Offer:
    sealed = sealed_of(label)
    return Offer(
        incarnation=PEER,
        sequence=sequence,
        bundle_id=id_of(label),
        seal_tag=seal_tag_of(sealed),
        priority=Priority.ROUTINE,
        dwell_code=20,
        recipient_key=b"k1",
        size_bytes=len(sealed),
    )


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def add(store: SqlitePairStore, pair: int, adder: int, round_number: int) -> None:
    for number in count():
        label = f"sent-{pair}-{round_number}-{adder}-{number}"
        offer = await store.add(
            bundle_id=id_of(label),
            priority=Priority.ROUTINE,
            rank=Rank.TEXT,
            recipient_key=b"k1",
            dwell_code=20,
            sealed=sealed_of(label),
        )
        say("added", pair, label, offer.sequence)
        await store.mark_receipted(offer.sequence, RangeSet.whole(1))
        say("receipted", pair, offer.sequence)


async def receive(store: SqlitePairStore, pair: int, round_number: int) -> None:
    for sequence in count(round_number * 100_000 + 1):
        label = f"received-{pair}-{sequence}"
        offer, sealed = offer_of(label, sequence), sealed_of(label)
        for start in range(0, len(sealed), CHUNK_BYTES):
            chunk = IncomingChunk(offer=offer, offset=start, data=sealed[start : start + CHUNK_BYTES])
            (outcome,) = await store.persist([chunk])
            if outcome is ChunkOutcome.PARTIAL:
                say("partial", pair, sequence, start + len(chunk.data))
        say(outcome.value, pair, label, sequence)
        await store.note_return(PEER, RangeSet.of([(sequence, sequence + 1)]))
        say("promised", pair, sequence)


async def miss(store: SqlitePairStore, pair: int, round_number: int) -> None:
    """Note, one after the other, numbers that were lost here."""
    for sequence in count(round_number * 100_000 + 1):
        await store.note_foreign(LOST, RangeSet.of([(sequence, sequence + 1)]))
        say("missed", pair, sequence)
        assert await store.note_backup(await store.begin_backup())


def note_beside(database: Path) -> Sidecar:
    """Of the identity of the custodian's store, which says nothing of the place: images lie elsewhere."""
    return Sidecar(database.with_name("note"), lambda path: {Mark.MACHINE: "any"})


async def main(path: Path, round_number: int) -> None:
    say("opening")
    database = await Database.open(path, [CUSTODY_SCHEMA])
    say("opened")
    try:
        custody = SqliteStore(database)
        await custody.identify(note_beside(path))
        await take_custody(custody, round_number)
    finally:
        await database.close()


async def take_custody(custody: SqliteStore, round_number: int) -> None:
    async with asyncio.TaskGroup() as group:
        for pair, pseudonym in enumerate(PAIRS):
            store = await custody.pair(pseudonym)
            group.create_task(receive(store, pair, round_number))
            group.create_task(miss(store, pair, round_number))
            for adder in range(2):
                group.create_task(add(store, pair, adder, round_number))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
