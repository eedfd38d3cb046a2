"""A link that goes dark under a session over HTTP: its light is used again within a round trip or two."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from simulations.emulator import EmulatedLink, namespace_obstacle, open_link
from simulations.links import DirectionProfile, LinkProfile

OBSTACLE = namespace_obstacle()
FAR_ENDS = str(Path(__file__).with_name("http_far_ends.py"))
PORT = 9000
RATE_BIT_S, RTT_S = 128_000, 0.6
UP_BYTES = 100_000
DARK_AFTER_BYTES = 30_000
DARK_S = 20.0
WASTED_S = 6.0
"""Two handshakes, headers, what the darkness swallowed, and a second until the light is seen. A kernel
that is left alone wastes twice as much."""

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(OBSTACLE is not None, reason=f"No link was darkened: {OBSTACLE}."),
]


def line() -> LinkProfile:
    way = DirectionProfile(rate_bit_s=RATE_BIT_S, delay_ms=RTT_S * 500, loss=0.0, queue_bytes=65_536)
    return LinkProfile("test", "Test link", "Made for tests.", way, way, 1_500)


async def darken(link: EmulatedLink) -> None:
    sent_bytes = 0
    while sent_bytes < DARK_AFTER_BYTES:
        await asyncio.sleep(0.05)
        sent_bytes = link.counters().up.bytes_sent
    link.cut()
    await asyncio.sleep(DARK_S)
    link.restore()


async def test_the_session_goes_on_as_soon_as_the_light_is_back() -> None:
    async with open_link(line(), mode="namespace") as link:
        hub_end = [sys.executable, FAR_ENDS, "hub", link.hub_listen_host, str(PORT), "0"]
        site_end = [sys.executable, FAR_ENDS, "site", link.hub_url(PORT), str(RATE_BIT_S), str(RTT_S)]
        hub = await asyncio.create_subprocess_exec(*link.hub_command(hub_end), stdout=asyncio.subprocess.PIPE)
        assert hub.stdout is not None
        try:
            assert await hub.stdout.readline() == b"ready\n"
            site = await asyncio.create_subprocess_exec(
                *link.site_command([*site_end, str(UP_BYTES)]), stdout=asyncio.subprocess.PIPE
            )
            darkening = asyncio.get_running_loop().create_task(darken(link))
            said, _ = await site.communicate()
            await darkening
        finally:
            if hub.returncode is None:
                hub.kill()
            await hub.wait()
        sent_bytes = link.counters().up.bytes_sent
    told = json.loads(said)
    assert told["ending"] == "done"
    assert told["seconds"] < DARK_S + UP_BYTES * 8 / RATE_BIT_S + WASTED_S
    assert sent_bytes < 1.5 * UP_BYTES
