"""What a session costs in IP bytes, counted between network namespaces."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from simulations.emulator import namespace_obstacle, open_link
from simulations.links import DirectionProfile, LinkProfile

OBSTACLE = namespace_obstacle()
FAR_ENDS = str(Path(__file__).with_name("http_far_ends.py"))
PORT = 9000

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(OBSTACLE is not None, reason=f"The price in IP bytes was not measured: {OBSTACLE}."),
]


def line(rate_bit_s: float, rtt_s: float) -> LinkProfile:
    way = DirectionProfile(rate_bit_s=rate_bit_s, delay_ms=rtt_s * 500, loss=0.0, queue_bytes=65_536)
    return LinkProfile("test", "Test link", "Made for tests.", way, way, 1_500)


async def overhead(rate_bit_s: int, rtt_s: float, up_bytes: int, down_bytes: int) -> int:
    """IP bytes both ways beyond the payload, from the first packet to the last."""
    async with open_link(line(rate_bit_s, rtt_s), mode="namespace") as link:
        hub = await asyncio.create_subprocess_exec(
            *link.hub_command(
                [sys.executable, FAR_ENDS, "hub", link.hub_listen_host, str(PORT), str(down_bytes)]
            ),
            stdout=asyncio.subprocess.PIPE,
        )
        assert hub.stdout is not None
        try:
            assert await hub.stdout.readline() == b"ready\n"
            url = link.hub_url(PORT)
            site = [sys.executable, FAR_ENDS, "site", url, str(rate_bit_s), str(rtt_s), str(up_bytes)]
            node = await asyncio.create_subprocess_exec(
                *link.site_command(site), stdout=asyncio.subprocess.PIPE
            )
            said, _ = await node.communicate()
            told = json.loads(said)
            assert (told["ending"], told["received"]) == ("done", down_bytes)
            # The hub ends when its session is over: what it still sends then is its farewell.
            await hub.wait()
            await asyncio.sleep(rtt_s)
        finally:
            if hub.returncode is None:
                hub.kill()
            await hub.wait()
        counters = link.counters()
    return counters.up.bytes_sent + counters.down.bytes_sent - up_bytes - down_bytes


@pytest.mark.parametrize(
    ("rate_bit_s", "rtt_s", "up_bytes", "down_bytes", "most_bytes"),
    [
        (2_400, 1.5, 0, 0, 1_200),
        (2_400, 1.5, 2_000, 200, 1_400),
        (64_000, 0.6, 0, 0, 900),
        (64_000, 0.6, 2_000, 200, 1_400),
    ],
)
async def test_a_session_costs_no_more_than_is_said(
    rate_bit_s: int, rtt_s: float, up_bytes: int, down_bytes: int, most_bytes: int
) -> None:
    assert await overhead(rate_bit_s, rtt_s, up_bytes, down_bytes) <= most_bytes
