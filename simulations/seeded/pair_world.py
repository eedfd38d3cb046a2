"""Plays a schedule with one hub and the nodes of one pair, heals the link, and asks whether all is well."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from protocol.ids import BundleId, Incarnation
from simulations.checkers import (
    AcknowledgedIsDurable,
    Checker,
    Court,
    CustodyIsNeverLost,
    DeliveredOnce,
    EverythingArrives,
    MostUrgentFirst,
    NothingUnforeseen,
    SafeIsBackedUp,
)
from simulations.checkers.observations import BundleDelivered, Observation, PartFailed, WorldHealed
from simulations.hosts.content import Content
from simulations.hosts.disk import Disk, FileDisk, MemoryDisk, Plant, nothing_planted
from simulations.hosts.life import Crashed
from simulations.hosts.part_failures import failures_told
from simulations.hosts.place import HUB, Place
from simulations.hosts.ram_disk import temporary_disks
from simulations.hosts.skew import spoken
from simulations.hosts.watched import Watch
from simulations.links import DirectionProfile, LinkProfile
from simulations.virtual.between import BETWEEN, standing_between
from simulations.virtual.entropy import seeded_entropy
from simulations.virtual.loop import run_virtual, virtual_loop
from simulations.virtual.network import Network
from simulations.virtual.trace import Trace
from simulations.virtual.wire import Mischief, Wire
from sync.core import Event, SessionEnded

from .dues import Dues
from .schedule import (
    CLONE,
    NODE,
    Act,
    Add,
    BackUp,
    Clone,
    Crash,
    CrashOn,
    Meet,
    Pass,
    Prune,
    Restore,
    Schedule,
)

BESIDE_S_MAX: Final = 10.0
"""So much later a copied card's other half calls too."""
SETTLE_S: Final = 120.0
"""After an act, for packets that are late and sessions that have yet to notice."""
ROUNDS_MAX: Final = 6
"""Contacts of each node after healing: a large bundle that cannot be opened is whole in the first, asked for
anew in the second and sealed again in the third; and what a twin taught the hub to send needs one more."""

CLEAN: Final = DirectionProfile(rate_bit_s=512_000.0, delay_ms=50.0, queue_bytes=64_000)
HEALED: Final = LinkProfile(
    name="healed", title="a link without fault", source="made up", up=CLEAN, down=CLEAN, mtu_bytes=1_500
)


def custody_checkers() -> tuple[Checker, ...]:
    """Those that a world which ends at custody can judge."""
    return (
        AcknowledgedIsDurable(),
        CustodyIsNeverLost(),
        DeliveredOnce(),
        EverythingArrives(),
        MostUrgentFirst(),
        NothingUnforeseen(),
        SafeIsBackedUp(),
    )


def play_pair(schedule: Schedule, *, trace: Trace | None = None, plant: Plant = nothing_planted) -> Court:
    """The whole of it; the court tells what was broken. `plant` puts a fault into every store."""
    court = Court(custody_checkers())
    network = Network()
    with temporary_disks() as root, seeded_entropy(schedule.seed):
        world = _World(schedule, court, trace or Trace(), network, root, plant)
        with spoken(schedule.versions, world.tell):
            run_virtual(world.play(), network=network)
    return court


class _World:
    def __init__(
        self, schedule: Schedule, court: Court, trace: Trace, network: Network, root: Path, plant: Plant
    ) -> None:
        self._schedule = schedule
        self._court = court
        self._trace = trace
        self._network = network
        self._root = root
        self._plant = plant
        # Who does not know how to ask for another seal never gets what it cannot open.
        self._content = Content(rekeys=schedule.versions.older is None)
        self._watch = Watch(self, self._observe, self._happened)
        self._places: dict[str, Place] = {}
        self._dues = Dues(
            self._places,
            self._content,
            peers_of=self.peers_of,
            # An older version knows of no giving back; of two copies, each knows its own bundles alone.
            gives_back=lambda: (
                schedule.recovers and not schedule.versions.older and CLONE not in self._places
            ),
        )
        self._group: asyncio.TaskGroup
        self._redials = random.Random(f"redials/{schedule.seed}")
        self._between = standing_between(network, HUB, schedule.web, self.tell)

    # For the watch.

    def holds(self, place: str, bundle_id: BundleId) -> bool:
        return self._places[place].disk.holds(bundle_id)

    def backs_up(self, place: str, bundle_id: BundleId) -> bool:
        return any(bundle_id in backup.taken for backup in self._places[place].backups)

    def syncs(self, place: str) -> int | None:
        """A disk of these worlds confirms every change."""
        return None

    def disk_of(self, place: str) -> object:
        """What is taken here is observed where the application takes it."""
        return None

    def peers_of(self, place: str) -> Sequence[str]:
        return [name for name in self._places if name != HUB] if place == HUB else [HUB]

    # The play.

    async def play(self) -> None:
        with failures_told(self._failed):
            async with asyncio.TaskGroup() as self._group:
                self._found(HUB)
                self._found(NODE)
                self._join(NODE, self._schedule.profile, self._schedule.mischief)
                middle = self._group.create_task(self._stand_between())
                for act in self._schedule.acts:
                    self._note("world", f"{act}")
                    await self._act(act)
                await self._heal()
                middle.cancel()
                for place in self._places.values():
                    place.end()

    async def _act(self, act: Act) -> None:
        match act:
            case Add():
                await self._add(act)
            case Meet():
                await self._meet(act)
            case Pass(span_s):
                await asyncio.sleep(span_s)
            case _:
                await self._tend(act)

    async def _tend(self, act: BackUp | Prune | Restore | Clone) -> None:
        """What is done to disks."""
        match act:
            case BackUp(name):
                await self._back_up(self._places[name])
            case Prune(name):
                with suppress(Crashed):
                    await self._places[name].life.run(self._places[name].prune())
            case Restore(name, age):
                if backups := self._places[name].backups:
                    self._places[name].restore(backups[-1 - min(age, len(backups) - 1)])
                    self._watch.disk_replaced(name)
            case Clone():
                self._found(CLONE)
                self._places[CLONE].restore(self._places[NODE].disk)
                self._join(CLONE, self._schedule.profile, self._schedule.mischief)

    async def _back_up(self, place: Place) -> None:
        if not self._schedule.recovers:
            place.backups.append(place.disk.copy())
            return
        with suppress(Crashed):
            await place.life.run(place.back_up())

    async def _add(self, act: Add) -> None:
        bundle_id = self._content.name(act.label, act.size_bytes, act.priority)
        self._dues.written.add((act.place, bundle_id))
        place = self._places[act.place]
        with suppress(Crashed):
            await place.life.run(place.add(act.label))

    def _add_now(self, act: Add) -> None:
        # Owned by the world's group, which waits for it.
        self._adding = self._group.create_task(self._add(act))

    async def _meet(self, act: Meet) -> None:
        node = self._places[act.node]
        match act.crash:
            case Crash(dying, step, side):
                self._places[dying].life.crash_at(step, side)
            case CrashOn(dying, call, side):
                self._watch.crash_on(dying, call, side)
        timers = self._happenings(act)
        await self._call(node, act)
        await asyncio.sleep(SETTLE_S)
        for timer in timers:
            timer.cancel()
        self._network.wire(act.node, HUB).restore()
        for name, place in self._places.items():
            self._watch.crash_never(name)
            if not place.life.alive:
                self._note(name, "starts again")
                place.boot()

    def _happenings(self, act: Meet) -> list[asyncio.TimerHandle]:
        loop = virtual_loop()
        wire = self._network.wire(act.node, HUB)
        timers = [loop.call_later(delay_s, self._add_now, add) for delay_s, add in act.meanwhile]
        for _, add in act.meanwhile:
            self._content.name(add.label, add.size_bytes, add.priority)
        if act.outage is not None:
            timers += [
                loop.call_later(act.outage[0], wire.cut),
                loop.call_later(act.outage[1], wire.restore),
            ]
        return timers

    async def _call(self, node: Place, act: Meet) -> None:
        beside = self._begin_beside(act)
        with suppress(Crashed):
            await node.call_hub(datagrams=act.datagrams, cuts=act.cuts)
        if beside is not None:
            await asyncio.wait((beside,))
        if not node.life.alive and self._redials_at_once():
            self._note(node.name, "starts again and dials at once")
            node.boot()
            with suppress(Crashed):
                await node.call_hub(datagrams=act.datagrams)
        if self._schedule.web is not None and not act.datagrams:
            self._note(node.name, node.how_it_went)

    def _begin_beside(self, act: Meet) -> asyncio.Task[None] | None:
        """The copy of the node's card calls at the same time, for the same pair, over HTTP."""
        twin = next((name for name in self._places if name not in (HUB, act.node)), None)
        if self._schedule.web is None or twin is None or not self._places[twin].life.alive:
            return None
        return self._group.create_task(self._call_beside(self._places[twin]))

    async def _call_beside(self, twin: Place) -> None:
        await asyncio.sleep(self._redials.uniform(0.0, BESIDE_S_MAX))
        self._note(twin.name, "calls beside the other")
        with suppress(Crashed):
            await twin.call_hub(datagrams=False)

    def _redials_at_once(self) -> bool:
        """The hub may not have heard yet that the session before it is dead."""
        web = self._schedule.web
        return web is not None and self._redials.random() < web.doubles

    async def _stand_between(self) -> None:
        """What may be between the nodes and the hub."""
        if self._between is not None:
            await self._between.run()

    async def _heal(self) -> None:
        self._note("world", "the link heals")
        if self._between is not None:
            self._between.be_kind()
        nodes = [name for name in self._places if name != HUB]
        for name in nodes:
            self._join(name, HEALED, Mischief())
        for _ in range(ROUNDS_MAX):
            for name in nodes:
                await self._meet(Meet(node=name, datagrams=self._schedule.web is None))
            missing, pending = self._dues.missing(), self._dues.pending()
            if not missing and not pending:
                break
        self._observe(WorldHealed(at_s=virtual_loop().time(), missing=missing, pending=pending))

    # Small things.

    def _found(self, name: str) -> None:
        lives = random.Random(f"{name}/{self._schedule.seed}")
        self._places[name] = Place(
            name,
            network=self._network,
            owner=self._group,
            content=self._content,
            watch=self._watch,
            disk=self._disk(name, lambda: Incarnation(lives.randbytes(4))),
            web=self._schedule.web,
        )

    def _disk(self, name: str, new_incarnation: Callable[[], Incarnation]) -> Disk:
        if self._schedule.on_files:
            return FileDisk(self._root, new_incarnation, self._plant, name)
        return MemoryDisk(new_incarnation, self._plant)

    def _join(self, name: str, profile: LinkProfile, mischief: Mischief) -> None:
        wire = Wire(profile, seed=f"{name}/{self._schedule.seed}", mischief=mischief)
        self._network.join(name, HUB, wire)
        if self._between is not None:
            self._network.streams.put_between(name, HUB, BETWEEN)

    def tell(self, host: str, what: str) -> None:
        """For whatever notices that a fault has bitten."""
        self._note(host, what)

    def _observe(self, observation: Observation) -> None:
        self._court.observe(observation)
        if isinstance(observation, BundleDelivered):
            self._note(observation.place, "takes", bundle=self._content.label_of(observation.bundle))

    def _happened(self, place: str, event: Event) -> None:
        if isinstance(event, SessionEnded):
            counters = event.counters
            self._note(
                place,
                "session ended",
                how=event.ending.value,
                sent=counters.payload_bytes_sent,
                received=counters.payload_bytes_received,
                twice=counters.duplicate_bytes_received,
            )
        else:
            self._note(place, type(event).__name__, **_told(event, self._content))

    def _note(self, who: str, what: str, **fields: str | int | float | bytes) -> None:
        self._trace.note(virtual_loop().time(), who, what, **fields)

    def _failed(self, what: str) -> None:
        self._observe(PartFailed(at_s=virtual_loop().time(), place="a listener", what=what))


def _told(event: Event, content: Content) -> dict[str, str | int]:
    offer = getattr(event, "offer", None)
    told: dict[str, str | int] = {}
    if offer is not None:
        told["bundle"] = content.label_of(offer.bundle_id)
    for name in ("durable_bytes", "sequence", "sequences", "generation", "reason"):
        value = getattr(event, name, None)
        if isinstance(value, int):
            told[name] = value
        elif value is not None:
            told[name] = str(value)
    return told
