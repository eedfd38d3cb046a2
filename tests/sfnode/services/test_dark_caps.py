"""What a link billed by the minute costs when it goes dark at the wrong moment: never more than its cap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.header import Priority
from sfnode.config import LinkSettings
from sfnode.services.contact_words import ALLOWANCE_SPENT
from simulations.virtual.loop import run_virtual
from simulations.virtual.network import Network
from tests.sfnode.services.coast import Coast, open_coast
from tests.sfnode.services.test_dark_datagrams import UDP, coast_by_wire

STEP_USD = 0.48
CAP_USD = 3 * STEP_USD + 0.01
DIALUP = LinkSettings(
    hub_url="http://hub.example",
    name="iridium-dialup",
    usd_per_minute=1.44,
    increment_s=20.0,
    cap_usd_per_day=CAP_USD,
    reserve_share=0.0,
    rate_bit_s=2_400,
    rtt_s=1.8,
)
DATAGRAMS = LinkSettings(
    hub_url="http://hub",
    udp=UDP,
    name="iridium-dialup",
    usd_per_minute=1.44,
    increment_s=20.0,
    cap_usd_per_day=CAP_USD,
    reserve_share=0.0,
    rate_bit_s=2_400,
    rtt_s=1.8,
)
ROUTINE = Priority.ROUTINE
HALF_HOUR_S = 1_800.0
MOMENTS_S = [0.0, 5.0, 38.0, 50.0, 56.0, 57.0, 58.0, 59.0, None]
"""When it goes dark: before the dial, and around the end of what is paid for; never."""


async def spent_after(coast: Coast, dark_after_s: float | None, darken: Callable[[], None]) -> float:
    """Half an hour with more to carry than a day may cost."""
    if dark_after_s == 0.0:
        darken()
    await coast.queue(ROUTINE, 200_000)
    if dark_after_s:
        await asyncio.sleep(dark_after_s)
        darken()
    await asyncio.sleep(HALF_HOUR_S)
    (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
    assert ALLOWANCE_SPENT in await coast.outcomes()

    return link.spent.usd


@pytest.mark.parametrize("dark_after_s", MOMENTS_S)
def test_a_stream_that_goes_dark_at_any_moment_keeps_the_cap(
    tmp_path: Path, dark_after_s: float | None
) -> None:
    async def scenario() -> float:
        async with open_coast(tmp_path, [DIALUP]) as coast:
            (line,) = coast.lines.values()

            def darken() -> None:
                line.is_dark = True

            return await spent_after(coast, dark_after_s, darken)

    assert 2 * STEP_USD < run_virtual(scenario()) <= CAP_USD


@pytest.mark.parametrize("dark_after_s", MOMENTS_S)
def test_datagrams_that_go_dark_at_any_moment_keep_the_cap(
    tmp_path: Path, dark_after_s: float | None
) -> None:
    network = Network()

    async def scenario() -> float:
        async with coast_by_wire(tmp_path, network, [DATAGRAMS]) as (coast, wires):
            (wire,) = wires.values()
            return await spent_after(coast, dark_after_s, wire.cut)

    assert 2 * STEP_USD < run_virtual(scenario(), network=network) <= CAP_USD
