"""Plays a world in event mode: a heap of moments, the product's policy for each site, and its sessions for
each contact that has something to carry."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from simulations.hosts.ram_disk import temporary_disks
from simulations.report import AlarmRow, RunResults, SiteRow, ViolationRow
from simulations.virtual.loop import garbage_seldom, run_virtual
from simulations.virtual.trace import Trace
from simulations.world import World
from simulations.world.world import HOUR_S

from .consulting import Consulting
from .desk_side import HubDesk
from .fleet import CHECKED, HUB, Fleet
from .goods import Story
from .parts import PRODUCT, Parts, filed_in
from .policies import POLICIES
from .reaching import Reaching
from .restoring import Faults, heal, plan_faults
from .site import FleetSite
from .watch import SilenceWatch

REPORTS = 200
"""Of progress, over a whole run."""

Progress = Callable[[float], None]
"""Told how much of the run is over, 0 to 1."""


def run_world(
    world: World,
    *,
    seed: int,
    policy: str = "as-described",
    faults: Faults | None = None,
    progress: Progress = lambda _: None,
    trace: Trace | None = None,
    parts: Parts = PRODUCT,
) -> RunResults:
    """The whole run; the same for the same world, seed, policy and faults."""
    began = time.perf_counter()
    fleet = Fleet(POLICIES[policy][1](world), seed, trace or Trace(), parts)
    plan_faults(fleet, faults or Faults())
    play = _Play(fleet)
    with garbage_seldom(), closing(fleet):
        play.run(progress)
        results = _results(fleet, play, policy)
        # What only arrives in clean contacts after the run did not arrive in it.
        heal(fleet, play.consulting)
    progress(1.0)
    results = replace(results, trace_hash=fleet.trace.digest, violations=_violations(fleet))
    return replace(results, wall_s=round(time.perf_counter() - began, 3))


def run_world_in_files(
    world: World,
    *,
    seed: int,
    policy: str = "as-described",
    faults: Faults | None = None,
    progress: Progress = lambda _: None,
    trace: Trace | None = None,
) -> RunResults:
    """The same run, with all custody in the product's own tables."""

    async def within_a_loop() -> RunResults:
        # What waits for new bundles is told through the loop; here nothing waits.
        return run_world(
            world,
            seed=seed,
            policy=policy,
            faults=faults,
            progress=progress,
            trace=trace,
            parts=filed_in(folder),
        )

    with temporary_disks() as folder:
        return run_virtual(within_a_loop())


class _Play:
    """The parts of a run, wired."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.consulting = Consulting(fleet)
        self.desk = HubDesk(fleet.world, fleet.goods, self, seed=fleet.seed, parts=fleet.parts)
        self._reaching = Reaching(fleet, self.consulting, self.desk.arrived)
        self.later, self.observe = fleet.later, fleet.observe
        self.alarm, self.note = fleet.alarm, fleet.note

    def run(self, progress: Progress) -> None:
        fleet, watch = self._fleet, SilenceWatch(self._fleet)
        for site in fleet.sites:
            self.consulting.plan(site)
            self._reaching.begin(site)
        for outage in fleet.world.hub_outages:
            fleet.later(outage.start_s, self._hub_goes_down)
        for hour in range(int(fleet.until_s / HOUR_S) + 1):
            fleet.later(hour * HOUR_S, self.desk.sample)
            fleet.later(hour * HOUR_S, watch.look)
        told_s = 0.0
        while (moment := fleet.next_moment()) is not None:
            now_s, action = moment
            action(now_s)
            if now_s >= told_s:
                told_s = now_s + fleet.until_s / REPORTS
                progress(now_s / fleet.until_s)
        for site in fleet.sites:
            self._reaching.end(site)

    def send_down(self, story: Story, what: str, size_bytes: int, now_s: float) -> None:
        """The hub has something for a site."""
        site = self._fleet.sites[story.site]
        self.consulting.queue_down(site, story, what, size_bytes, now_s)
        self._reaching.hub_has_something(site, now_s)

    def _hub_goes_down(self, now_s: float) -> None:
        self._fleet.note(now_s, HUB, "is down")
        self._fleet.alarm(AlarmRow(at_s=now_s, site=None, cause="the hub is down", needs_action=True))


def _results(fleet: Fleet, play: _Play, policy: str) -> RunResults:
    return RunResults(
        world=fleet.world.name,
        policy=policy,
        seed=fleet.seed,
        duration_s=fleet.until_s,
        trace_hash="",
        wall_s=0.0,
        checked=tuple(checker.law.rstrip(".") for checker in CHECKED),
        sites=tuple(_site_row(site) for site in fleet.sites),
        cases=tuple(story.row() for story in fleet.goods.stories),
        deliveries=tuple(
            parcel.row() for parcel in fleet.goods.parcels.values() if parcel.queued_s <= fleet.until_s
        ),
        queue=tuple(play.desk.samples),
        alarms=tuple(fleet.alarms),
        violations=(),
    )


def _violations(fleet: Fleet) -> tuple[ViolationRow, ...]:
    return tuple(
        ViolationRow(property=words.partition(".")[0], at_s=fleet.until_s, words=words)
        for words in fleet.court.violations
    )


def _site_row(site: FleetSite) -> SiteRow:
    return SiteRow(
        site=site.number,
        name=site.name,
        kind=site.group.name,
        links=", ".join(link.terms.name for link in site.links),
        contacts=site.contacts,
        contacts_failed=site.contacts_failed,
        bytes_up=site.bytes_up,
        bytes_down=site.bytes_down,
        usd=round(site.usd, 6),
    )
