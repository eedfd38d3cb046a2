"""Beside a flow of the kernel's own TCP with CUBIC, over a real queue, both get a fair share of the link."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from simulations.emulator import EmulatedLink, namespace_obstacle, open_link
from simulations.links import DirectionProfile, LinkProfile

OBSTACLE = namespace_obstacle()
FAR_ENDS = str(Path(__file__).with_name("udp_far_ends.py"))
UDP_PORT, TCP_PORT = 9000, 9001
SETTLES_S = 12.0
MEASURED_S = 14.0
SPANS_MAX = 3
"""Flows take turns in the queue over many seconds, and other work holds up now one, now the other: what one
span leaves open is judged over two or three of them together."""
SEGMENT_SHARE = 1_500 / 1_448
"""Of IP for each byte of TCP."""

pytestmark = [
    pytest.mark.peers,
    pytest.mark.timeout(90),
    pytest.mark.skipif(OBSTACLE is not None, reason=f"No kernel's TCP was met: {OBSTACLE}."),
]


@asynccontextmanager
async def running(argv: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        await process.wait()


def far_end(role: str, host: str, port: int, *figures: object) -> list[str]:
    return [sys.executable, FAR_ENDS, role, host, str(port), *map(str, figures)]


async def came_bytes(tcp_hub: asyncio.subprocess.Process) -> int:
    assert tcp_hub.stdin is not None
    assert tcp_hub.stdout is not None
    tcp_hub.stdin.write(b"\n")
    return int(await tcp_hub.stdout.readline())


async def carried(link: EmulatedLink, tcp_hub: asyncio.subprocess.Process) -> tuple[int, float]:
    """IP bytes that the link has delivered upwards so far, and those of them that were TCP's."""
    came = await came_bytes(tcp_hub)
    return link.counters().up.bytes_delivered, came * SEGMENT_SHARE


@pytest.mark.parametrize("first", ["udp", "tcp"])
async def test_a_kernels_cubic_and_we_share(first: str) -> None:
    rate_bit_s, rtt_s, queue_bytes = 2_000_000, 0.1, 50_000
    way = DirectionProfile(rate_bit_s=rate_bit_s, delay_ms=rtt_s * 500, loss=0.0, queue_bytes=queue_bytes)
    profile = LinkProfile("test", "Test link", "Made for tests.", way, way, 1_500)
    async with open_link(profile, mode="namespace") as link, AsyncExitStack() as ends:
        listens = link.hub_listen_host
        await ends.enter_async_context(running(link.hub_command(far_end("udp-hub", listens, UDP_PORT))))
        tcp_hub = await ends.enter_async_context(
            running(link.hub_command(far_end("tcp-hub", listens, TCP_PORT)))
        )
        flows = {
            "udp": far_end("udp-site", *link.hub_address(UDP_PORT, "udp"), rate_bit_s, rtt_s),
            "tcp": far_end("tcp-site", *link.hub_address(TCP_PORT)),
        }
        for name in sorted(flows, key=lambda name: name != first):
            await ends.enter_async_context(running(link.site_command(flows[name])))
            await asyncio.sleep(SETTLES_S / 2)
        all_before, tcp_before = await carried(link, tcp_hub)
        measured_s = 0.0
        for _ in range(SPANS_MAX):
            await asyncio.sleep(MEASURED_S)
            measured_s += MEASURED_S
            all_after, tcp_after = await carried(link, tcp_hub)
            both = all_after - all_before
            share = 1 - (tcp_after - tcp_before) / both
            if 0.25 <= share <= 0.75:
                break
    assert both * 8 / measured_s > 0.85 * rate_bit_s, "together they fill the link"
    assert 0.25 <= share <= 0.75
