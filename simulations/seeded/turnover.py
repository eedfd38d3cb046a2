"""Machines that take each other's place: a copied card, a hub lost with its disk, two hubs in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from sfhub.app import init_hub
from sfhub.config import HubFolder
from sfhub.services.restore import restore_hub
from simulations.hosts.foundation import IDENTITY
from simulations.hosts.hub_host import SPECIALIST, HubHost
from simulations.hosts.life import Crashed
from simulations.hosts.machine import copy_disk
from simulations.hosts.site import Site
from sync.stores.database import Execution

from .consult_schedule import CopyCard, FailOver, LoseHub, RestoreHub, Upheaval
from .mishaps import OFF_S, Host, Mishaps

TRIES_MAX: Final = 8
"""To enrol a site: it, or the hub, may die in the middle of it."""


class Turnover:
    """Brings it about; what has to be repeated by people is repeated until it is done."""

    def __init__(
        self,
        root: Path,
        hub: HubHost,
        sites: Mapping[str, Site],
        mishaps: Mishaps,
        *,
        begin_copy: Callable[[str, str], Awaitable[None]],
        tell: Callable[[str, str], None],
    ) -> None:
        """`begin_copy`: there is a second machine now, with the disk of the first; both names."""
        self._root = root
        self._hub = hub
        self._sites = sites
        self._mishaps = mishaps
        self._begin_copy = begin_copy
        self._tell = tell
        self._aside: Path | None = None
        """The disk of the hub that is not in use."""
        self._losses = 0

    async def befall(self, upheaval: Upheaval) -> None:
        """One of them happens."""
        match upheaval:
            case CopyCard(name, copied_as):
                await self._copy_card(name, copied_as)
            case LoseHub():
                await self._lose_hub()
            case FailOver():
                await self._fail_over()
            case RestoreHub():
                await self._restore_hub()

    async def _copy_card(self, name: str, copied_as: str) -> None:
        async with self._mishaps.at_work:
            machine = self._sites[name].machine
            machine.crash()
            copy_disk(machine.folder, self._root / copied_as / "1")
            await asyncio.sleep(OFF_S)
            await self._sites[name].reboot()
            await self._begin_copy(name, copied_as)

    async def _lose_hub(self) -> None:
        async with self._mishaps.at_work:
            machine = self._hub.machine
            machine.crash()
            self._losses += 1
            anew = HubFolder(self._root / f"anew-{self._losses}")
            copy_disk(HubFolder(machine.folder).keys, anew.keys)
            init_hub(anew, IDENTITY)
            machine.backups.clear()
            await self._go_on_with(anew.root)
            await self._hub.ask("clinician_add", name=SPECIALIST, role="specialist")
            for site in self._sites.values():
                await self._enrol(site)
            # Whoever watches custody is told of a pair when its machine starts.
            hosts: tuple[Host, ...] = self._hub, *self._sites.values()
            for host in hosts:
                host.machine.crash()
                await host.reboot()

    async def _restore_hub(self) -> None:
        """Raises as the command does; then everything is as it was."""
        async with self._mishaps.at_work:
            machine = self._hub.machine
            self._losses += 1
            anew = HubFolder(self._root / f"anew-{self._losses}")
            copy_disk(HubFolder(machine.folder).keys, anew.keys)
            await restore_hub(
                anew,
                machine.backup_place,
                replace=False,
                clock=machine.clock,
                progressed=_untold,
                execution=Execution.INLINE,
            )
            machine.crash()
            machine.backups.clear()
            self._tell(self._hub.name, "is restored by its own command")
            await self._go_on_with(anew.root)

    async def _enrol(self, site: Site) -> None:
        for _ in range(TRIES_MAX):
            try:
                code = (await self._hub.ask("enrol_new", site=site.name))["code"]
                request = (await site.ask("enrol_request", code=code, again=IDENTITY.name))["request"]
                response = (await self._hub.ask("enrol_accept", request=request))["response"]
                await site.ask("enrol_response", hub=f"http://{self._hub.name}", response=response)
            except Crashed:
                await self._revive(site)
            else:
                return
        raise RuntimeError(f"{site.name} could not be enrolled in {TRIES_MAX} tries")

    async def _revive(self, site: Site) -> None:
        hosts: tuple[Host, Host] = self._hub, site
        for host in hosts:
            if not host.machine.life.alive:
                await host.reboot()

    async def _fail_over(self) -> None:
        async with self._mishaps.at_work:
            machine = self._hub.machine
            machine.crash()
            left = machine.folder
            following, self._aside = self._aside or left, left
            await self._go_on_with(following)

    async def _go_on_with(self, disk: Path) -> None:
        self._hub.machine.replace_disk(disk)
        self._mishaps.disk_exchanged(self._hub.name)
        await asyncio.sleep(OFF_S)
        await self._hub.reboot()


def _untold(what: str, done: int, total: int) -> None:
    """Nobody looks on."""
