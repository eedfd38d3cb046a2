"""What was put in comes out, whole and before any failure, and nobody puts in without end."""

from __future__ import annotations

import asyncio

import pytest

from sync.links.byte_queue import ByteQueue
from sync.ports import LinkError

LIMIT_BYTES = 10


class Source(asyncio.ReadTransport):
    """Notes whether it is held back."""

    is_held = False

    def pause_reading(self) -> None:
        assert not self.is_held
        self.is_held = True

    def resume_reading(self) -> None:
        assert self.is_held
        self.is_held = False


async def test_a_failure_comes_after_what_arrived_before_it() -> None:
    queue = ByteQueue(LIMIT_BYTES)
    await queue.put(b"arrived")
    queue.fail(LinkError("cut"))
    queue.fail(LinkError("later"))
    assert await queue.get() == b"arrived"
    for _ in range(2):
        with pytest.raises(LinkError, match="cut"):
            await queue.get()
    with pytest.raises(LinkError, match="cut"):
        await queue.put(b"x")
    queue.append(b"x")
    assert queue.size_bytes == 0


async def test_the_end_comes_after_the_rest_and_stays() -> None:
    queue = ByteQueue(LIMIT_BYTES)
    await queue.put(b"rest")
    queue.finish()
    with pytest.raises(LinkError, match="sends no more"):
        await queue.put(b"x")
    assert not queue.is_drained
    queue.fail(LinkError("after the end, nothing was lost"))
    assert await queue.get() == b"rest"
    assert queue.is_drained
    assert await queue.get() == b""
    assert await queue.get() == b""


async def test_who_puts_waits_for_room_and_is_let_go_by_a_failure() -> None:
    queue = ByteQueue(LIMIT_BYTES)
    async with asyncio.TaskGroup() as group:
        putting = group.create_task(queue.put(bytes(LIMIT_BYTES + 1)))
        await asyncio.sleep(0)
        assert not putting.done()
        assert queue.take(1) == b"\0"
        await putting
        failing = group.create_task(refused(queue))
        await asyncio.sleep(0)
        queue.fail(LinkError("cut"))
        assert await failing == "cut"


async def refused(queue: ByteQueue) -> str:
    with pytest.raises(LinkError) as caught:
        await queue.put(b"xx")
    return str(caught.value)


async def test_a_source_is_held_back_while_there_is_no_room() -> None:
    queue, first, second = ByteQueue(LIMIT_BYTES), Source(), Source()
    queue.fed_by(first)
    queue.append(bytes(LIMIT_BYTES))
    assert not first.is_held
    queue.append(b"x")
    assert first.is_held
    queue.fed_by(second)
    assert (first.is_held, second.is_held) == (False, True)
    assert len(await queue.get()) == LIMIT_BYTES + 1
    assert not second.is_held
    queue.append(bytes(LIMIT_BYTES + 1))
    queue.fed_by(None)
    assert not second.is_held


async def test_who_waits_looks_again_when_stirred() -> None:
    queue = ByteQueue(LIMIT_BYTES)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(queue.wait_stirred())
        getting = ByteQueue(LIMIT_BYTES)
        await asyncio.sleep(0)
        queue.stir()
        await waiting
        got = group.create_task(getting.get())
        await asyncio.sleep(0)
        getting.stir()
        await asyncio.sleep(0)
        assert not got.done()
        getting.append(b"x")
        assert await got == b"x"
