"""What a day on a capped link costs, whatever holds its contacts open: in virtual time, to the next day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from protocol.header import Priority
from sfnode.config import LinkMode, LinkSettings
from sfnode.services.contact_words import ALLOWANCE_SPENT
from sfnode.spool.diary import Note
from sfnode.spool.spool import Spool
from simulations.virtual.loop import run_virtual
from sync.core.planner import Planner
from sync.ports import ChunkOutcome, IncomingChunk
from sync.stores.database import InlineThread
from sync.stores.errors import StoreFull
from sync.stores.sqlite import SqlitePairStore
from tests.sfnode.services.coast import Coast, open_coast

HUB = "http://hub.example"
HELD = LinkSettings(
    hub_url=HUB,
    name="dialup",
    usd_per_minute=1.0,
    cap_usd_per_day=8.0,
    rate_bit_s=22_000,
    rtt_s=0.9,
    mode=LinkMode.HOLD,
)
EMERGENCY, URGENT, ROUTINE, BULK = Priority
HOUR_S = 3_600.0


class SlowCard(InlineThread):
    """A card that takes its time to say that it has written."""

    async def commit(self) -> None:
        await super().commit()
        await asyncio.sleep(0.4)


async def spent_usd(coast: Coast) -> float:
    (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
    return link.spent.usd


def test_a_link_that_is_held_open_is_let_go_at_its_cap(tmp_path: Path) -> None:
    async def scenario() -> tuple[float, int, list[str]]:
        async with open_coast(tmp_path, [HELD]) as coast:
            await asyncio.sleep(0.5 * HOUR_S)
            return await spent_usd(coast), coast.lines["dialup"].dialled, await coast.outcomes()

    usd, dialled, outcomes = run_virtual(scenario())
    assert 5.0 < usd <= 6.5
    # The reserve pays for one look by now, for the answer to an emergency; they do not follow one another.
    assert dialled <= 2
    assert ALLOWANCE_SPENT in outcomes


def test_past_the_cap_an_emergency_goes_and_its_contact_is_not_kept_open(tmp_path: Path) -> None:
    async def scenario() -> tuple[float, float, float]:
        async with open_coast(tmp_path, [HELD]) as coast:
            await asyncio.sleep(0.5 * HOUR_S)
            before_usd = await spent_usd(coast)
            waited_s = await coast.until_at_hub(await coast.queue(EMERGENCY))
            await asyncio.sleep(0.4 * HOUR_S)
            return waited_s, before_usd, await spent_usd(coast)

    waited_s, before_usd, after_usd = run_virtual(scenario())
    assert waited_s < 10.0
    assert after_usd - before_usd < 1.0


def test_a_whole_day_costs_no_more_than_its_cap_and_the_next_one_begins(tmp_path: Path) -> None:
    async def scenario() -> tuple[float, float]:
        async with open_coast(tmp_path, [HELD]) as coast:
            await asyncio.sleep(15.9 * HOUR_S)  # The world begins at 08:00Z.
            first_usd = await spent_usd(coast)
            await asyncio.sleep(1.0 * HOUR_S)
            return first_usd, await spent_usd(coast)

    first_usd, second_usd = run_virtual(scenario())
    assert first_usd <= 8.0
    assert 5.0 < second_usd <= 8.0


def test_what_a_full_disk_refused_to_count_is_counted_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metered = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, rate_bit_s=22_000)
    note, counts = Spool.note, list[int]()

    async def full_once(spool: Spool, *notes: Note) -> None:
        counts.append(len(notes))
        if len(counts) == 2:
            raise StoreFull("no room")  # Planted.
        await note(spool, *notes)

    monkeypatch.setattr(Spool, "note", full_once)

    async def scenario() -> tuple[int, int]:
        async with open_coast(tmp_path, [metered]) as coast:
            await coast.queue(ROUTINE, 30_000)
            await asyncio.sleep(120.0)
            (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
            traffic = await coast.spool.diary.traffic()
            return link.spent.size_bytes, traffic.bytes_up + traffic.bytes_down

    spent_bytes, moved_bytes = run_virtual(scenario())
    assert spent_bytes == moved_bytes > 30_000


def test_an_emergency_that_finds_no_room_here_keeps_no_contact_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = SqlitePairStore.persist

    async def persist(store: SqlitePairStore, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        outcomes = await keep(store, chunks)
        return tuple(
            ChunkOutcome.NO_ROOM if chunk.offset > 8_000 else outcome
            for chunk, outcome in zip(chunks, outcomes, strict=True)
        )

    # Planted: the disk is full when half of it is here.
    monkeypatch.setattr(SqlitePairStore, "persist", persist)

    async def scenario() -> float:
        async with open_coast(tmp_path, [HELD]) as coast:
            await coast.until_reached("dialup")
            await coast.hub_queues(EMERGENCY, 20_000)
            await asyncio.sleep(1.0 * HOUR_S)
            return await spent_usd(coast)

    assert run_virtual(scenario()) <= 8.0


@pytest.mark.parametrize("floor", ["emergency", "bulk"])
def test_an_emergency_does_not_make_a_held_link_unlimited(tmp_path: Path, floor: str) -> None:
    link = LinkSettings(
        hub_url=HUB,
        name="dialup",
        usd_per_minute=1.0,
        cap_usd_per_day=8.0,
        rate_bit_s=2_400,
        rtt_s=1.5,
        floor=floor,
        mode=LinkMode.HOLD,
    )

    async def scenario() -> float:
        async with open_coast(tmp_path, [link]) as coast:
            # All together costs more than the cap, so that the emergency is dialled for alone.
            await coast.queue(EMERGENCY)
            await coast.queue(ROUTINE, 300_000)
            await asyncio.sleep(1.0 * HOUR_S)
            return await spent_usd(coast)

    assert 5.0 < run_virtual(scenario()) <= 8.0


@pytest.mark.parametrize("mode", [LinkMode.POLL, LinkMode.HOLD])
def test_a_hub_that_ignores_the_floor_spends_a_little_at_each_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: LinkMode
) -> None:
    # Planted: neither end keeps back what the other has said that the link does not carry.
    monkeypatch.setattr(Planner, "narrow", lambda self, floor: None)
    narrow = LinkSettings(
        hub_url=HUB,
        name="lband",
        usd_per_megabyte=8.0,
        cap_bytes_per_day=1_000_000,
        rate_bit_s=22_000,
        rtt_s=0.9,
        floor="emergency",
        mode=mode,
    )

    async def scenario() -> tuple[int, float, int, list[str]]:
        async with open_coast(tmp_path, [narrow]) as coast:
            await coast.hub_queues(BULK, 5_000_000)
            waited_s = await coast.until_at_hub(await coast.queue(EMERGENCY))
            await asyncio.sleep(1.0 * HOUR_S)
            (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
            return coast.lines["lband"].dialled, waited_s, link.spent.size_bytes, await coast.outcomes()

    dialled, waited_s, spent_bytes, outcomes = run_virtual(scenario())
    assert waited_s < 10.0
    assert dialled <= 6
    # What the hub poured out is on the bill, and the cap would count it.
    assert 4_000 < spent_bytes < dialled * 25_000
    assert any("nothing below emergency, as it was told" in outcome for outcome in outcomes)


def test_a_hub_that_breaks_rules_is_dialled_ever_more_seldom_for_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Planted: the hub has no room for what waits, and pours out what nobody wants.
    monkeypatch.setattr(Planner, "narrow", lambda self, floor: None)
    narrow = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, rtt_s=0.9, floor="urgent")

    async def scenario() -> int:
        async with open_coast(tmp_path, [narrow]) as coast:
            coast.hub.refuses = frozenset({URGENT})
            await coast.hub_queues(BULK, 1_000_000)
            await coast.queue(URGENT)
            await asyncio.sleep(1.0 * HOUR_S)
            return coast.lines["lband"].dialled

    assert 10 < run_virtual(scenario()) < 60


def test_a_contact_that_ends_while_it_is_being_counted_is_counted_once(tmp_path: Path) -> None:
    metered = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, rate_bit_s=22_000, poll_s=60.0)

    async def scenario() -> tuple[int, int]:
        async with open_coast(tmp_path, [metered], execution=SlowCard) as coast:
            for number in range(12):
                await coast.queue(ROUTINE, 3_000 + 700 * number)
                await asyncio.sleep(90.0)
            (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
            traffic = await coast.spool.diary.traffic()
            return link.spent.size_bytes, traffic.bytes_up + traffic.bytes_down

    spent_bytes, moved_bytes = run_virtual(scenario())
    assert spent_bytes == moved_bytes > 12 * 3_000


def test_what_a_hub_sends_beside_our_emergency_stops_at_the_cap_and_the_emergency_goes_on(
    tmp_path: Path,
) -> None:
    capped = LinkSettings(
        hub_url=HUB,
        name="lband",
        usd_per_megabyte=8.0,
        cap_bytes_per_day=200_000,
        rate_bit_s=22_000,
        rtt_s=0.9,
    )

    async def scenario() -> int:
        async with open_coast(tmp_path, [capped]) as coast:
            await coast.hub_queues(BULK, 5_000_000)
            emergency = await coast.queue(EMERGENCY, 130_000)
            await coast.until_at_hub(emergency)
            await asyncio.sleep(60.0)
            (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
            return link.spent.size_bytes

    # A quarter of the cap is kept for emergencies; this one takes a little more beside what came before it.
    assert 150_000 < run_virtual(scenario()) < 230_000
