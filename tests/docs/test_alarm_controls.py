"""Controls that docs/risk.md names against an unheard alarm: the station's own part, vault locked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from protocol.stamps import Certainty
from sfnode.services.alarm_sound import AlarmSound
from sfnode.services.alarms import RING_AGAIN_S, Alarms
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock, moment_of
from sfnode.services.vault_access import VaultAccess
from sfnode.spool.alarms import Timer
from sfnode.spool.spool import Spool
from sfnode.vault.vault import Vault
from sfnode.views import AlarmView

NOW_S = 1_763_845_200
RECHECK_TEXT = "Vitals are due in a case. Unlock to see which."
CROSSED = AlarmView(
    alarm=7,
    case="ab" * 10,
    severity="emergency",
    text='SpO2 84 % crossed "below 90": give oxygen 10 l/min (order 3)',
    since_s=NOW_S,
    acknowledged_by=None,
)


@dataclass
class Station:
    """A spool, a clock that stands still, and whoever listens at a terminal."""

    spool: Spool
    clock: SetClock
    folder: Path
    command: Sequence[str] = ()
    somebody_listens: bool = True
    heard: list[AlarmView] = field(default_factory=list)
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.alarms = Alarms(
            VaultAccess(self.folder, _never_opened),
            self.spool.alarms,
            sound=AlarmSound(self.command),
            clock=self.clock,
            tell=self._tell,
        )

    def _tell(self, alarm: AlarmView) -> bool:
        self.heard.append(alarm)
        self.rung.set()
        return self.somebody_listens

    async def hears(self) -> list[AlarmView]:
        """Run until something rings; all that rang."""
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.alarms.run())
            await self.rung.wait()
            running.cancel()
        self.rung.clear()
        heard, self.heard = self.heard, []
        return heard

    async def set_recheck(self, due_in_s: float) -> None:
        timer = Timer(
            key="recheck:case",
            severity="warning",
            text=RECHECK_TEXT,
            set_at=moment_of(self.clock),
            due_in_s=due_in_s,
        )
        await self.spool.alarms.set_timers("recheck:", [timer])


def _never_opened(_: Vault) -> CaseBook:
    raise AssertionError("the vault stays locked")


@asynccontextmanager
async def station(
    tmp_path: Path, *, command: Sequence[str] = (), somebody_listens: bool = True
) -> AsyncIterator[Station]:
    spool = await Spool.open(tmp_path / "spool.db")
    try:
        yield Station(spool, SetClock(wall_s=NOW_S), tmp_path, command, somebody_listens)
    finally:
        await spool.close()


async def test_under_a_locked_vault_an_alarm_names_nobody(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        await here.alarms.keep([CROSSED])
        (shown,) = await here.alarms.views()
        assert (shown.severity, shown.case) == ("emergency", None)
        assert shown.text == "An alarm in a case is waiting. Unlock to read it."


async def test_an_alarm_outlives_the_daemon(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        await here.alarms.keep([CROSSED])
    async with station(tmp_path) as again:
        assert [view.severity for view in await again.alarms.views()] == ["emergency"]


async def test_a_missed_recheck_rings_while_the_vault_is_locked(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        await here.set_recheck(600)
        here.clock.pass_time(601)
        assert [alarm.text for alarm in await here.hears()] == [RECHECK_TEXT]
        assert [view.text for view in await here.alarms.views()] == [RECHECK_TEXT]


async def test_a_timer_whose_clock_was_lost_rings_at_once(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        await here.set_recheck(600)
        here.clock.start_again(off_s=60, grade=Certainty.UNSET)
        assert [alarm.text for alarm in await here.hears()] == [RECHECK_TEXT]


async def test_what_nobody_acknowledged_rings_again_and_stops_for_a_name(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        await here.alarms.keep([CROSSED])
        async with asyncio.TaskGroup() as group:
            running = group.create_task(here.alarms.run())
            for _ in range(2):
                # Whenever the loop looks, a minute has passed.
                while not here.rung.is_set():
                    here.clock.pass_time(RING_AGAIN_S)
                    here.alarms.wake()
                    await asyncio.sleep(0)
                here.rung.clear()
            running.cancel()
        (shown,) = await here.alarms.views()
        taken = await here.alarms.acknowledge(shown.alarm, by="Nurse on duty")
        assert taken.acknowledged_by == "Nurse on duty"
        assert not await here.alarms.views()


async def test_an_alarm_that_nobody_could_hear_is_an_alarm(tmp_path: Path) -> None:
    async with station(tmp_path, somebody_listens=False) as here:
        await here.alarms.raise_for_station("disk", "The disk is nearly full.")
        texts = [view.text for view in await here.alarms.views()]
        assert texts[0] == "The disk is nearly full."
        assert texts[1].startswith("An alarm may not have been heard: no terminal is open")


async def test_a_dumb_siren_is_found_at_the_start(tmp_path: Path) -> None:
    broken = (sys.executable, "-c", "raise SystemExit(3)")
    async with station(tmp_path, command=broken) as here:
        (heard,) = await here.hears()
        assert "alarm_command ended with status 3" in heard.text
