"""Who has sent an emergency waits for its answer: the site looks for it soon, and ever more seldom."""

from __future__ import annotations

import asyncio
from pathlib import Path

from protocol.header import Priority
from sfnode.config import LinkMode, LinkSettings
from simulations.virtual.loop import run_virtual
from tests.sfnode.services.coast import open_coast

HOUR_S = 3_600.0
HOURLY = LinkSettings(
    hub_url="http://hub.example",
    name="vsat",
    rate_bit_s=512_000,
    rtt_s=0.6,
    mode=LinkMode.POLL,
    poll_s=int(HOUR_S),
)


def looks_in(folder: Path, priority: Priority) -> tuple[int, int]:
    """In the half hour after a bundle of that class came to the hub, and in the fourth hour after it."""

    async def scenario() -> tuple[int, int]:
        async with open_coast(folder, [HOURLY]) as coast:
            line = coast.lines["vsat"]
            await coast.until_at_hub(await coast.queue(priority))
            before = line.dialled
            await asyncio.sleep(HOUR_S / 2)
            soon = line.dialled - before
            await asyncio.sleep(2.5 * HOUR_S)
            before = line.dialled
            await asyncio.sleep(HOUR_S)
            return soon, line.dialled - before

    return run_virtual(scenario())


def test_an_answer_to_an_emergency_is_looked_for(tmp_path: Path) -> None:
    soon, late = looks_in(tmp_path, Priority.EMERGENCY)
    assert 6 <= soon <= 9
    assert late <= 1


def test_for_any_other_answer_the_usual_look_is_soon_enough(tmp_path: Path) -> None:
    soon, late = looks_in(tmp_path, Priority.URGENT)
    assert soon == 0
    assert late <= 1
