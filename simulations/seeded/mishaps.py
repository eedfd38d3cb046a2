"""What goes wrong in a world of whole machines, and who starts again what died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from simulations.hosts.disk_ledger import DiskLedger
from simulations.hosts.hub_host import HubHost
from simulations.hosts.life import Crashed
from simulations.hosts.site import Site
from simulations.virtual.loop import virtual_loop
from simulations.virtual.network import Network
from sync.stores.errors import StoreError

from .consult_schedule import (
    BackUpDisk,
    Blackout,
    CrashAt,
    FillDisk,
    RestoreDisk,
    RotDisk,
    StepClock,
)

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
        tell: Callable[[str, str], None],
    ) -> None:
        """`tell`: a machine, and what came of a fault there."""
        self._hosts = hosts
        self._network = network
        self._hub = hub
        self._ledgers_on = ledgers_on
        self._tell = tell
        self.at_work = asyncio.Lock()
        """Held by whoever starts and ends machines."""
        self._disk_lives: dict[str, int] = {}
        self._somebody_died = asyncio.Event()
        for host in hosts.values():
            self.look_after(host)

    def look_after(self, host: Host) -> None:
        """Start it again whenever it dies."""
        host.machine.on_death = self._somebody_died.set

    def disk_lives(self, name: str) -> int:
        """How often a machine's disk was exchanged for another."""
        return self._disk_lives.get(name, 0)

    def disk_exchanged(self, name: str) -> None:
        """It was, just now."""
        self._disk_lives[name] = self.disk_lives(name) + 1

    @property
    def a_disk_is_full(self) -> bool:
        """Anybody's, now."""
        return any(host.machine.space.is_full for host in self._hosts.values())

    @property
    def a_disk_refuses(self) -> bool:
        """Anybody's, or it did until its program ended."""
        machines = [host.machine for host in self._hosts.values()]
        return any(machine.refusals.struck or machine.file_refusals.struck for machine in machines)

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
                machine.space.is_full = True
                virtual_loop().call_later(span_s, self._make_room, name)
            case BackUpDisk():
                machine.back_up()

    async def keep_alive(self) -> None:
        """Start again whatever died, until cancelled."""
        while True:
            await self._somebody_died.wait()
            await asyncio.sleep(REVIVE_S)
            self._somebody_died.clear()
            async with self.at_work:
                for name, host in tuple(self._hosts.items()):
                    if not host.machine.life.alive:
                        self._tell(name, "starts again")
                        if host.machine.take_torn():
                            self._tell(name, "lost what no sync had confirmed")
                        await self._start_again(name, host)

    async def _start_again(self, name: str, host: Host) -> None:
        """A disk that still refuses ends it at once; then it is tried again."""
        try:
            await host.reboot()
        except Crashed:
            return
        except StoreError:
            if not host.machine.refusals.struck:
                raise
            self._tell(name, "does not start")
            host.machine.crash()

    async def mend(self) -> None:
        """No crash is due any more, every disk has room, and everybody is awake."""
        for name, host in self._hosts.items():
            host.machine.mend()
            self._make_room(name)
        await asyncio.sleep(2 * REVIVE_S)

    def _make_room(self, name: str) -> None:
        space = self._hosts[name].machine.space
        if space.refused:
            self._tell(name, "had no room")
        space.is_full, space.refused = False, 0

    async def _restore(self, name: str) -> None:
        machine = self._hosts[name].machine
        if not machine.backups:
            return
        self._tell(name, "goes back to a backup")
        async with self.at_work:
            machine.crash()
            machine.replace_disk(machine.backups[-1])
            self.disk_exchanged(name)
            await asyncio.sleep(OFF_S)
            await self._hosts[name].reboot()

    async def _rot(self, name: str, seed: int) -> None:
        async with self.at_work:
            self._hosts[name].machine.crash()
            for ledger in self._ledgers_on(name):
                if ledger.rot(seed):
                    self._tell(name, "rots")
            await asyncio.sleep(OFF_S)
            await self._hosts[name].reboot()

    def _black_out(self, span_s: float) -> None:
        for name in self._hosts:
            if name != self._hub:
                wire = self._network.wire(name, self._hub)
                wire.cut()
                virtual_loop().call_later(span_s, wire.restore)
