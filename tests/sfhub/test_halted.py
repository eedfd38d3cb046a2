"""A hub whose disk did not confirm a change ends, with the status that says: start it again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sfhub import server
from sfhub.api.operations import describe
from sfhub.app import init_hub, open_hub
from sfhub.config import HubFolder, HubIdentity
from simulations.faults import Refusal, Refusals
from sync.stores.database import Database, Execution, InlineThread
from sync.stores.errors import StoreHalted
from sync.stores.transactions import Reader, Writer


class Refusing:
    """Where transactions run: in the caller's step, on a disk that may refuse."""

    def __init__(self) -> None:
        self.refusals = Refusals()

    def __call__(self, worker: Writer | Reader) -> InlineThread:
        worker._connect = self.refusals.connecting(worker._connect)
        return InlineThread(worker)


@pytest.mark.parametrize("of_custody", [False, True])
async def test_a_sync_that_failed_ends_what_waits_for_the_end(tmp_path: Path, of_custody: bool) -> None:
    folder, disk = HubFolder(tmp_path / "hub"), Refusing()
    init_hub(folder, HubIdentity("Example Health", "Main desk"))
    async with open_hub(folder, execution=disk) as hub:
        database: Database = hub.custody._database if of_custody else hub.database
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(server._wait_end(hub, asyncio.Event()))
            await asyncio.sleep(0)
            disk.refusals.begin(Refusal.SYNC, 1)
            with pytest.raises(StoreHalted):
                await database.write(lambda connection: None)
            halted = await waiting
    assert halted is not None
    assert (describe(halted).code, describe(halted).exit_code) == ("store-halted", 75)


async def test_who_is_told_to_end_ends_without_an_error(tmp_path: Path) -> None:
    folder, ending = HubFolder(tmp_path / "hub"), asyncio.Event()
    init_hub(folder, HubIdentity("Example Health", "Main desk"))
    ending.set()
    async with open_hub(folder, execution=Execution.INLINE) as hub:
        assert await server._wait_end(hub, ending) is None
