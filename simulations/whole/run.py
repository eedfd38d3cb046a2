"""One run of a fleet on the whole product, from its description to its results."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from protocol.sealing import HpkeSealer, Sealer
from simulations.checkers import Court
from simulations.fleet.policies import POLICIES
from simulations.hosts.pictures import pictures_taken
from simulations.hosts.plain_disks import plain_disks
from simulations.hosts.ram_disk import temporary_disks
from simulations.report import RunResults, ViolationRow
from simulations.seeded.consult_world import foundation_of
from simulations.virtual.entropy import seeded_entropy
from simulations.virtual.loop import run_virtual
from simulations.virtual.network import Network
from simulations.virtual.trace import Trace
from simulations.world import World
from simulations.world.world import DAY_S

from .outcome import results_of
from .playable import require_playable
from .world import Playing, Progress, WholeWorld, whole_checkers


def real_sealer() -> Sealer:
    """As on a ship."""
    return HpkeSealer(os.urandom)


REAL: Playing = Playing(sealer=real_sealer, encrypts=True)
"""Everything is encrypted as on a ship, on the links and on the disks."""
EQUAL_SIZE: Playing = Playing()
"""Seals and disks hide nothing; sizes are the same."""


def run_whole(
    world: World,
    *,
    seed: int,
    policy: str = "as-described",
    playing: Playing = EQUAL_SIZE,
    progress: Progress = lambda _: None,
    trace: Trace | None = None,
) -> RunResults:
    """The same for the same world, seed, policy and way of playing. Raises `NotPlayable`."""
    began = time.perf_counter()
    chosen = require_playable(POLICIES[policy][1](world))
    trace, checkers = trace or Trace(), whole_checkers()
    court, network = Court(checkers), Network()
    with temporary_disks() as root, _disks(encrypts=playing.encrypts), pictures_taken():
        foundation_of(chosen.site_count, encrypts=playing.encrypts).copy_to(root)
        whole = WholeWorld(
            chosen,
            root,
            seed=seed,
            court=court,
            trace=trace,
            network=network,
            playing=playing,
            progress=progress,
        )
        with seeded_entropy(f"whole/{seed}"):
            run_virtual(whole.play(), network=network)
    until_s = chosen.days * DAY_S
    results = results_of(
        world=chosen.name,
        policy=policy,
        seed=seed,
        until_s=until_s,
        checked=tuple(checker.law.rstrip(".") for checker in checkers),
        sites=whole.played,
        stories=whole.stories,
        seen=tuple(whole.witness.bundles.seen.values()),
        labels=whole.labels,
        queue=whole.specialists.samples,
        alarms=whole.witness.alarms,
    )
    progress(1.0)
    return replace(
        results,
        trace_hash=trace.digest,
        wall_s=round(time.perf_counter() - began, 3),
        violations=tuple(
            ViolationRow(property=words.partition(".")[0], at_s=until_s, words=words)
            for words in court.violations
        ),
    )


def _disks(*, encrypts: bool) -> AbstractContextManager[None]:
    return nullcontext() if encrypts else plain_disks()
