"""The emulated link of one run: its ports, the TCP that peers get over it, its bytes once nothing moves."""

from __future__ import annotations

import asyncio
import csv
import socket
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from simulations.emulator import EmulatedLink, LinkCounters, Mode
from simulations.emulator.namespaces import HUB_ADDRESS, INTERFACE, SITE_ADDRESS
from simulations.links import DirectionCounters, Fate, Outage

ORDINARY_CONGESTION_CONTROL: Final = "cubic"
"""What almost every machine has, so what a peer gets; our own link asks for another one by itself."""
_PORT: Final = 8470
_POLL_S: Final = 0.1
_QUIET_S_MIN: Final = 1.0
_SETTLE_S_MAX: Final = 30.0


async def use_ordinary_tcp(link: EmulatedLink) -> bool:
    """Give TCP at both ends `ORDINARY_CONGESTION_CONTROL`; False where the kernel keeps its own.

    By the route, which any namespace may set for itself: its own default may be only what the machine allows
    to everybody. A route also overrules what a program asked for before it connected; peers ask for nothing.
    """
    if link.mode is not Mode.NAMESPACE:
        return False
    ends = (
        (link.site_command, HUB_ADDRESS, SITE_ADDRESS),
        (link.hub_command, SITE_ADDRESS, HUB_ADDRESS),
    )
    for at, there, here in ends:
        route = ["ip", "route", "change", there, "dev", INTERFACE, "proto", "kernel", "scope", "link"]
        process = await asyncio.create_subprocess_exec(
            *at([*route, "src", here, "congctl", ORDINARY_CONGESTION_CONTROL]),
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() != 0:
            return False
    return True


def free_port(link: EmulatedLink) -> int:
    """A port that nobody has at the hub's end."""
    return _PORT if link.mode is Mode.NAMESPACE else free_local_port()


def free_local_port() -> int:
    """A port of this machine that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def settled_counters(link: EmulatedLink) -> LinkCounters:
    """Once nothing is under way and nothing more was sent for two round trips."""
    loop = asyncio.get_running_loop()
    quiet_s = max(_QUIET_S_MIN, 2 * link.profile.rtt_ms / 1000)
    counted = await asyncio.to_thread(link.counters)
    quiet_since = began = loop.time()
    while loop.time() - quiet_since < quiet_s and loop.time() - began < _SETTLE_S_MAX:
        await asyncio.sleep(_POLL_S)
        now = await asyncio.to_thread(link.counters)
        if now != counted or _under_way(now.up) or _under_way(now.down):
            counted, quiet_since = now, loop.time()
    return counted


def darkness_bytes(packet_log: Path, outages: Sequence[Outage], direction: str) -> int:
    """IP bytes of one direction that were swallowed by the outage that swallowed most.

    What was under way when the outage began was sent into it too.
    """
    swallowed: dict[int, int] = defaultdict(int)
    with packet_log.open(newline="", encoding="ascii") as log:
        for packet in csv.DictReader(log):
            if packet["fate"] == Fate.NO_SERVICE and packet["direction"] == direction:
                swallowed[_outage_after(float(packet["time_s"]), outages)] += int(packet["bytes"])
    return max(swallowed.values(), default=0)


def _outage_after(time_s: float, outages: Sequence[Outage]) -> int:
    return next((n for n, outage in enumerate(outages) if time_s < outage.end_s), len(outages))


def _under_way(direction: DirectionCounters) -> int:
    return direction.packets_sent - direction.packets_delivered - direction.packets_dropped
