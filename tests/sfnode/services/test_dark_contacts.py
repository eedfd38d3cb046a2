"""A contact that has gone dark: an emergency leaves it for another link, and nothing else does."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from protocol.header import Priority
from sfnode.config import LinkMode, LinkSettings
from sfnode.services.contact_words import FELL_SILENT, NO_GOODBYE
from simulations.virtual.loop import run_virtual
from sync.ports import LinkRefused
from tests.sfnode.services.coast import Coast, open_coast

HUB = "http://hub.example"
FREE = LinkSettings(hub_url=HUB, name="vsat", rate_bit_s=512_000, rtt_s=0.6, mode=LinkMode.HOLD)
DEAR = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, rate_bit_s=22_000, rtt_s=0.9)
EMERGENCY, URGENT, ROUTINE, BULK = Priority
HOUR_S = 3_600.0
PATIENCE_S = 30.0
"""Of a session whose peer owes it something: so long an emergency must not wait."""


async def held_open(coast: Coast) -> None:
    """The free link carries a session that has nothing left to do."""
    await coast.until_reached("vsat")
    await asyncio.sleep(20.0)
    assert (coast.lines["vsat"].dialled, coast.lines["lband"].dialled) == (1, 0)


@pytest.mark.parametrize("photo_bytes", [0, 2_000_000])
def test_an_emergency_leaves_a_contact_that_has_gone_dark(tmp_path: Path, photo_bytes: int) -> None:
    async def scenario() -> float:
        async with open_coast(tmp_path, [FREE, DEAR]) as coast:
            await held_open(coast)
            if photo_bytes:
                await coast.queue(BULK, photo_bytes)
                await asyncio.sleep(5.0)
            coast.lines["vsat"].is_dark = True
            waited_s = await coast.until_at_hub(await coast.queue(EMERGENCY))
            assert FELL_SILENT in await coast.outcomes()
            # The hub's end of the dark contact was fenced by the newer one, and no session took its place.
            assert coast.lines["vsat"].reports == ["fenced"]
            return waited_s

    assert run_virtual(scenario()) < 12.0


def test_the_contact_that_was_given_up_counts_as_failed_and_is_not_taken_again_at_once(
    tmp_path: Path,
) -> None:
    async def scenario() -> tuple[int, bool]:
        async with open_coast(tmp_path, [FREE, DEAR]) as coast:
            await held_open(coast)
            coast.lines["vsat"].is_dark = True
            await coast.until_at_hub(await coast.queue(EMERGENCY))
            dialled = coast.lines["vsat"].dialled
            await coast.until_at_hub(await coast.queue(EMERGENCY))
            return coast.lines["vsat"].dialled - dialled, coast.contacts.ledger.down("vsat") is not None

    assert run_virtual(scenario()) == (0, True)


def test_nothing_less_than_an_emergency_is_paid_for_elsewhere_when_a_contact_goes_dark(
    tmp_path: Path,
) -> None:
    async def scenario() -> int:
        async with open_coast(tmp_path, [FREE, DEAR]) as coast:
            await held_open(coast)
            coast.lines["vsat"].is_dark = True
            await coast.queue(URGENT)
            await asyncio.sleep(PATIENCE_S - 2.0)
            return coast.lines["lband"].dialled

    assert run_virtual(scenario()) == 0


def test_a_contact_that_is_only_slow_keeps_its_emergency(tmp_path: Path) -> None:
    thin = LinkSettings(hub_url=HUB, name="thin", rate_bit_s=2_400, rtt_s=1.5, mode=LinkMode.HOLD)

    async def scenario() -> tuple[int, list[str]]:
        async with open_coast(tmp_path, [thin, DEAR]) as coast:
            coast.lines["lband"].down = LinkRefused("no signal")
            await coast.until_reached("thin")
            await coast.queue(BULK, 200_000)
            await asyncio.sleep(30.0)
            coast.lines["lband"].down = None
            waited = await coast.queue(EMERGENCY, 6_000)
            await coast.until_at_hub(waited)
            return coast.lines["lband"].dialled, await coast.outcomes()

    dialled, outcomes = run_virtual(scenario())
    assert dialled == 0
    assert FELL_SILENT not in outcomes


def test_an_emergency_that_the_hub_refuses_makes_no_contact_dark(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with open_coast(tmp_path, [FREE, DEAR]) as coast:
            await held_open(coast)
            coast.hub.refuses = frozenset({EMERGENCY})
            await coast.queue(EMERGENCY)
            await asyncio.sleep(300.0)
            return coast.lines["lband"].dialled

    assert run_virtual(scenario()) == 0


def test_a_sync_that_a_person_asked_for_leaves_a_dark_link_too(tmp_path: Path) -> None:
    manual = LinkSettings(hub_url=HUB, name="dialup", rate_bit_s=22_000, rtt_s=0.9, mode=LinkMode.MANUAL)
    other = LinkSettings(hub_url=HUB, name="phone", rate_bit_s=2_400, rtt_s=0.9, mode=LinkMode.MANUAL)

    async def scenario() -> tuple[bool, str, float]:
        async with open_coast(tmp_path, [manual, other]) as coast:
            await coast.queue(EMERGENCY, 2_000)
            await coast.queue(BULK, 100_000)
            began_s = coast.clock.monotonic_s()
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(coast.contacts.sync_once())
                await coast.until_reached("dialup")
                coast.lines["dialup"].is_dark = True
                urgent = await coast.queue(EMERGENCY)
                await coast.until_at_hub(urgent)
                waited_s = coast.clock.monotonic_s() - began_s
                coast.lines["phone"].is_dark = True
            report = asked.result()
            return report.failed, report.link, waited_s

    failed, link, waited_s = run_virtual(scenario())
    assert (failed, link) == (True, "dialup, phone")
    assert waited_s < PATIENCE_S - 5.0


def test_a_sync_comes_back_to_the_link_that_its_emergency_has_left_in_vain(tmp_path: Path) -> None:
    manual = LinkSettings(hub_url=HUB, name="dialup", rate_bit_s=22_000, rtt_s=0.9, mode=LinkMode.MANUAL)
    other = LinkSettings(hub_url=HUB, name="phone", rate_bit_s=2_400, rtt_s=0.9, mode=LinkMode.MANUAL)

    async def scenario() -> tuple[str, list[str]]:
        async with open_coast(tmp_path, [manual, other]) as coast:
            coast.lines["phone"].is_dark = True
            urgent = await coast.queue(EMERGENCY, 60_000)
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(coast.contacts.sync_once())
                await coast.until_reached("dialup")
                await asyncio.sleep(2.0)
                coast.lines["dialup"].is_dark = True
                await asyncio.sleep(15.0)
                coast.lines["dialup"].is_dark = False
                # Nobody but the person dials these links: a sync that gave up would leave it here.
                async with asyncio.timeout(HOUR_S):
                    await coast.until_at_hub(urgent)
            return asked.result().link, await coast.outcomes()

    link, outcomes = run_virtual(scenario())
    assert link == "dialup, phone"
    assert FELL_SILENT in outcomes


def test_a_link_that_a_person_has_named_is_not_left_for_one_that_fails(tmp_path: Path) -> None:
    named = LinkSettings(hub_url=HUB, name="phone", rate_bit_s=2_400, rtt_s=0.9, mode=LinkMode.MANUAL)

    async def scenario() -> list[str]:
        async with open_coast(tmp_path, [FREE, named]) as coast:
            coast.lines["vsat"].down = LinkRefused("no signal")
            await coast.queue(EMERGENCY, 60_000)
            await asyncio.sleep(5.0)
            async with asyncio.TaskGroup() as group:
                group.create_task(coast.contacts.sync_once("phone"))
                await coast.until_reached("phone")
                coast.lines["phone"].is_dark = True
            return await coast.outcomes()

    assert FELL_SILENT not in run_virtual(scenario())


def test_two_people_may_ask_at_once(tmp_path: Path) -> None:
    manual = LinkSettings(hub_url=HUB, name="dialup", rate_bit_s=22_000, rtt_s=0.9, mode=LinkMode.MANUAL)

    async def scenario() -> list[bool]:
        async with open_coast(tmp_path, [manual]) as coast:
            await coast.queue(ROUTINE, 20_000)
            async with asyncio.TaskGroup() as group:
                first = group.create_task(coast.contacts.sync_once())
                await asyncio.sleep(1.0)
                second = group.create_task(coast.contacts.sync_once())
            return [first.result().complete, second.result().complete]

    assert run_virtual(scenario()) == [True, True]


def test_a_better_link_waits_for_no_goodbye_in_the_dark(tmp_path: Path) -> None:
    dear = dataclasses.replace(DEAR, mode=LinkMode.HOLD)

    async def scenario() -> tuple[float, list[str]]:
        async with open_coast(tmp_path, [FREE, dear]) as coast:
            coast.lines["vsat"].down = LinkRefused("no signal")
            await coast.until_reached("lband")
            coast.lines["lband"].is_dark = True
            await asyncio.sleep(60.0)
            coast.lines["vsat"].down = None
            coast.contacts.link_appeared()
            while coast.lines["vsat"].dialled < 2:  # noqa: ASYNC110 - time is virtual.
                await asyncio.sleep(0.05)
            began_s = coast.clock.monotonic_s()
            await coast.until_reached("vsat")
            return coast.clock.monotonic_s() - began_s, await coast.outcomes()

    waited_s, outcomes = run_virtual(scenario())
    assert waited_s < 8.0
    assert NO_GOODBYE in outcomes


def test_a_better_link_lets_the_other_finish_what_it_is_saying(tmp_path: Path) -> None:
    dear = dataclasses.replace(DEAR, mode=LinkMode.HOLD, rate_bit_s=2_400)

    async def scenario() -> list[str]:
        async with open_coast(tmp_path, [FREE, dear]) as coast:
            coast.lines["vsat"].down = LinkRefused("no signal")
            await coast.until_reached("lband")
            await coast.queue(ROUTINE, 100_000)
            await asyncio.sleep(20.0)
            coast.lines["vsat"].down = None
            coast.contacts.link_appeared()
            await coast.until_reached("vsat")
            return await coast.outcomes()

    assert NO_GOODBYE not in run_virtual(scenario())


def test_a_contact_that_is_heard_once_more_and_goes_dark_again_keeps_no_emergency(tmp_path: Path) -> None:
    async def scenario() -> float:
        async with open_coast(tmp_path, [FREE, DEAR]) as coast:
            coast.lines["lband"].dial_s = 6.0
            coast.lines["vsat"].is_delayed = True
            await held_open(coast)
            await coast.queue(BULK, 2_000_000)
            await asyncio.sleep(5.0)
            coast.lines["vsat"].is_dark = True
            await coast.queue(EMERGENCY, 300_000)
            while not coast.lines["lband"].dialled:  # noqa: ASYNC110 - time is virtual.
                await asyncio.sleep(0.05)
            # It says a word while the other one is dialled, and no more.
            coast.lines["vsat"].is_dark = False
            await asyncio.sleep(1.0)
            coast.lines["vsat"].is_dark = True
            began_s = coast.clock.monotonic_s()
            async with asyncio.timeout(HOUR_S):
                await coast.until_reached("lband")
            return coast.clock.monotonic_s() - began_s

    assert run_virtual(scenario()) < 20.0
