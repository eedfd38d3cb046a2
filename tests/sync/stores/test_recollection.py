"""What is remembered of a store is what a reader would find, at whatever moment it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.stores.connection import Connection
from sync.stores.database import Database, Execution
from sync.stores.errors import StoreClosed
from sync.stores.migrations import Schema
from sync.stores.recollection import ANSWERS_MAX, Recollection

SCHEMA = Schema(name="test", steps=("CREATE TABLE fact (fact INTEGER PRIMARY KEY, size INTEGER) STRICT;",))


class Counting:
    """The sum of all facts, and how often it was read."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, connection: Connection) -> int:
        self.reads += 1
        ((total,),) = connection.execute("SELECT coalesce(sum(size), 0) FROM fact").fetchall()
        return int(total)


def add_one(connection: Connection) -> None:
    connection.execute("INSERT INTO fact (size) VALUES (1)")


def fail(connection: Connection) -> None:
    add_one(connection)
    raise ValueError("on purpose")


@pytest.fixture(params=list(Execution))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "facts.db", [SCHEMA], execution=request.param)
    yield opened
    await opened.close()


async def test_what_did_not_change_is_read_once(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    assert [await recollection.read("total", total) for _ in range(3)] == [0, 0, 0]
    assert total.reads == 1


async def test_after_a_change_it_is_read_again(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    assert await recollection.read("total", total) == 0
    await recollection.write(add_one)
    assert await recollection.read("total", total) == 1
    await recollection.note(add_one)
    assert await recollection.read("total", total) == 2
    assert total.reads == 3


async def test_an_answer_from_amid_a_change_is_not_kept(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(recollection.write(add_one))
            group.create_task(recollection.read("total", total))
            await asyncio.sleep(0)
    assert await recollection.read("total", total) == 20


async def test_inside_a_transaction_what_was_changed_before_it_in_the_same_group_shows(
    database: Database,
) -> None:
    recollection, total = Recollection(database), Counting()
    await recollection.read("total", total)

    def look(connection: Connection) -> int:
        return recollection.inside("total", total, connection)

    # Queued in one step, so that they share one commit.
    async with asyncio.TaskGroup() as group:
        group.create_task(recollection.write(add_one))
        looking = group.create_task(database.write(look))
    assert looking.result() == 1
    assert await recollection.read("total", total) == 1


async def test_nothing_is_remembered_of_a_change_that_failed(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    assert await recollection.read("total", total) == 0
    with pytest.raises(ValueError, match="on purpose"):
        await recollection.write(fail)
    assert await recollection.read("total", total) == 0
    await recollection.write(add_one)
    assert [await recollection.read("total", total) for _ in range(2)] == [1, 1]
    assert total.reads == 3


async def test_while_a_change_is_under_way_every_question_is_read(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    await database.write(recollection.changing(add_one))  # `changed` was not told.
    assert await recollection.read("total", total) == 1
    await database.write(add_one)
    assert await recollection.read("total", total) == 2


async def test_what_was_read_before_a_change_is_not_kept_after_it(database: Database) -> None:
    recollection, total = Recollection(database), Counting()

    def read_and_change(connection: Connection) -> int:
        found = total(connection)
        recollection.changed()
        return found

    assert [await recollection.read("total", read_and_change) for _ in range(2)] == [0, 0]
    assert total.reads == 2


async def test_a_change_whose_caller_has_gone_is_seen(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    assert await recollection.read("total", total) == 0
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(recollection.write(add_one))
        await asyncio.sleep(0)
        leaving.cancel()
    # The queue is in order: this is done after what was given up.
    await recollection.write(add_one)
    assert await recollection.read("total", total) == 2


async def test_whoever_follows_a_change_finds_it(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    await recollection.read("total", total)
    followed: list[None] = []
    await recollection.write(add_one, then=lambda: followed.append(None))
    assert len(followed) == 1
    assert await recollection.read("total", total) == 1


async def test_no_more_is_kept_than_its_limit(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    for question in range(ANSWERS_MAX + 1):
        await recollection.read(question, total)
    assert await recollection.read(ANSWERS_MAX, total) == 0
    assert total.reads == ANSWERS_MAX + 1
    await recollection.read(0, total)
    assert total.reads == ANSWERS_MAX + 2


async def test_a_closed_store_remembers_nothing(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    await recollection.read("total", total)
    await database.close()
    with pytest.raises(StoreClosed):
        await recollection.read("total", total)


async def test_its_state_is_the_same_as_long_as_every_answer_is(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    before = recollection.state
    await recollection.read("total", total)
    await database.note(add_one)  # Of a table that is another's.
    assert recollection.state is before
    assert before is not None
    await recollection.write(add_one)
    assert recollection.state not in (before, None)
    with pytest.raises(ValueError, match="on purpose"):
        await recollection.write(fail)
    assert recollection.state is None


async def test_what_a_change_has_left_need_not_be_read(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    await database.write(
        recollection.changing(add_one), then=lambda: recollection.learnt({"total": 1, "other": 5})
    )
    assert [await recollection.read("total", total) for _ in range(2)] == [1, 1]
    assert total.reads == 0
    await recollection.write(add_one)
    assert await recollection.read("total", total) == 2
    assert total.reads == 1


async def test_of_a_change_that_failed_nothing_is_believed(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    with pytest.raises(ValueError, match="on purpose"):
        await database.write(recollection.changing(fail), then=lambda: recollection.learnt({"total": 1}))
    assert await recollection.read("total", total) == 0


async def test_several_answers_come_in_one_reading_and_none_of_them_is_old(database: Database) -> None:
    recollection, total = Recollection(database), Counting()
    asked: list[str] = []

    def answer(connection: Connection, key: str) -> str:
        asked.append(key)
        return f"{key}{total(connection)}"

    assert await recollection.read_each("sum", ["a", "b", "a"], answer) == {"a": "a0", "b": "b0"}
    assert await recollection.read_each("sum", ["b", "c"], answer) == {"b": "b0", "c": "c0"}
    assert asked == ["a", "b", "c"]
    # The same as if it was asked alone.
    assert await recollection.read(("sum", "a"), lambda connection: answer(connection, "a")) == "a0"
    assert asked == ["a", "b", "c"]
    await recollection.write(add_one)
    assert await recollection.read_each("sum", ["a"], answer) == {"a": "a1"}
    assert await recollection.read_each("sum", [], answer) == {}
