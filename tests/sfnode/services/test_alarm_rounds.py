"""When the alarms are looked at: at the moment something is due, again while nobody came, and seldom else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sfnode.services.alarm_sound import AlarmSound
from sfnode.services.alarms import LOOK_AGAIN_S, RING_AGAIN_S, Alarms
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock, moment_of
from sfnode.services.vault_access import VaultAccess
from sfnode.spool.alarms import NeutralAlarms, Timer
from sfnode.spool.spool import NODE_SCHEMA
from sfnode.vault.vault import Vault
from sfnode.views import AlarmView
from sync.stores.database import Database, Execution
from sync.stores.sqlite import CUSTODY_SCHEMA
from tests.sync.virtual_time import run_virtual

HOUR_S = 3_600.0


class LoopClock(SetClock):
    """Runs along with the loop."""

    def monotonic_s(self) -> float:
        return super().monotonic_s() + asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        return super().wall_s() + asyncio.get_running_loop().time()


class CountedAlarms(NeutralAlarms):
    """Knows how often it was looked at."""

    looks = 0

    async def timers(self) -> tuple[Timer, ...]:
        self.looks += 1
        return await super().timers()


@dataclass
class Watch:
    """Alarms that run under a locked vault, and who hears them when."""

    folder: Path
    neutral: CountedAlarms
    clock: LoopClock = field(default_factory=lambda: LoopClock(wall_s=1_800_000_000))
    heard: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began_s = asyncio.get_running_loop().time()
        self.alarms = Alarms(
            VaultAccess(self.folder, _never_opened),
            self.neutral,
            sound=AlarmSound(()),
            clock=self.clock,
            tell=self._tell,
        )

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time() - self.began_s

    def _tell(self, alarm: AlarmView) -> bool:
        self.heard.append((alarm.text, round(self.now_s, 1)))
        return True

    async def set_timer(self, due_in_s: float) -> None:
        timer = Timer(
            key="recheck:case",
            severity="warning",
            text="due",
            set_at=moment_of(self.clock),
            due_in_s=due_in_s,
        )
        await self.neutral.set_timers("recheck:", [timer])


def _never_opened(_: Vault) -> CaseBook:
    raise AssertionError("the vault stays locked")


@asynccontextmanager
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    schemas = [CUSTODY_SCHEMA, NODE_SCHEMA]
    database = await Database.open(tmp_path / "spool.db", schemas, execution=Execution.INLINE)
    try:
        yield Watch(tmp_path, CountedAlarms(database))
    finally:
        await database.close()


def test_what_is_due_in_hours_rings_at_that_moment_and_costs_few_looks(tmp_path: Path) -> None:
    async def scene() -> None:
        async with watch(tmp_path) as here, asyncio.TaskGroup() as group:
            await here.set_timer(6 * HOUR_S)
            running = group.create_task(here.alarms.run())
            await asyncio.sleep(6 * HOUR_S + 1.0)
            assert here.heard == [("due", 6 * HOUR_S)]
            assert here.neutral.looks <= 6 * HOUR_S / LOOK_AGAIN_S + 3
            running.cancel()

    run_virtual(scene())


def test_a_wake_after_the_clocks_were_stepped_rings_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        async with watch(tmp_path) as here, asyncio.TaskGroup() as group:
            await here.set_timer(6 * HOUR_S)
            running = group.create_task(here.alarms.run())
            await asyncio.sleep(100.0)
            here.clock.pass_time(8 * HOUR_S)
            here.alarms.wake()
            await asyncio.sleep(1.0)
            assert here.heard == [("due", 100.0)]
            running.cancel()

    run_virtual(scene())


def test_what_comes_after_hours_of_quiet_rings_each_minute_until_a_person_takes_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with watch(tmp_path) as here, asyncio.TaskGroup() as group:
            running = group.create_task(here.alarms.run())
            await asyncio.sleep(2 * HOUR_S + 7.0)
            await here.alarms.raise_for_station("disk", "nearly full")
            await asyncio.sleep(2 * RING_AGAIN_S + 1.0)
            first_s = 2 * HOUR_S + 7.0
            assert here.heard == [("nearly full", first_s + RING_AGAIN_S * times) for times in range(3)]
            (shown,) = await here.alarms.views()
            await here.alarms.acknowledge(shown.alarm, by="Medic on duty")
            await asyncio.sleep(HOUR_S)
            assert len(here.heard) == 3
            running.cancel()

    run_virtual(scene())
