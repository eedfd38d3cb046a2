"""One live session per pair, and the newest generation wins."""

from __future__ import annotations

import asyncio

from protocol.ids import Pseudonym
from sync.registry import Seat, SessionRegistry

ONE, OTHER = Pseudonym(b"one!"), Pseudonym(b"othr")


async def test_pairs_do_not_disturb_each_other() -> None:
    registry = SessionRegistry()
    seats = [await registry.take(ONE, 1), await registry.take(OTHER, 1)]
    assert all(seats)
    assert registry.live_pairs == {ONE, OTHER}


async def test_an_older_or_equal_generation_is_turned_away() -> None:
    registry = SessionRegistry()
    seat = await registry.take(ONE, 5)
    assert seat is not None
    assert await registry.take(ONE, 5) is None
    assert await registry.take(ONE, 4) is None
    assert not seat.fenced.is_set()
    registry.leave(seat)
    registry.leave(seat)
    assert registry.live_pairs == frozenset()
    assert await registry.take(ONE, 4) is not None


async def test_a_newer_generation_waits_until_the_older_has_left() -> None:
    registry = SessionRegistry()
    older = await registry.take(ONE, 1)
    assert older is not None
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(registry.take(ONE, 2))
        await asyncio.sleep(0)
        assert older.fenced.is_set()
        assert not taking.done()
        registry.leave(older)
    newer = taking.result()
    assert newer is not None
    registry.leave(older)
    assert registry.live_pairs == {ONE}


async def test_of_several_that_wait_the_newest_ends_up_seated() -> None:
    registry = SessionRegistry()
    seated: list[Seat] = []

    async def sit(generation: int) -> None:
        seat = await registry.take(ONE, generation)
        if seat is not None:
            seated.append(seat)
            seat.fenced.listen(lambda: registry.leave(seat))

    async with asyncio.TaskGroup() as group:
        for generation in (1, 2, 4, 3):
            group.create_task(sit(generation))
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert registry.live_pairs == {ONE}
        assert seated[-1].generation == 4
        assert [seat.generation for seat in seated if not seat.left.is_set()] == [4]
        seated[-1].fenced.set()
