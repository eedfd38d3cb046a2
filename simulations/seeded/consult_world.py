"""Plays consults between whole sites and a hub while machines, disks, clocks and links fail; then mends all
and compares what lies in every case at both ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from protocol.ids import Pseudonym
from protocol.sealing import Sealer
from sfhub.errors import HubError
from sfnode.errors import NodeError
from simulations.checkers import (
    CapsAreKept,
    Checker,
    Court,
    EndedOrdersStayEnded,
    FiledPicturesOpen,
    NobodyStarves,
    OnlyTheInvitedEnter,
    RightPatient,
)
from simulations.checkers.observations import (
    BundleTaken,
    Observation,
    PartFailed,
)
from simulations.hosts.audit import Missing
from simulations.hosts.disk_calls import disk_calls
from simulations.hosts.foundation import HUB, Foundation, site_name
from simulations.hosts.hub_host import HubHost
from simulations.hosts.idle_contacts import IdleContacts, idle_contacts
from simulations.hosts.life import Crashed
from simulations.hosts.machine import BACKUPS, Machine
from simulations.hosts.part_failures import failures_told
from simulations.hosts.pictures import pictures_taken
from simulations.hosts.plain_disks import plain_disks
from simulations.hosts.ram_disk import temporary_disks
from simulations.hosts.sealer import EqualSizeSealer
from simulations.hosts.site import Site
from simulations.hosts.skew import spoken
from simulations.hosts.watched import Watch
from simulations.links import DirectionProfile, LinkProfile
from simulations.virtual.between import BETWEEN, standing_between
from simulations.virtual.entropy import seeded_entropy
from simulations.virtual.loop import run_virtual, virtual_loop
from simulations.virtual.network import Network
from simulations.virtual.trace import Trace
from simulations.virtual.wire import Mischief, Wire
from sync.stores.errors import StoreError
from sync.stores.sqlite import SqlitePairStore

from .bills import Bills
from .consult_audit import Ends, audit_ends
from .consult_schedule import (
    Answer,
    ConsultAct,
    ConsultSchedule,
    CopyCard,
    CrashAt,
    FailOver,
    LoseHub,
    MoreFindings,
    NewConsult,
    ReadPlan,
    RestoreHub,
)
from .disk_acts import AddPicture, BackUpHub, CutAtFile, LieAndCut, RefuseFiles, RefuseStatements
from .disk_troubles import DiskTroubles
from .mishaps import Mishaps
from .pair_world import HEALED, custody_checkers
from .people import People
from .poison import RememberingSealer
from .stranger_acts import AttackEnrolment, ChangeHubKeys, LoseDevice, RevokeKey, SendPoison
from .trespass import Trespass
from .turnover import Turnover
from .world_disks import WorldDisks

HEAL_ROUNDS: Final = 4
MORE_THAN_ANY_BILL_USD: Final = 1e6
OF_DISKS: Final = ("StoreFailed", "StoreHalted", "StoreBusy", "OSError", "ingest halted", "keys were not")
"""What logs say of disks that refuse."""
SETTLE_S: Final = 400.0
"""For what waits a minute or five after a full disk, and for sessions that have yet to notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a world is made of; tests put in parts with a planted fault."""

    sealer: Callable[[], Sealer] = EqualSizeSealer
    site: Callable[..., Site] = Site
    hub: Callable[..., HubHost] = HubHost
    watched: bool = True
    """Off where only speed counts."""
    encrypts: bool = True
    """Off where neither a seal nor a disk shall hide anything."""
    plays_idle: bool = True
    """Off where contacts that find nothing new are accounted, for worlds in which nothing fails."""


def consult_checkers() -> tuple[Checker, ...]:
    """All that a world of whole sites can judge."""
    return (
        *custody_checkers(),
        RightPatient(),
        EndedOrdersStayEnded(),
        NobodyStarves(),
        CapsAreKept(),
        OnlyTheInvitedEnter(),
        FiledPicturesOpen(),
    )


def play_consults(
    schedule: ConsultSchedule, *, trace: Trace | None = None, setup: Setup | None = None
) -> Court:
    """The whole of it; the court tells what was broken."""
    court = Court(consult_checkers())
    setup = setup or Setup()
    with temporary_disks() as root, _disks(encrypts=setup.encrypts):
        foundation_of(schedule.sites, encrypts=setup.encrypts).copy_to(root)
        network = Network()
        world = ConsultWorld(schedule, root, court, trace or Trace(), network, setup)
        with seeded_entropy(schedule.seed), spoken(schedule.versions, world.tell), ExitStack() as stack:
            if schedule.watches_disks:
                stack.enter_context(disk_calls(world.machine_of))
            if any(isinstance(act, AddPicture) for _, act in schedule.acts):
                stack.enter_context(pictures_taken())
            run_virtual(world.play(), network=network)
    return court


@cache
def foundation_of(sites: int, *, encrypts: bool = True) -> Foundation:
    """Made once in this process; its folder goes with the process."""
    with _disks(encrypts=encrypts):
        return Foundation.kept(sites)


def _disks(*, encrypts: bool) -> AbstractContextManager[None]:
    return nullcontext() if encrypts else plain_disks()


class ConsultWorld:
    """One hub, its sites, and everything that happens to them."""

    def __init__(
        self,
        schedule: ConsultSchedule,
        root: Path,
        court: Court,
        trace: Trace,
        network: Network,
        setup: Setup,
    ) -> None:
        self._schedule = schedule
        self._root = root
        self._court = court
        self._trace = trace
        self._network = network
        self._setup = setup
        self._sites: dict[str, Site] = {}
        self._hub: HubHost
        self._hosts: dict[str, Site | HubHost] = {}
        self._idle: IdleContacts | None = None
        self._disks = WorldDisks(
            HUB,
            lambda host: self._hosts[host].machine,
            lambda host: self._mishaps.disk_lives(host),
            root / HUB / BACKUPS,
        )
        self._watch = Watch(self._disks, self._observe, lambda place, event: None)
        self._common: dict[str, Any]
        """What every machine is made with."""
        self._has_power_cuts = False
        self._between = standing_between(network, HUB, schedule.web, self.tell)
        self._people: People
        self._mishaps: Mishaps
        self._troubles: DiskTroubles
        self._trespass: Trespass
        self._bills = None if schedule.price is None else Bills(schedule.price, self._wires, self._observe)
        self._owed: tuple[Missing, ...] = ()
        self._turnover: Turnover

    # The play.

    async def play(self) -> None:
        """From the first boot to the audit of all disks."""
        began_s = virtual_loop().time()
        with failures_told(self._failed), self._accounting() as self._idle:
            async with asyncio.TaskGroup() as group:
                await self._found(group)
                keeper = group.create_task(self._mishaps.keep_alive())
                biller = group.create_task(self._bills.run()) if self._bills else None
                middle = group.create_task(self._stand_between())
                for at_s, act in self._schedule.acts:
                    await asyncio.sleep(max(0.0, began_s + at_s - virtual_loop().time()))
                    self._note("world", str(act))
                    await self._try(self._act(act))
                if biller is not None:
                    biller.cancel()
                await self._heal()
                keeper.cancel()
                middle.cancel()
                for host in self._hosts.values():
                    await host.end()
        await audit_ends(self._ends(), observe=self._observe, judge=self._court.observe)
        self._disks.close()

    async def _found(self, group: asyncio.TaskGroup) -> None:
        sealer = RememberingSealer(self._setup.sealer())
        self._common = {"network": self._network, "owner": group, "sealer": sealer}
        hub = self._setup.hub(
            HUB,
            self._root / HUB,
            observe_pair=self._observe_at_hub,
            serves_http=self._schedule.web is not None,
            **self._common,
        )
        self._hub, self._hosts = hub, {HUB: hub}
        for name in map(site_name, range(self._schedule.sites)):
            self._settle(name)
        self._mishaps = Mishaps(
            self._hosts,
            self._network,
            hub=HUB,
            ledgers_on=self._disks.ledgers_on,
            tell=self.tell,
        )
        self._turnover = Turnover(
            self._root, hub, self._sites, self._mishaps, begin_copy=self._begin_copy, tell=self.tell
        )
        self._troubles = DiskTroubles(self._hosts, self._mishaps, tell=self.tell)
        self._trespass = Trespass(
            self._root,
            hub,
            self._sites,
            self._mishaps,
            sealer=sealer,
            stores=self._disks.stores,
            tell=self.tell,
        )
        self._people = People(
            self._sites,
            hub,
            disk_lives=self._mishaps.disk_lives,
            observe=self._observe,
            camera=self._root / "camera",
        )
        self._has_power_cuts = any(
            isinstance(act, CrashAt) and act.power_cut_seed is not None for _, act in self._schedule.acts
        )
        for host in self._hosts.values():
            host.machine.power.watching = self._has_power_cuts
            if self._schedule.watches_disks:
                host.machine.watch_closely()
            await host.boot()

    async def _stand_between(self) -> None:
        """What may be between the sites and the hub."""
        if self._between is not None:
            await self._between.run()

    def _accounting(self) -> AbstractContextManager[IdleContacts | None]:
        return nullcontext() if self._setup.plays_idle else idle_contacts(lambda: self._hub)

    def _settle(self, name: str) -> Site:
        """A site with this name, on whatever disk lies there for it."""
        self._join(name, _profile(self._schedule), self._schedule.mischief)
        self._sites[name] = self._hosts[name] = site = self._setup.site(
            name,
            self._root / name,
            hub=HUB,
            datagrams=self._schedule.datagrams,
            observe_pair=self._observe_at_site,
            over_http=self._schedule.web is not None,
            **({} if self._idle is None else {"idle": self._idle}),
            **self._common,
        )
        if self._schedule.price is not None:
            site.change_links(self._schedule.price.on)
        return site

    async def _begin_copy(self, name: str, copied_as: str) -> None:
        self._disks.copies[copied_as] = name
        site = self._settle(copied_as)
        site.machine.power.watching = self._has_power_cuts
        self._mishaps.look_after(site)
        self._people.know_copy(name, copied_as)
        await site.boot()

    async def _act(self, act: ConsultAct) -> None:
        match act:
            case NewConsult() | MoreFindings() | ReadPlan() | Answer() | AddPicture():
                await self._people.act(act)
            case CopyCard() | LoseHub() | FailOver() | RestoreHub():
                await self._turnover.befall(act)
            case RefuseStatements() | RefuseFiles() | LieAndCut() | CutAtFile():
                await self._troubles.befall(act)
            case LoseDevice() | RevokeKey() | SendPoison() | AttackEnrolment() | ChangeHubKeys():
                await self._trespass.befall(act)
            case BackUpHub():
                await self._hub.ask("backup_create", into=str(self._hub.machine.backup_place))
            case _:
                await self._mishaps.befall(act)

    async def _try(self, work: Coroutine[Any, Any, object]) -> None:
        """People are told when something cannot be done, and go on."""
        try:
            await work
        except Crashed as crashed:
            self._note(str(crashed), "is dead")
        except (NodeError, HubError, StoreError) as refused:
            self._note("world", "refused", why=type(refused).__name__)

    async def _heal(self) -> None:
        self._note("world", "all is mended")
        if self._between is not None:
            self._between.be_kind()
        self._troubles.tell_all()
        if self._bills is not None:
            self._bills.close()
            await self._lift_caps()
        for name in self._sites:
            self._join(name, HEALED, Mischief())
        await self._mishaps.mend()
        await asyncio.sleep(SETTLE_S)
        for heal_round in range(HEAL_ROUNDS):
            if heal_round == HEAL_ROUNDS // 2:
                # What a vault that was left older lacks is asked back when it is opened again.
                await self._troubles.restart_liars()
            for site in self._sites.values():
                await self._try(site.ask("sync_once"))
            await asyncio.sleep(SETTLE_S)
        await self._trespass.told()
        self._owed = await self._trespass.owed()

    async def _lift_caps(self) -> None:
        """What a cap has held back goes once it is lifted, as by any operator who may pay more."""
        for site in self._sites.values():
            await self._try(site.ask("link_set", link=site.link.name, cap_usd_per_day=MORE_THAN_ANY_BILL_USD))

    def _ends(self) -> Ends:
        return Ends(
            hub=HUB,
            hub_folder=self._hosts[HUB].machine.folder,
            site_folders={name: site.machine.folder for name, site in self._sites.items()},
            copied=frozenset((*self._disks.copies, *self._disks.copies.values())),
            keys_lost=frozenset(self._trespass.keys_lost),
            has_pictures=not self._hub.machine.has_lied,
            owed=self._owed,
            pending=self._disks.pending(),
        )

    # Small things.

    def tell(self, host: str, what: str) -> None:
        """For whatever notices that a fault has bitten."""
        self._note(host, what)

    def _wires(self) -> dict[str, Wire]:
        return {name: self._network.wire(name, HUB) for name in self._sites}

    def _join(self, name: str, profile: LinkProfile, mischief: Mischief) -> None:
        wire = Wire(profile, seed=f"{name}/{self._schedule.seed}", mischief=mischief)
        self._network.join(name, HUB, wire)
        if self._between is not None:
            self._network.streams.put_between(name, HUB, BETWEEN)

    def machine_of(self, host: str) -> Machine | None:
        """None for what is no machine of this world."""
        return self._hosts[host].machine if host in self._hosts else None

    def _observe_at_site(self, site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
        self._disks.open(site, pair, store, self._watch if self._setup.watched else None)

    def _observe_at_hub(self, site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
        self._disks.open(f"{HUB}:{site}", pair, store, self._watch if self._setup.watched else None)

    def _observe(self, observation: Observation) -> None:
        self._court.observe(observation)
        if isinstance(observation, BundleTaken):
            return  # The trace has it already, as a receipt.
        place = getattr(observation, "place", "world")
        told = {
            name: value
            for name in ("bundle", "case", "record", "order")
            if (value := getattr(observation, name, None)) is not None
        }
        self._trace.note(observation.at_s, place, type(observation).__name__, **told)

    def _note(self, who: str, what: str, **fields: str | int | float | bytes) -> None:
        self._trace.note(virtual_loop().time(), who, what, **fields)

    def _failed(self, what: str) -> None:
        if self._mishaps.a_disk_is_full:
            return  # Foreseen: what cannot be kept is refused, in many places, and tried again.
        if self._mishaps.a_disk_refuses and any(error in what for error in OF_DISKS):
            return  # Likewise, as long as it is the disk's refusal and nothing that came of it.
        self._observe(PartFailed(at_s=virtual_loop().time(), place="a host", what=what))


def _profile(schedule: ConsultSchedule) -> LinkProfile:
    loss = schedule.loss
    up = DirectionProfile(rate_bit_s=22_000.0, delay_ms=450.0, queue_bytes=16_000, loss=loss)
    down = DirectionProfile(rate_bit_s=88_000.0, delay_ms=450.0, queue_bytes=32_000, loss=loss)
    return LinkProfile(
        name="l-band",
        title="a ship's L-band terminal",
        source="made up",
        up=up,
        down=down,
        mtu_bytes=1_500,
        half_duplex=schedule.half_duplex,
    )
