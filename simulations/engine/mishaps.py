"""What goes wrong in a world of whole machines, and who starts again what died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from simulations.faults import fill, make_room

from .consult_schedule import (
    BackUpDisk,
    Blackout,
    CrashAt,
    FillDisk,
    RestoreDisk,
    RotDisk,
    StepClock,
)
from .disk_ledger import DiskLedger
from .hub_host import HubHost
from .loop import virtual_loop
from .network import Network
from .site import Site

REVIVE_S: Final = 90.0
"""Until somebody starts a dead program again."""
OFF_S: Final = 30.0
"""How long a machine is off while its disk is exchanged."""

Host = Site | HubHost
Mishap = CrashAt | StepClock | FillDisk | BackUpDisk | RestoreDisk | Blackout | RotDisk


class Mishaps:
    """Brings them about, and mends them all in the end."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        network: Network,
        *,
        hub: str,
        ledgers_on: Callable[[str], list[DiskLedger]],
        revived: Callable[[str], None],
    ) -> None:
        self._hosts = hosts
        self._network = network
        self._hub = hub
        self._ledgers_on = ledgers_on
        self._revived = revived
        self._at_work = asyncio.Lock()
        self._disk_lives: dict[str, int] = {}

    def disk_lives(self, name: str) -> int:
        """How often a machine's disk went back to a backup."""
        return self._disk_lives.get(name, 0)

    async def befall(self, mishap: Mishap) -> None:
        """One of them happens."""
        match mishap:
            case RestoreDisk(name):
                await self._restore(name)
            case RotDisk(name, seed):
                await self._rot(name, seed)
            case Blackout(span_s):
                self._black_out(span_s)
            case _:
                self._befall_machine(mishap)

    def _befall_machine(self, mishap: CrashAt | StepClock | FillDisk | BackUpDisk) -> None:
        """Without its being switched off for it."""
        machine = self._hosts[mishap.machine].machine
        match mishap:
            case CrashAt(_, step, side, power_cut_seed):
                machine.crash_at(step, side, power_cut_seed=power_cut_seed)
            case StepClock(_, None):
                machine.clock.forget()
            case StepClock(_, float(by_s)):
                machine.clock.step(by_s)
            case FillDisk(name, span_s):
                for writer in machine.writers:
                    fill(writer)
                virtual_loop().call_later(span_s, self._make_room, name)
            case BackUpDisk():
                machine.back_up()

    async def keep_alive(self) -> None:
        """Start again whatever died, until cancelled."""
        while True:
            await asyncio.sleep(REVIVE_S)
            async with self._at_work:
                for name, host in self._hosts.items():
                    if not host.machine.life.alive:
                        self._revived(name)
                        await host.reboot()

    async def mend(self) -> None:
        """No crash is due any more, every disk has room, and everybody is awake."""
        for name, host in self._hosts.items():
            host.machine.life.crash_never()
            self._make_room(name)
        await asyncio.sleep(2 * REVIVE_S)

    def _make_room(self, name: str) -> None:
        machine = self._hosts[name].machine
        if machine.life.alive:
            for writer in machine.writers:
                make_room(writer)

    async def _restore(self, name: str) -> None:
        machine = self._hosts[name].machine
        if not machine.backups:
            return
        async with self._at_work:
            machine.crash()
            machine.replace_disk(machine.backups[-1])
            self._disk_lives[name] = self.disk_lives(name) + 1
            await asyncio.sleep(OFF_S)
            await self._hosts[name].reboot()

    async def _rot(self, name: str, seed: int) -> None:
        async with self._at_work:
            self._hosts[name].machine.crash()
            for ledger in self._ledgers_on(name):
                ledger.rot(seed)
            await asyncio.sleep(OFF_S)
            await self._hosts[name].reboot()

    def _black_out(self, span_s: float) -> None:
        for name in self._hosts:
            if name != self._hub:
                wire = self._network.wire(name, self._hub)
                wire.cut()
                virtual_loop().call_later(span_s, wire.restore)
