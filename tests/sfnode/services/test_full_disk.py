"""A node whose disk has no room: what waits waits on, the medic reads why, and all goes on afterwards."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from protocol.header import Priority
from sfnode.config import LinkMode, LinkSettings
from sfnode.services.contact_words import NOTHING_LEFT
from sfnode.spool.diary import Diary
from simulations.faults.space import Space
from simulations.virtual.loop import run_virtual
from sync.stores.errors import StoreFull
from sync.stores.transactions import Reader, Writer
from tests.sfnode.services import full_disk_contact
from tests.sfnode.services.coast import PAIRING, Coast, open_coast
from tests.small_disk import CAN_MOUNT, run_on_small_disk

HUB = "http://hub.example"
EMERGENCY, URGENT, ROUTINE, BULK = Priority
METERED = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, rate_bit_s=22_000, rtt_s=0.9)
HELD = LinkSettings(hub_url=HUB, name="vsat", rate_bit_s=512_000, rtt_s=0.6, mode=LinkMode.HOLD)


@dataclass
class Disk:
    """Where the spool lies: it gives the store threads that may find no room."""

    space: Space = field(default_factory=Space)

    def __call__(self, worker: Writer | Reader) -> DiskThread:
        return DiskThread(worker, self.space)


class DiskThread:
    """In the caller's own step, as far as there is room."""

    def __init__(self, worker: Writer | Reader, space: Space) -> None:
        self._worker = worker
        self._space = space

    async def start(self) -> None:
        self._worker.commit()

    async def commit(self) -> None:
        if isinstance(self._worker, Writer):
            self._space.commit(self._worker)
        else:
            self._worker.commit()
        await asyncio.sleep(0)

    async def close(self) -> None:
        self._worker.close()


def test_with_no_room_a_contact_fails_with_the_disks_own_sentence_and_all_goes_on_afterwards(
    tmp_path: Path,
) -> None:
    disk = Disk()

    async def scenario() -> tuple[str, float]:
        async with open_coast(tmp_path, [METERED], execution=disk) as coast:
            await done(coast)
            urgent = await coast.queue(EMERGENCY)
            disk.space.is_full = True
            await asyncio.sleep(100.0)
            assert disk.space.refused
            assert not await coast.hub.received_after(0, 10)
            words = coast.contacts.state.words
            disk.space.is_full = False
            waited_s = await coast.until_at_hub(urgent)
            await done(coast)
            assert await coast.outcomes() == [NOTHING_LEFT] * 2
            return words, waited_s

    words, waited_s = run_virtual(scenario())
    assert "spool.db is full" in words
    assert waited_s < 300.0


def test_a_disk_that_fills_in_a_contact_ends_it_and_loses_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    disk = Disk()

    async def scenario() -> tuple[list[str], int, int]:
        async with open_coast(tmp_path, [METERED], execution=disk) as coast:
            await done(coast)
            photo = await coast.queue(BULK, 100_000)
            await asyncio.sleep(10.0)
            disk.space.is_full = True
            await asyncio.sleep(200.0)
            outcomes = await coast.outcomes()
            disk.space.is_full = False
            await coast.until_at_hub(photo)
            await done(coast)
            (held,) = await coast.hub.received_after(0, 10)
            assert held.sealed == bytes(100_000)
            (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
            traffic = await coast.spool.diary.traffic()
            return outcomes, link.spent.size_bytes, traffic.bytes_up + traffic.bytes_down

    outcomes, spent_bytes, moved_bytes = run_virtual(scenario())
    assert outcomes == [NOTHING_LEFT]
    assert spent_bytes == moved_bytes > 100_000


def test_a_full_disk_makes_no_cap_wider(tmp_path: Path) -> None:
    disk = Disk()
    capped = dataclasses.replace(METERED, cap_bytes_per_day=200_000, reserve_share=0.0)

    async def scenario() -> int:
        async with open_coast(tmp_path, [capped], execution=disk) as coast:
            await done(coast)
            await coast.hub_queues(ROUTINE, 150_000)
            for _ in range(20):
                disk.space.is_full = False
                await coast.queue(ROUTINE, 60_000)
                await asyncio.sleep(4.0)
                disk.space.is_full = True
                await asyncio.sleep(900.0)
            disk.space.is_full = False
            await asyncio.sleep(1_000.0)
            (link,) = await coast.contacts.ledger.links_now(coast.contacts.links)
            traffic = await coast.spool.diary.traffic()
            assert link.spent.size_bytes == traffic.bytes_up + traffic.bytes_down
            return link.spent.size_bytes

    assert run_virtual(scenario()) < 230_000


def test_an_emergency_goes_while_only_the_diary_finds_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(diary: Diary, **_: object) -> int:
        raise StoreFull("no room")  # Planted: what custody writes finds room in the log's old pages.

    async def scenario() -> float:
        async with open_coast(tmp_path, [METERED]) as coast:
            await done(coast)
            monkeypatch.setattr(Diary, "begin", refuse)
            waited_s = await coast.until_at_hub(await coast.queue(EMERGENCY))
            monkeypatch.undo()
            await asyncio.sleep(METERED.poll_s)
            assert len(await coast.outcomes()) >= 2
            return waited_s

    assert run_virtual(scenario()) < 10.0


def test_a_held_session_outlasts_a_disk_that_was_full_for_a_while(tmp_path: Path) -> None:
    disk = Disk()

    async def scenario() -> int:
        async with open_coast(tmp_path, [HELD], execution=disk) as coast:
            await coast.until_reached("vsat")
            await asyncio.sleep(5.0)
            disk.space.is_full = True
            await coast.hub_queues(ROUTINE, 1_000)
            await asyncio.sleep(120.0)
            disk.space.is_full = False
            await asyncio.sleep(900.0)
            custody = await coast.spool.custody(PAIRING)
            assert [len(each.sealed) for each in await custody.received_after(0, 10)] == [1_000]
            return coast.lines["vsat"].dialled

    assert run_virtual(scenario()) <= 8


async def done(coast: Coast) -> None:
    """Until the contact under way is over."""
    await coast.until_reached(coast.contacts.links[0].name)
    await asyncio.sleep(20.0)


@pytest.mark.peers
@pytest.mark.skipif(not CAN_MOUNT, reason="only root can mount a small disk")
def test_on_a_disk_that_is_really_full_contacts_end_and_go_on_when_there_is_room(tmp_path: Path) -> None:
    found = run_on_small_disk(full_disk_contact.__file__, tmp_path, size_mib=96)
    assert found.returncode == 0, found.stderr
    assert "went on" in found.stdout
