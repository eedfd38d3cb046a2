"""One run of a peer over the link of a row: the same start, the same counting, the same limit."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from simulations.emulator import EmulatorError, Mode, open_link
from simulations.emulator.link import ModeName
from simulations.peers import Peer, PeerCase, prepared

from .line import settled_counters, use_ordinary_tcp
from .outcome import Outcome
from .scenario import SITE_STARTS_S, Scenario, shifted


async def measure_peer(
    scenario: Scenario,
    peer: Peer,
    case: PeerCase,
    seed: int,
    *,
    mode: ModeName,
    limit_s: float,
    folder: Path,
) -> Outcome:
    """`EmulatorError` when the run could not take place."""
    profile = scenario.profile(seed)
    profile = replace(profile, outages=shifted(profile.outages, SITE_STARTS_S))
    async with open_link(profile, seed=seed, mode=mode) as link:
        starts_at = time.monotonic() + SITE_STARTS_S
        is_ordinary = await use_ordinary_tcp(link)
        async with prepared(peer, case, link, folder) as ready:
            if profile.outages:
                wait_s = starts_at - time.monotonic()
                if wait_s < 0:
                    raise EmulatorError("The machine was too busy to begin before the link's first darkness.")
                await asyncio.sleep(wait_s)
            before = await asyncio.to_thread(link.counters)
            carried = await ready.carry(limit_s)
            after = await settled_counters(link)
    return Outcome(
        seconds=carried.seconds,
        bound_s=scenario.bound_s(seed),
        up_bytes=(after - before).up.bytes_sent,
        down_bytes=(after - before).down.bytes_sent,
        is_estimated=link.mode is Mode.RELAY,
        reason=carried.reason,
        note="" if is_ordinary else "the machine's own TCP",
    )
