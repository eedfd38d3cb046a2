"""The database store keeps the stores' promises: beside other pairs, on a bad disk, under cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from protocol.header import Priority
from protocol.ids import Pseudonym, seal_tag_of
from protocol.ranges import RangeSet
from protocol.summary import digest
from sync.ports import ChunkOutcome, IncomingChunk, Rank
from sync.stores.connection import Connection, connect
from sync.stores.database import Database, Execution
from sync.stores.errors import StoreFull
from sync.stores.incidents import IncidentKind
from sync.stores.room import FREE_BYTES_MIN, MEDIA_SHARE_MIN, SHARE_BYTES_MAX, TEXT_SHARE_MIN, Room
from sync.stores.sent_values import SentState
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore
from sync.stores.volume import Volume, volume_of

from .contract import (
    NOTHING,
    STORED_S,
    Store,
    StoreContract,
    add,
    bundle_id_of,
    chunk_of,
    numbers,
    offer_of,
    receive,
    sealed_of,
)

PAIR = Pseudonym(b"pair")
OTHER_PAIR = Pseudonym(b"next")


@asynccontextmanager
async def opened_database(
    path: Path,
    execution: Execution = Execution.THREADS,
    connect: Callable[[Path, bytes | None], Connection] = connect,
) -> AsyncIterator[Database]:
    database = await Database.open(path, [CUSTODY_SCHEMA], execution=execution, connect=connect)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened(execution: Execution = Execution.THREADS) -> AsyncIterator[SqlitePairStore]:
    with TemporaryDirectory() as folder:
        async with opened_database(Path(folder) / "spool.db", execution) as database:
            yield await SqliteStore(database, wall_s=lambda: STORED_S).pair(PAIR)


class TestSqliteStore(StoreContract):
    def opened(self) -> AbstractAsyncContextManager[Store]:
        return opened()


class TestSqliteStoreInline(StoreContract):
    def opened(self) -> AbstractAsyncContextManager[Store]:
        return opened(Execution.INLINE)


# Many pairs in one file.


async def test_pairs_in_one_file_know_nothing_of_each_other(tmp_path: Path) -> None:
    async with opened_database(tmp_path / "spool.db") as database:
        stores = SqliteStore(database)
        one, other = await stores.pair(PAIR), await stores.pair(OTHER_PAIR)
        assert await stores.pair(PAIR) is one
        assert await stores.pseudonyms() == (PAIR, OTHER_PAIR)
        await add(other, "a", 7)
        offer = await add(one, "a", 10)
        await receive(one, "from the peer", 100, 1)
        await one.mark_stored(numbers(1))
        await one.mark_receipted(1, RangeSet.whole(3))
        view = await other.open_session()
        assert (view.generation, view.sequence_max, view.stored, view.received) == (1, 1, NOTHING, ())
        assert [bundle.receipted for bundle in view.pending] == [None]
        assert await other.read(1, 0, 99) == sealed_of("a", 7)
        assert await other.received_after(0, 9) == ()
        (received,) = await one.received_after(0, 9)
        await other.take(received.row)
        await other.quarantine(received.row, "not mine")
        assert await one.received_after(0, 9) == (received,)
        assert await other.incidents_after(0, 9) == ()
        await other.renew_incarnation("restored")
        assert (await one.open_session()).incarnation == offer.incarnation


async def test_a_reopened_store_goes_on_where_it_was(tmp_path: Path) -> None:
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database).pair(PAIR)
        await add(store, "a", 500)
        await store.mark_receipted(1, RangeSet.whole(200))
        offer = offer_of("b", 300, 4)
        await store.persist([chunk_of(offer, "b", 100, 200)])
        before = await store.open_session()
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database).pair(PAIR)
        after = await store.open_session()
        assert after.generation == before.generation + 1
        assert (after.incarnation, after.pending, after.partials) == (
            before.incarnation,
            before.pending,
            before.partials,
        )
        outcomes = await store.persist([chunk_of(offer, "b", 0, 100), chunk_of(offer, "b", 200, 300)])
        assert outcomes == (ChunkOutcome.PARTIAL, ChunkOutcome.STORED)


async def test_the_state_of_a_bundle_is_told_to_the_application() -> None:
    async with opened() as store:
        assert await store.sent_state(bundle_id_of("a")) is None
        await add(store, "a", 1000)
        states = []
        await store.mark_receipted(1, RangeSet.of([(0, 300), (400, 500)]))
        states.append(await store.sent_state(bundle_id_of("a")))
        await store.note_refusal(1, "unknown key")
        states.append(await store.sent_state(bundle_id_of("a")))
        await store.mark_stored(numbers(1))
        states.append(await store.sent_state(bundle_id_of("a")))
    begun = SentState(stored=False, receipted_bytes=400, size_bytes=1000, refusal="", damaged=False)
    assert states == [
        begun,
        replace(begun, refusal="unknown key"),
        replace(begun, stored=True, receipted_bytes=1000),
    ]


async def test_the_operator_hears_of_everything_that_needs_a_person_once() -> None:
    async with opened() as store:
        await add(store, "a")
        for _ in range(2):
            await store.note_refusal(1, "unknown key")
        await receive(store, "b", 50, 1)
        twin = offer_of("twin", 50, 1)
        for _ in range(2):
            assert await store.persist([chunk_of(twin, "twin")]) == (ChunkOutcome.FORKED,)
        (first, _) = await store.received_after(0, 9)
        await store.quarantine(first.row, "cannot be opened")
        view = await store.renew_incarnation("restored from a backup")
        told = await store.incidents_after(0, 9)
        assert [(incident.kind, incident.subject) for incident in told] == [
            (IncidentKind.REFUSED, bundle_id_of("a")),
            (IncidentKind.FORKED, bundle_id_of("twin")),
            (IncidentKind.QUARANTINED, bundle_id_of("b")),
            (IncidentKind.RENEWED, view.incarnation),
        ]
        assert told[3].reason == "restored from a backup"
        assert await store.incidents_after(told[1].row, 1) == (told[2],)


@pytest.mark.parametrize(
    ("size_bytes", "offset", "data"), [(100, 90, bytes(11)), (100, -1, b"x"), (0, 0, b""), (1 << 30, 0, b"x")]
)
async def test_a_chunk_outside_its_bundle_is_our_bug_and_changes_nothing(
    size_bytes: int, offset: int, data: bytes
) -> None:
    async with opened() as store:
        offer = offer_of("a", 100, 1)
        wrong = replace(offer, size_bytes=size_bytes)
        good = chunk_of(offer_of("b", 50, 2), "b", 0, 10)
        with pytest.raises(ValueError, match=r"bundle|offer"):
            await store.persist([good, IncomingChunk(offer=wrong, offset=offset, data=data)])
        assert (await store.open_session()).partials == ()


# Damage on the disk.


async def flip_a_byte_of_every_piece(database: Database) -> None:
    def work(connection: Connection) -> None:
        for position, data in connection.execute("SELECT position, data FROM piece").fetchall():
            damaged = bytes((data[0] ^ 1, *data[1:]))
            connection.execute("UPDATE piece SET data = ? WHERE position = ?", (damaged, position))

    await database.write(work)


async def swap_two_pieces(database: Database) -> None:
    def work(connection: Connection) -> None:
        rows = connection.execute("SELECT position, data, hash FROM piece LIMIT 2").fetchall()
        (one, *first), (two, *second) = rows
        for position, (data, stored_hash) in ((one, second), (two, first)):
            connection.execute(
                "UPDATE piece SET data = ?, hash = ? WHERE position = ?", (data, stored_hash, position)
            )

    await database.write(work)


async def lose_a_piece(database: Database) -> None:
    await database.write(
        lambda connection: connection.execute(
            "DELETE FROM piece WHERE position = (SELECT max(position) FROM piece)"
        )
    )


Harm = Callable[[Database], Awaitable[None]]
HARMS: list[Harm] = [flip_a_byte_of_every_piece, swap_two_pieces, lose_a_piece]


@pytest.mark.parametrize("harm", HARMS)
async def test_damaged_bytes_are_not_sent_and_block_nothing(tmp_path: Path, harm: Harm) -> None:
    size_bytes = 150_000
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database).pair(PAIR)
        await add(store, "a", size_bytes)
        await harm(database)
        await add(store, "b")
        assert await store.read(1, 0, size_bytes) == b""
        assert [bundle.offer.sequence for bundle in await store.outgoing(NOTHING)] == [2]
        assert await store.read(2, 0, 1000) == sealed_of("b", 1000)
        state = await store.sent_state(bundle_id_of("a"))
        assert state is not None
        assert state.damaged
        (incident,) = await store.incidents_after(0, 9)
        assert (incident.kind, incident.subject) == (IncidentKind.DAMAGED, bundle_id_of("a"))
        again = await store.add(
            bundle_id=bundle_id_of("a"),
            priority=Priority.ROUTINE,
            rank=Rank.TEXT,
            recipient_key=b"k2",
            dwell_code=22,
            sealed=sealed_of("a, sealed again", 90),
        )
        assert (again.sequence, again.size_bytes) == (1, 90)
        assert again.seal_tag == seal_tag_of(sealed_of("a, sealed again", 90))
        assert await store.read(1, 0, 90) == sealed_of("a, sealed again", 90)
        assert [bundle.offer for bundle in await store.outgoing(numbers(2))] == [again]


async def test_a_damaged_bundle_is_numbered_anew_with_the_others(tmp_path: Path) -> None:
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database).pair(PAIR)
        await add(store, "a")
        await flip_a_byte_of_every_piece(database)
        await add(store, "b")
        await store.read(1, 0, 10)
        view = await store.renew_incarnation("restored")
        assert [bundle.offer.bundle_id for bundle in view.pending] == [bundle_id_of("b")]
        assert (await add(store, "a")).incarnation == view.incarnation


@pytest.mark.parametrize("harm", HARMS)
async def test_a_damaged_received_bundle_is_not_held_and_comes_again(tmp_path: Path, harm: Harm) -> None:
    size_bytes = 150_000
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database).pair(PAIR)
        await receive(store, "a", size_bytes, 1)
        await harm(database)
        await receive(store, "b", 50, 2)
        (behind,) = await store.received_after(0, 9)
        assert behind.offer.sequence == 2
        (stream,) = (await store.open_session()).received
        assert (stream.held, stream.digest) == (numbers(2), digest([bundle_id_of("b")]))
        (incident,) = await store.incidents_after(0, 9)
        assert (incident.kind, incident.subject) == (IncidentKind.DAMAGED, bundle_id_of("a"))
        await receive(store, "a", size_bytes, 1)
        first, second = await store.received_after(0, 9)
        assert (first, second.sealed) == (behind, sealed_of("a", size_bytes))


@pytest.mark.parametrize("harm", HARMS)
async def test_a_damaged_partial_is_dropped_whole_and_comes_again(tmp_path: Path, harm: Harm) -> None:
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database).pair(PAIR)
        offer = offer_of("a", 150_000, 1)
        await store.persist([chunk_of(offer, "a", 0, 140_000)])
        await harm(database)
        outcome = await store.persist([chunk_of(offer, "a", 140_000)])
        if harm is lose_a_piece:
            outcome = await store.persist([chunk_of(offer, "a", 0, 10)])
        assert outcome != (ChunkOutcome.STORED,)
        await store.persist([chunk_of(offer, "a")])
        assert await store.persist([chunk_of(offer, "a")]) == (ChunkOutcome.STORED,)
        (received,) = await store.received_after(0, 9)
        assert received.sealed == sealed_of("a", 150_000)


# No room.


async def test_one_peer_cannot_take_more_than_its_share(tmp_path: Path) -> None:
    async with opened_database(tmp_path / "spool.db") as database:
        stores = SqliteStore(database, room=Room(received_bytes_max=150))
        store, other = await stores.pair(PAIR), await stores.pair(OTHER_PAIR)
        await receive(store, "a", 100, 1)
        offer = offer_of("b", 60, 2)
        assert await store.persist([chunk_of(offer, "b")]) == (ChunkOutcome.NO_ROOM,)
        assert (await store.open_session()).partials == ()
        await receive(other, "b", 60, 2)
        (received,) = await store.received_after(0, 9)
        await store.take(received.row)
        assert await store.persist([chunk_of(offer, "b")]) == (ChunkOutcome.STORED,)


async def test_as_the_disk_fills_photos_stop_first_and_emergencies_last(tmp_path: Path) -> None:
    free = 0
    room = Room(measure=lambda path: Volume(free_bytes=free, size_bytes=0))
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database, room=room).pair(PAIR)
        accepted: list[bool] = []
        for left in (FREE_BYTES_MIN[Priority.EMERGENCY], FREE_BYTES_MIN[Priority.ROUTINE] + 100):
            free = left
            for priority in Priority:
                number = len(accepted) + 1
                offer = replace(offer_of(f"b{number}", 100, number), priority=priority)
                (outcome,) = await store.persist([chunk_of(offer, f"b{number}", 0, 10)])
                accepted.append(outcome is ChunkOutcome.PARTIAL)
    assert accepted == [False] * 4 + [True, True, True, False]


TEXT, PICTURE = 60_000, 70_000


@pytest.mark.parametrize(
    ("share", "admitted"),
    [
        (MEDIA_SHARE_MIN + 0.01, {(TEXT, 0), (TEXT, 2), (TEXT, 3), (PICTURE, 0), (PICTURE, 2), (PICTURE, 3)}),
        (MEDIA_SHARE_MIN - 0.01, {(TEXT, 0), (TEXT, 2), (PICTURE, 0)}),
        (TEXT_SHARE_MIN - 0.01, {(TEXT, 0), (TEXT, 2)}),
    ],
)
def test_pictures_leave_a_share_of_the_disk_and_text_does_not(
    share: float, admitted: set[tuple[int, int]]
) -> None:
    size_bytes = SHARE_BYTES_MAX * 8
    volume = Volume(free_bytes=int(share * size_bytes), size_bytes=size_bytes)
    room = Room(measure=lambda path: volume)
    found = {
        (size, priority)
        for size in (TEXT, PICTURE)
        for priority in (0, 2, 3)
        if room.admits(Path("spool.db"), Priority(priority), size, 0)
    }
    assert found == admitted


def test_on_a_large_disk_no_more_than_a_gigabyte_is_left_free() -> None:
    volume = Volume(free_bytes=SHARE_BYTES_MAX + PICTURE, size_bytes=SHARE_BYTES_MAX * 1000)
    assert Room(measure=lambda path: volume).admits(Path("custody.db"), Priority.BULK, PICTURE, 0)


def test_the_disk_says_how_much_room_it_has(tmp_path: Path) -> None:
    volume = volume_of(tmp_path)
    assert 0 < volume.free_bytes < volume.size_bytes


async def test_a_full_disk_keeps_nothing_by_halves_and_says_so(tmp_path: Path) -> None:
    pages_max = 90

    def connect_small(path: Path, key: bytes | None) -> Connection:
        connection = connect(path, key)
        connection.execute(f"PRAGMA max_page_count = {pages_max}")
        return connection

    kept = []
    async with opened_database(tmp_path / "spool.db", connect=connect_small) as database:
        store = await SqliteStore(database).pair(PAIR)
        await receive(store, "photo", 100_000, 1)
        for number in range(100):
            try:
                await add(store, f"b{number}", 50_000)
            except StoreFull:
                break
            kept.append(f"b{number}")
        assert 3 <= len(kept) < 20
        offer = offer_of("another", 100_000, 2)
        chunks = [chunk_of(offer, "another", 0, 10), chunk_of(offer, "another", 10)]
        assert await store.persist(chunks) == (ChunkOutcome.NO_ROOM,) * 2
        await store.mark_stored(numbers(1))
        view = await store.open_session()
        assert (view.sequence_max, view.partials) == (len(kept), ())
        (received,) = await store.received_after(0, 9)
        await store.take(received.row)
        assert await store.persist(chunks) == (ChunkOutcome.PARTIAL, ChunkOutcome.STORED)
        await database.verify()
    async with opened_database(tmp_path / "spool.db") as database:
        store = await SqliteStore(database).pair(PAIR)
        for sequence, label in enumerate(kept[1:], start=2):
            assert await store.read(sequence, 0, 50_000) == sealed_of(label, 50_000)
        assert (await add(store, "b99", 50_000)).sequence == len(kept) + 1


# Cancelled callers.


async def cancelled_after(steps: int, call: Callable[[], Awaitable[object]]) -> None:
    async def run() -> None:
        await call()

    async with asyncio.TaskGroup() as group:
        caller = group.create_task(run())
        for _ in range(steps):
            await asyncio.sleep(0)
        caller.cancel()
        with suppress(asyncio.CancelledError):
            await caller


@pytest.mark.parametrize("execution", list(Execution))
@pytest.mark.parametrize("steps", range(6))
async def test_callers_cancelled_anywhere_leave_all_or_nothing(execution: Execution, steps: int) -> None:
    async with opened(execution) as store:
        offer = offer_of("p", 300, 1)
        half, rest = chunk_of(offer, "p", 0, 200), chunk_of(offer, "p", 100, 300)
        incarnation = (await store.open_session()).incarnation
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: add(store, "a"),
            lambda: store.persist([half]),
            lambda: store.open_session(),
            lambda: store.persist([rest]),
            lambda: store.mark_receipted(1, RangeSet.whole(10)),
            lambda: store.mark_stored(numbers(1)),
            lambda: store.mark_lost(incarnation, numbers(1)),
            lambda: store.received_after(0, 9),
        ]
        for call in calls:
            await cancelled_after(steps, call)
            await call()
        view = await store.open_session()
        assert view.sequence_max == 1
        assert [bundle.offer.sequence for bundle in view.pending] == [1]
        (received,) = await store.received_after(0, 9)
        assert received.sealed == sealed_of("p", 300)


async def test_a_session_hears_of_a_bundle_whose_adder_was_cancelled() -> None:
    async with opened() as store:
        await cancelled_after(1, lambda: add(store, "a"))
        await asyncio.wait_for(store.wait_outgoing(), 10)
        assert len(await store.outgoing(NOTHING)) == 1


# What was let go of.


async def test_bytes_that_were_let_go_of_are_in_no_file(tmp_path: Path) -> None:
    path = tmp_path / "custody.db"
    async with opened_database(path) as database:
        stores = SqliteStore(database)
        store = await stores.pair(PAIR)
        for sequence, label in enumerate(("text", "picture"), start=1):
            await receive(store, label, 150_000 if label == "picture" else 900, sequence)
        await add(store, "withdrawn", 150_000)
        await add(store, "kept", 900)
        sealed = [sealed_of("text", 900), sealed_of("picture", 150_000), sealed_of("withdrawn", 150_000)]
        for received in await store.received_after(0, 9):
            await store.take(received.row)
        assert await store.withdraw(bundle_id_of("withdrawn"))
        assert await stores.cut_log()
        files = await asyncio.to_thread(lambda: [each.read_bytes() for each in tmp_path.iterdir()])
        pieces = [data[at : at + 64] for data in sealed for at in range(0, len(data) - 64, 8192)]
        assert not [piece for piece in pieces if any(piece in file for file in files)]
        assert any(sealed_of("kept", 900)[:64] in file for file in files)
