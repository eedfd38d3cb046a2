"""Plays consults between whole sites and a hub while machines, disks, clocks and links fail; then mends all
and compares what lies in every case at both ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from protocol.ids import BundleId, Pseudonym
from protocol.sealing import Sealer
from sfhub.errors import HubError
from sfnode.errors import NodeError
from simulations.checkers import Checker, Court, EndedOrdersStayEnded, NobodyStarves, RightPatient
from simulations.checkers.observations import Observation, PartFailed, WorldHealed
from simulations.links import DirectionProfile, LinkProfile
from sync.stores.errors import StoreError
from sync.stores.sqlite import SqlitePairStore

from .audit import Audit
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
)
from .disk_ledger import DiskLedger
from .entropy import seeded_entropy
from .foundation import HUB, Foundation, site_name
from .hub_host import HubHost
from .idle_contacts import IdleContacts, idle_contacts
from .life import Crashed
from .loop import run_virtual, virtual_loop
from .mishaps import Mishaps
from .network import Network
from .pair_world import HEALED, custody_checkers
from .part_failures import failures_told
from .people import People
from .plain_disks import plain_disks
from .ram_disk import temporary_disks
from .sealer import EqualSizeSealer
from .site import Site
from .skew import spoken
from .trace import Trace
from .turnover import Turnover
from .watched import Watch, watch_store
from .wire import Mischief, Wire

HEAL_ROUNDS: Final = 4
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
    return (*custody_checkers(), RightPatient(), EndedOrdersStayEnded(), NobodyStarves())


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
        with seeded_entropy(schedule.seed), spoken(schedule.versions, world.tell):
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
        self._ledgers: dict[str, DiskLedger] = {}
        self._copies: dict[str, str] = {}
        """Second machines with one site's card, by name, and whose card it was."""
        self._watch = Watch(self, self._observe, lambda place, event: None)
        self._common: dict[str, Any]
        """What every machine is made with."""
        self._has_power_cuts = False
        self._people: People
        self._mishaps: Mishaps
        self._turnover: Turnover

    # For the watch.

    def holds(self, place: str, bundle_id: BundleId) -> bool:
        return self._ledgers[place].holds(bundle_id)

    def backs_up(self, place: str, bundle_id: BundleId) -> bool:
        """No hub of these worlds tells of backups: whatever is believed safe is not."""
        return False

    def peers_of(self, place: str) -> Sequence[str]:
        host, _, site = place.partition(":")
        if host == HUB:
            return [site, *(copy for copy, of in self._copies.items() if of == site)]
        return [f"{HUB}:{self._copies.get(place, place)}"]

    # The play.

    async def play(self) -> None:
        """From the first boot to the audit of all disks."""
        began_s = virtual_loop().time()
        with failures_told(self._failed), self._accounting() as self._idle:
            async with asyncio.TaskGroup() as group:
                await self._found(group)
                keeper = group.create_task(self._mishaps.keep_alive())
                for at_s, act in self._schedule.acts:
                    await asyncio.sleep(max(0.0, began_s + at_s - virtual_loop().time()))
                    self._note("world", str(act))
                    await self._try(self._act(act))
                await self._heal()
                keeper.cancel()
                for host in self._hosts.values():
                    await host.end()
        await self._audit()

    async def _found(self, group: asyncio.TaskGroup) -> None:
        self._common = {"network": self._network, "owner": group, "sealer": self._setup.sealer()}
        hub = self._setup.hub(HUB, self._root / HUB, observe_pair=self._observe_at_hub, **self._common)
        self._hub, self._hosts = hub, {HUB: hub}
        for name in map(site_name, range(self._schedule.sites)):
            self._settle(name)
        self._mishaps = Mishaps(
            self._hosts,
            self._network,
            hub=HUB,
            ledgers_on=self._ledgers_on,
            tell=self.tell,
        )
        self._turnover = Turnover(self._root, hub, self._sites, self._mishaps, begin_copy=self._begin_copy)
        self._people = People(self._sites, hub, disk_lives=self._mishaps.disk_lives, observe=self._observe)
        self._has_power_cuts = any(
            isinstance(act, CrashAt) and act.power_cut_seed is not None for _, act in self._schedule.acts
        )
        for host in self._hosts.values():
            host.machine.power.watching = self._has_power_cuts
            await host.boot()

    def _accounting(self) -> AbstractContextManager[IdleContacts | None]:
        return nullcontext() if self._setup.plays_idle else idle_contacts(lambda: self._hub)

    def _settle(self, name: str) -> Site:
        """A site with this name, on whatever disk lies there for it."""
        self._join(name, _profile(self._schedule.loss), self._schedule.mischief)
        self._sites[name] = self._hosts[name] = site = self._setup.site(
            name,
            self._root / name,
            hub=HUB,
            datagrams=self._schedule.datagrams,
            observe_pair=self._observe_at_site,
            **({} if self._idle is None else {"idle": self._idle}),
            **self._common,
        )
        return site

    async def _begin_copy(self, name: str, copied_as: str) -> None:
        self._copies[copied_as] = name
        site = self._settle(copied_as)
        site.machine.power.watching = self._has_power_cuts
        self._mishaps.look_after(site)
        self._people.know_copy(name, copied_as)
        await site.boot()

    async def _act(self, act: ConsultAct) -> None:
        match act:
            case NewConsult() | MoreFindings() | ReadPlan() | Answer():
                await self._people.act(act)
            case CopyCard() | LoseHub() | FailOver():
                await self._turnover.befall(act)
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
        for name in self._sites:
            self._join(name, HEALED, Mischief())
        await self._mishaps.mend()
        await asyncio.sleep(SETTLE_S)
        for _ in range(HEAL_ROUNDS):
            for site in self._sites.values():
                await self._try(site.ask("sync_once"))
            await asyncio.sleep(SETTLE_S)

    async def _audit(self) -> None:
        """Both ends of every case that was sent hold the same records, each where its author put it."""
        sites = {name: site.machine.folder for name, site in self._sites.items()}
        copied = frozenset((*self._copies, *self._copies.values()))
        audit = Audit(HUB, self._hosts[HUB].machine.folder, sites, copied=copied)
        await audit.read()
        for observation in (*audit.written(), *audit.filed()):
            self._observe(observation)
        pending = tuple(
            (place, bundle) for place, ledger in self._ledgers.items() for bundle in ledger.pending()
        )
        self._observe(WorldHealed(at_s=virtual_loop().time(), missing=audit.missing(), pending=pending))
        for ledger in self._ledgers.values():
            ledger.close()

    # Small things.

    def tell(self, host: str, what: str) -> None:
        """For whatever notices that a fault has bitten."""
        self._note(host, what)

    def _join(self, name: str, profile: LinkProfile, mischief: Mischief) -> None:
        wire = Wire(profile, seed=f"{name}/{self._schedule.seed}", mischief=mischief)
        self._network.join(name, HUB, wire)

    def _observe_at_site(self, site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
        self._observe_store(site, pair, store, lambda: self._sites[site].machine.folder / "spool.db")

    def _observe_at_hub(self, site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
        self._observe_store(
            f"{HUB}:{site}", pair, store, lambda: self._hosts[HUB].machine.folder / "custody.db"
        )

    def _observe_store(
        self, place: str, pair: Pseudonym, store: SqlitePairStore, path: Callable[[], Path]
    ) -> None:
        ledger = self._ledgers.setdefault(place, DiskLedger(path, pair))
        # A site that enrolled anew has another pair.
        ledger.turn_to(pair)
        if self._setup.watched:
            watch_store(store, place, ledger, self._watch)

    def _ledgers_on(self, machine: str) -> list[DiskLedger]:
        return [ledger for place, ledger in self._ledgers.items() if place.partition(":")[0] == machine]

    def _observe(self, observation: Observation) -> None:
        self._court.observe(observation)
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
        self._observe(PartFailed(at_s=virtual_loop().time(), place="a host", what=what))


def _profile(loss: float) -> LinkProfile:
    up = DirectionProfile(rate_bit_s=22_000.0, delay_ms=450.0, queue_bytes=16_000, loss=loss)
    down = DirectionProfile(rate_bit_s=88_000.0, delay_ms=450.0, queue_bytes=32_000, loss=loss)
    return LinkProfile(
        name="l-band", title="a ship's L-band terminal", source="made up", up=up, down=down, mtu_bytes=1_500
    )
