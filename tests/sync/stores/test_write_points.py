"""Killed or failed by the disk at any statement, custody is as before the step it was in, or as behind it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from protocol.ids import Pseudonym
from sync.ports import ChunkOutcome
from sync.stores import MemoryStore
from sync.stores.database import Database, Execution
from sync.stores.errors import StoreError, StoreFull, StoreHalted
from sync.stores.identity import Finding, Sidecar
from sync.stores.machine import Mark
from sync.stores.memory import MemoryState
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .contract import Store, numbers
from .custody_steps import STEPS, WALL_S, Memory, incarnations, seen
from .write_points import Fault, Images, WritePoints

PAIR = Pseudonym(b"pair")
LOOKED_AT_EVERY = 3
"""Of the statements that fail; what went wrong at one in between is seen at the next."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: nothing here has to outlive a power cut."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        yield Path(name)


def note_beside(database: Path) -> Sidecar:
    return Sidecar(database.with_name("note"), lambda path: {Mark.MACHINE: "this one"})


class Life:
    """A custody store over one folder, opened again whenever its disk has made it stop."""

    def __init__(self, folder: Path, points: WritePoints) -> None:
        self.folder = folder / "store"
        self.folder.mkdir()
        self.path = self.folder / "spool.db"
        self.note = note_beside(self.path)
        self.memory: Memory = {}
        self.images = Images(self.folder, folder)
        self._seen: tuple[Path, tuple[object, ...]] = (folder, ())
        self._points = points
        self._new_incarnation = incarnations()

    async def open(self) -> None:
        self.database = await Database.open(
            self.path, [CUSTODY_SCHEMA], execution=Execution.INLINE, connect=self._points.connect
        )
        stores = SqliteStore(self.database, new_incarnation=self._new_incarnation, wall_s=lambda: WALL_S)
        assert await stores.identify(self.note) in (Finding.NEW, Finding.KEPT)
        self.store: SqlitePairStore = await stores.pair(PAIR)

    async def seen(self) -> tuple[object, ...]:
        """What its process would leave if it were killed now."""
        self.images.take(0)
        _, image = self.images.taken[-1]
        if image != self._seen[0]:
            self._seen = (image, await seen_in(image))
        return self._seen[1]


async def seen_in(folder: Path) -> tuple[object, ...]:
    """What the store in a copied folder holds; it is whole, and it is the one its note is of."""
    image = folder.with_name(f"{folder.name}, opened") / "spool.db"
    shutil.copytree(folder, image.parent, dirs_exist_ok=True)
    database = await Database.open(image, [CUSTODY_SCHEMA], execution=Execution.INLINE)
    try:
        await database.verify()
        stores = SqliteStore(database, wall_s=lambda: WALL_S)
        assert await stores.identify(note_beside(image)) is Finding.KEPT
        return await seen(await stores.pair(PAIR))
    finally:
        await database.close()


async def model_states() -> list[tuple[object, ...]]:
    """What is seen before the first step and behind each."""
    store, memory = MemoryStore(incarnations(), wall_s=lambda: WALL_S), Memory()
    states = [store.snapshot()]
    for step in STEPS:
        await step(store, memory)
        states.append(store.snapshot())
    return [await seen(_restored(state)) for state in states]


def _restored(state: MemoryState) -> Store:
    store = MemoryStore(incarnations(), wall_s=lambda: WALL_S)
    store.restore(state)
    return store


@asynccontextmanager
async def living(folder: Path, points: WritePoints) -> AsyncIterator[Life]:
    life = Life(folder, points)
    await life.open()
    try:
        yield life
    finally:
        await life.database.close()


async def test_killed_at_any_statement_it_holds_what_was_answered(folder: Path) -> None:
    states = await model_states()
    points = WritePoints()
    async with living(folder, points) as life:
        for number, step in enumerate(STEPS):
            points.at_each = lambda number=number: life.images.take(number)  # type: ignore[misc]  # a default binds the loop's value
            await step(life.store, life.memory)
        points.at_each = lambda: None
        assert await seen(life.store) == states[-1]
    assert len(life.images.taken) > len(STEPS), "a step changes the disk in more than one way"
    for number, image in life.images.taken:
        # Begun and not answered: done or undone. All before it was answered.
        assert await seen_in(image) in (states[number], states[number + 1]), f"killed in step {number}"


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_disk_that_fails_at_any_statement_undoes_the_step_and_nothing_else(
    folder: Path, fault: Fault
) -> None:
    states = await model_states()
    points = WritePoints()
    struck = 0
    async with living(folder, points) as life:
        for number in range(len(STEPS)):
            struck += await fail_at_each_statement(life, points, fault, number, states)
            assert await life.seen() == states[number + 1]
        assert await seen(life.store) == states[-1]
    assert struck > (0.8 if fault is Fault.UNCONFIRMED else 4) * len(STEPS)


async def fail_at_each_statement(
    life: Life, points: WritePoints, fault: Fault, number: int, states: list[tuple[object, ...]]
) -> int:
    """Take one step, again and again until no statement of it fails; how many did."""
    for statement in count():
        points.arm(statement, fault)
        error = await failure(life, number)
        points.disarm()
        if not points.struck:
            assert error is None
            return statement
        assert error is not None, f"step {number} was answered although its disk failed"
        assert str(life.path) in str(error)
        doubtful = points.struck == "COMMIT" and fault in (Fault.UNWRITTEN, Fault.UNCONFIRMED)
        assert isinstance(error, StoreHalted) == doubtful
        if doubtful:
            await restarted(life)
        if fault is Fault.UNCONFIRMED:
            if states[number] == states[number + 1]:
                await STEPS[number](life.store, life.memory)  # Whoever was told nothing asks once more.
            return 1  # It was kept, and nobody was told so.
        if statement % LOOKED_AT_EVERY == 0:
            assert await life.seen() == states[number]
    raise AssertionError("a step has an end")


async def failure(life: Life, number: int) -> StoreError | None:
    """What the caller of a step is told; None when it is done."""
    try:
        answer = await STEPS[number](life.store, life.memory)
    except StoreError as error:
        return error
    if isinstance(answer, tuple) and ChunkOutcome.NO_ROOM in answer:
        return StoreFull(f"{life.path} is full, and the session is told so without an error")
    return None


async def restarted(life: Life) -> None:
    """A store whose disk did not confirm answers nothing more until it is opened anew."""
    with pytest.raises(StoreHalted):
        await life.store.received_after(0, 1)
    with pytest.raises(StoreHalted):
        await life.store.mark_stored(numbers(1))
    await life.database.close()
    await life.open()
