"""One run of ours: real sessions of two processes, timed by what the product's stores hold durably."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from simulations.emulator import EmulatedLink, EmulatorError, Mode, open_link
from simulations.emulator.link import ModeName

from .end_process import EndProcess, Told, end_process
from .line import darkness_bytes, free_port, settled_counters
from .outcome import Outcome
from .scenario import SITE_STARTS_S, Finish, Parcel, ReplyParcel, Scenario, shifted
from .spec import HubSpec, ParcelSpec, SiteSpec, bundle_id_named, write_spec

KILLED_FOR_S: Final = 3.0
_HUB: Final = "simulations.bench.links.hub_end"
_SITE: Final = "simulations.bench.links.site_end"
_PAST_S_MAX: Final = 120.0


async def measure_ours(
    scenario: Scenario, way: str, seed: int, *, mode: ModeName, limit_s: float, folder: Path
) -> Outcome:
    """`EmulatorError` when the run could not take place."""
    profile = scenario.profile(seed)
    outages = shifted(profile.outages, SITE_STARTS_S)
    log = folder / "packets.csv"
    async with open_link(
        replace(profile, outages=outages), seed=seed, mode=mode, packet_log=log if outages else None
    ) as link:
        starts_at = time.monotonic() + SITE_STARTS_S
        run = _Run(scenario, way, link, folder)
        async with run.both_ends():
            await run.live_the_past()
            if outages:
                await _wait_until(starts_at)
            before = await asyncio.to_thread(link.counters)
            seconds = await run.measured(limit_s)
            is_settled = seconds is not None and scenario.awaited is None
            after = await (settled_counters(link) if is_settled else asyncio.to_thread(link.counters))
            await run.close_books()
    return Outcome(
        seconds=seconds,
        bound_s=scenario.bound_s(seed),
        up_bytes=(after - before).up.bytes_sent,
        down_bytes=(after - before).down.bytes_sent,
        twice_bytes=run.twice_bytes,
        darkness_bytes=darkness_bytes(log, outages, "up") if outages else None,
        is_settled=is_settled,
        is_estimated=link.mode is Mode.RELAY,
        reason="" if seconds is not None else f"not done in {limit_s:.0f} s",
    )


class _Run:
    """Both ends of one link, and what is read from what they tell."""

    def __init__(self, scenario: Scenario, way: str, link: EmulatedLink, folder: Path) -> None:
        self._scenario = scenario
        self._link = link
        self._ids = {bundle_id_named(parcel.name).hex() for parcel in scenario.measured}
        self._site_spec, self._hub_spec = write_ends(scenario, way, link, folder)
        self._hub: EndProcess | None = None
        self._sites: list[EndProcess] = []

    @asynccontextmanager
    async def both_ends(self) -> AsyncIterator[None]:
        async with end_process(_HUB, self._hub_spec, self._link.hub_command) as hub:
            self._hub = hub
            await hub.wait_for("listening")
            async with self._site():
                yield

    async def live_the_past(self) -> None:
        """Sessions that came before the one that is measured."""
        site = self._sites[-1]
        past = len(self._scenario.rounds) - 1
        for number in range(1, past + 1):
            await site.wait_for("ready", times=number)
            site.go()
            await site.wait_for("finished", times=number, timeout_s=_PAST_S_MAX)
        await site.wait_for("ready", times=past + 1)
        if past:
            await settled_counters(self._link)

    async def measured(self, limit_s: float) -> float | None:
        """Begin, wait for the finish; seconds, or None if it did not come in time."""
        try:
            async with asyncio.timeout(limit_s):
                self._sites[-1].go()
                if self._scenario.killed_after_s is None:
                    return await self._finish()
                return await self._finish_killed(self._scenario.killed_after_s)
        except TimeoutError:
            return None

    async def close_books(self) -> None:
        """End the hub: a session that is only kept for a caller who may come back is reported then."""
        await self._hub_end().finish()

    @property
    def twice_bytes(self) -> int | None:
        """Of all sessions; None while the hub has closed its books on none."""
        sessions = [line for line in self._told_hub() if line.event == "session"]
        return sum(int(line.facts["twice"]) for line in sessions) if sessions else None

    async def _finish(self) -> float:
        site = self._sites[-1]
        scenario = self._scenario
        if scenario.finish is Finish.STORED:
            wanted = {bundle_id_named(scenario.awaited.name).hex()} if scenario.awaited else self._ids
            await self._hub_end().wait(lambda told: wanted <= _bundles(told, "stored"))
            ended_at = max(line.at_s for line in self._told_hub() if line.facts.get("bundle") in wanted)
        elif scenario.finish is Finish.EXCHANGED:
            await site.wait(self._is_exchanged)
            ended_at = max(line.at_s for line in site.told if line.event in ("known", "answered"))
        if scenario.awaited is None:
            await site.wait(lambda told: _count(told, "finished") == len(scenario.rounds))
        if scenario.finish is Finish.PARTED:
            ended_at = site.told[-1].at_s
        return ended_at - self._began_at(site)

    def _is_exchanged(self, told: Sequence[Told]) -> bool:
        is_answered = self._scenario.reply is None or _count(told, "answered") > 0
        return is_answered and self._ids <= _bundles(told, "known")

    def _began_at(self, site: EndProcess) -> float:
        queued = [line.at_s for line in site.told if line.event == "queued"]
        return queued[-1] if queued else [line.at_s for line in site.told if line.event == "began"][-1]

    async def _finish_killed(self, after_s: float) -> float:
        """Kill the process and cut the link; start it again, and let it finish by what is on its disk."""
        first = self._sites[-1]
        await first.wait_for("began")
        await asyncio.sleep(after_s)
        await asyncio.to_thread(self._link.cut)
        first.process.kill()
        await first.process.wait()
        await asyncio.sleep(KILLED_FOR_S)
        await asyncio.to_thread(self._link.restore)
        async with self._site() as second:
            await second.wait_for("ready")
            second.go()
            await second.wait(lambda told: _count(told, "finished") == 1)
            return second.told[-1].at_s - self._began_at(first)

    @asynccontextmanager
    async def _site(self) -> AsyncIterator[EndProcess]:
        async with end_process(_SITE, self._site_spec, self._link.site_command) as site:
            self._sites.append(site)
            yield site

    def _hub_end(self) -> EndProcess:
        if self._hub is None:
            raise EmulatorError("The hub's end was not started.")
        return self._hub

    def _told_hub(self) -> list[Told]:
        return self._hub_end().told


def write_ends(scenario: Scenario, way: str, link: EmulatedLink, folder: Path) -> tuple[Path, Path]:
    """What both ends are told, as files; the site's, then the hub's."""
    site, hub = folder / "site", folder / "hub"
    for made in (site, hub):
        made.mkdir(parents=True)
    port = free_port(link)
    dial_host, dial_port = link.hub_address(port, "udp" if way == "udp" else "tcp")
    reply = scenario.reply
    site_spec = SiteSpec(
        folder=str(site),
        way=way,
        host=dial_host,
        port=dial_port,
        rate_bit_s=round(scenario.link.up.rate_bit_s) if scenario.told_link else None,
        rtt_s=scenario.link.rtt_ms / 1000 if scenario.told_link else None,
        rounds=tuple(tuple(_parcel(parcel, site) for parcel in parcels) for parcels in scenario.rounds),
        awaits_reply=reply is not None,
    )
    hub_spec = HubSpec(
        folder=str(hub),
        way=way,
        host=link.hub_listen_host,
        port=port,
        reply=None if reply is None else _reply(reply, hub),
        answers="" if reply is None else reply.answers or "",
    )
    written = folder / "site.json", folder / "hub.json"
    write_spec(site_spec, written[0])
    write_spec(hub_spec, written[1])
    return written


def _parcel(parcel: Parcel, folder: Path) -> ParcelSpec:
    file = folder / f"{parcel.name}.sealed"
    file.write_bytes(parcel.sealed)
    return ParcelSpec(
        name=parcel.name,
        file=str(file),
        priority=int(parcel.priority),
        rank=parcel.rank.value,
        after_s=parcel.after_s,
    )


def _reply(reply: ReplyParcel, folder: Path) -> ParcelSpec:
    return _parcel(Parcel(name="reply", sealed=reply.sealed), folder)


async def _wait_until(starts_at: float) -> None:
    wait_s = starts_at - time.monotonic()
    if wait_s < 0:
        raise EmulatorError("The machine was too busy to begin before the link's first darkness.")
    await asyncio.sleep(wait_s)


def _bundles(told: Sequence[Told], event: str) -> set[str]:
    return {str(line.facts["bundle"]) for line in told if line.event == event}


def _count(told: Sequence[Told], event: str) -> int:
    return sum(line.event == event for line in told)
