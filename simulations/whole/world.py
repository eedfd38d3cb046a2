"""Plays a fleet on the whole product: every site's daemon, the hub, their people, the links and what takes
them away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protocol.sealing import Sealer
from simulations.checkers import (
    CapsAreKept,
    Checker,
    Court,
    EndedOrdersStayEnded,
    FiledPicturesOpen,
    NobodyStarves,
    RightPatient,
)
from simulations.fleet.weather import storms_of
from simulations.hosts.foundation import HUB, site_name
from simulations.hosts.idle_contacts import IdleContacts, idle_contacts
from simulations.hosts.part_failures import failures_told
from simulations.hosts.sealer import EqualSizeSealer
from simulations.seeded.pair_world import custody_checkers
from simulations.virtual.network import Network
from simulations.virtual.trace import Trace
from simulations.workload import consults_of
from simulations.world import HubOutage, SiteGroup, World
from simulations.world.world import DAY_S, HOUR_S

from .disks import Label
from .doings import Doings
from .ending import heal, judge, judge_spending, labels_of
from .hosts import StaffedHub, StaffedSite
from .links import lay_first_links, lay_links, settings_of
from .medics import Medic
from .moments import RunTime
from .outcome import Played
from .specialists import Specialists, WorklistDesk
from .staff import PRELUDE_S, Manned, boots_s
from .stories import Stories
from .witness import Witness

REPORTS: Final = 200
"""Of progress, over a whole run."""

Progress = Callable[[float], None]
"""Told how much of the run is over, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playing:
    """What a world is played with; tests put in parts with a planted fault."""

    sealer: Callable[[], Sealer] = EqualSizeSealer
    encrypts: bool = False
    """Off where neither a seal nor a disk shall hide anything."""
    plays_idle: bool = True
    """Off where contacts that find nothing new are accounted."""
    site: type[StaffedSite] = StaffedSite
    hub: type[StaffedHub] = StaffedHub
    desk: type[WorklistDesk] = WorklistDesk


def whole_checkers() -> tuple[Checker, ...]:
    """All that a whole run can judge."""
    return (
        *custody_checkers(),
        RightPatient(),
        EndedOrdersStayEnded(),
        NobodyStarves(),
        CapsAreKept(),
        FiledPicturesOpen(),
    )


class WholeWorld:
    """One hub, its sites, and everybody who works there."""

    def __init__(
        self,
        world: World,
        root: Path,
        *,
        seed: int,
        court: Court,
        trace: Trace,
        network: Network,
        playing: Playing,
        progress: Progress,
    ) -> None:
        self._world = world
        self._root = root
        self._seed = seed
        self._court = court
        self._trace = trace
        self._network = network
        self._playing = playing
        self._progress = progress
        self._until_s = world.days * DAY_S
        self._manned: dict[str, Manned] = {}
        self._idle: IdleContacts | None = None
        self._hub: StaffedHub
        self._time: RunTime
        self._doings: Doings
        self.stories = Stories()
        self.witness: Witness
        self.specialists: Specialists
        self.labels: Mapping[bytes, Label] = {}
        self.played: tuple[Played, ...] = ()

    async def play(self) -> None:
        """From the first boot to the comparison of all disks."""
        self._time = time = RunTime.after(PRELUDE_S)
        self.witness = Witness(self._court, self._trace, time, folder_of=self._folder_of)
        with failures_told(self.witness.failed), self._accounting() as self._idle:
            async with asyncio.TaskGroup() as group:
                self._doings = Doings(group, time, self.witness)
                await self._switch_on(group)
                await time.wait_s(0.0)
                self._begin()
                await time.wait_s(self._until_s)
                await self._doings.end()
                await self._return_hub()
                await heal(self._network, self._manned, self.witness)
                for manned in self._manned.values():
                    await manned.site.end()
                await self._hub.end()
        self._collect()
        self.labels = await labels_of(self._hub, self._manned)
        self.played = tuple(each.played(time, self._until_s) for each in self._manned.values())
        for played in self.played:
            judge_spending(played, self.witness)
        await judge(self._hub, self._manned, self.witness)

    def _folder_of(self, machine: str) -> Path:
        return (self._hub if machine == HUB else self._manned[machine].site).machine.folder

    def _accounting(self) -> AbstractContextManager[IdleContacts | None]:
        return nullcontext() if self._playing.plays_idle else idle_contacts(lambda: self._hub)

    # Before the run.

    async def _switch_on(self, group: asyncio.TaskGroup) -> None:
        common: dict[str, Any] = {"network": self._network, "owner": group, "sealer": self._playing.sealer()}
        hub = self._playing.hub(HUB, self._root / HUB, observe_pair=self.witness.see_hub, **common)
        self._hub = hub
        self.specialists = Specialists(
            self._world,
            hub,
            self.stories,
            time=self._time,
            seed=self._seed,
            doings=self._doings,
            yard=self.witness,
            desk=self._playing.desk,
        )
        hub.on_hub = self.specialists.hub_opened
        await self._time.wait_s(-PRELUDE_S)
        await hub.boot()
        await self.specialists.sign_in()
        for site_group in self._world.groups:
            for index in range(site_group.count):
                self._settle(f"{site_group.name} {index + 1}", site_group, common)
        for manned in sorted(self._manned.values(), key=lambda each: each.boots_s):
            await self._time.wait_s(manned.boots_s)
            await manned.site.boot()

    def _settle(self, name: str, group: SiteGroup, common: dict[str, Any]) -> None:
        """A site with its people, on the disk that lies there for it."""
        number = len(self._manned)
        machine, key = site_name(number), self._key(number)
        lay_first_links(self._network, machine, HUB, group.links, key=key)
        site = self._playing.site(
            machine,
            self._root / machine,
            hub=HUB,
            observe_pair=self.witness.see_site,
            links=[settings_of(link, HUB, place) for place, link in enumerate(group.links)],
            idle=self._idle,
            **common,
        )
        medic = Medic(
            site,
            number,
            time=self._time,
            stories=self.stories,
            seed=self._seed,
            doings=self._doings,
            yard=self.witness,
        )
        site.on_daemon = medic.screen.show
        self._manned[machine] = Manned(
            number=number, name=name, group=group, site=site, medic=medic, boots_s=boots_s(group, key)
        )

    def _key(self, number: int) -> str:
        return f"{self._seed}/{number}"

    # The run.

    def _begin(self) -> None:
        """At midnight the weather, the bills, and what people do begin."""
        storms = storms_of(self._world, self._seed)
        for machine, manned in self._manned.items():
            group, number = manned.group, manned.number
            manned.laid = lay_links(
                self._network,
                machine,
                HUB,
                group.links,
                region=group.region,
                storms=storms,
                key=self._key(number),
            )
            # The same ones as in event mode.
            key = f"consults/{self._seed}/{number}"
            manned.medic.plan(consults_of(group.mix, until_s=self._until_s, seed=key))
        self._doings.now(self.specialists.run())
        self._doings.now(self._keep_books())
        for outage in self._world.hub_outages:
            self._doings.later(outage.start_s, self._lose_hub(outage))
        for report in range(REPORTS):
            share = report / REPORTS
            self._doings.later(share * self._until_s, self._report(share))

    async def _report(self, share: float) -> None:
        self._progress(share)

    async def _keep_books(self) -> None:
        """Once an hour the queue, once a day what sites have written down."""
        for hour in range(int(self._until_s / HOUR_S) + 1):
            await self._time.wait_s(hour * HOUR_S)
            self.specialists.sample()
            if hour * HOUR_S % DAY_S == 0:
                self._collect()

    def _collect(self) -> None:
        for manned in self._manned.values():
            manned.collect()

    async def _lose_hub(self, outage: HubOutage) -> None:
        """Its machine stops as by a kill, and stands still."""
        if self._hub.machine.life.alive:
            self.witness.note(HUB, "is down")
            self.specialists.hub_closed()
            self._hub.machine.crash()
        await asyncio.sleep(outage.duration_s)
        if not self._is_away():
            await self._return_hub()

    def _is_away(self) -> bool:
        """Whether some outage is under way."""
        now_s = self._time.now_s()
        return any(each.start_s <= now_s < each.start_s + each.duration_s for each in self._world.hub_outages)

    async def _return_hub(self) -> None:
        if not self._hub.machine.life.alive:
            await self._hub.reboot()
            self.witness.note(HUB, "is there again")
