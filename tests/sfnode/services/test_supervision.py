"""A part that fails is told of and runs again; only a disk that cannot be trusted ends it."""

from __future__ import annotations

import asyncio

import pytest

from sfnode.services.supervision import keep_running
from sync.stores.errors import StoreFull, StoreHalted


async def test_a_part_that_fails_is_told_of_and_runs_again() -> None:
    faults: list[Exception] = [ValueError("bug"), StoreFull("full"), ExceptionGroup("two", [KeyError("bug")])]
    left, told, recovered = list(faults), list[Exception](), asyncio.Event()

    async def service() -> None:
        if left:
            raise left.pop(0)
        recovered.set()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(keep_running(service, failed=told.append, restart_s=0))
        await recovered.wait()
        running.cancel()
    assert told == faults


@pytest.mark.parametrize("fault", [StoreHalted("fsync"), ExceptionGroup("one", [StoreHalted("fsync")])])
async def test_a_halted_store_ends_it(fault: Exception) -> None:
    told: list[Exception] = []

    async def service() -> None:
        raise fault

    with pytest.raises(type(fault)):
        await keep_running(service, failed=told.append, restart_s=0)
    assert told == []
