"""The hub's opening keys: monthly, told to every site, each a file, destroyed only when they may be."""

from __future__ import annotations

import asyncio

import pytest

from protocol.actors import Actor, Role
from protocol.bundle import EntryBundle
from protocol.entry import read_entry
from protocol.ids import CaseId, PatientId, key_id_of
from protocol.keyring import DAY_S, ROTATE_AFTER_S
from protocol.prekeys import EpochKey, machine_of
from protocol.sealing import Prekey
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.domain.case_file import site_case_id
from sfhub.errors import KeyNeeded, NotFound
from sfhub.keystore import load_keys
from sfhub.storage.keys import keys_of, recipient_of
from sfhub.storage.quarantine import all_put_aside
from tests.sfhub.site import Site, TestClock, drain, read_from_hub


def names(hub: Hub) -> list[str]:
    return sorted(path.name for path in hub.folder.keys.glob("opening-*"))


async def test_nothing_happens_before_a_month(hub: Hub, site: Site, clock: TestClock) -> None:
    await hub.prekeys.keep_current()
    clock.now_s += ROTATE_AFTER_S - 1
    await hub.prekeys.keep_current()
    assert set(hub.keys.epochs) == {0}
    clock.now_s += 1
    await hub.prekeys.keep_current()
    await hub.prekeys.keep_current()
    assert set(hub.keys.epochs) == {0, 1}


async def test_a_new_key_is_a_private_file_and_told_once_to_each_site(
    hub: Hub, site: Site, folder: HubFolder
) -> None:
    assert await hub.prekeys.rotate() == 1
    await hub.prekeys.keep_current()
    await hub.outbox.flush()
    assert names(hub) == ["opening-00000.key", "opening-00001.key"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.keys.iterdir())
    (entry,) = await read_from_hub(hub, site)
    assert entry.author == machine_of(hub.keys.signing_id)
    assert entry.case_id == site_case_id(site.mailbox)
    (stated,) = [record.body for record in entry.records if isinstance(record.body, EpochKey)]
    assert stated.epoch == 1
    assert Prekey(stated.public_key).short_id == hub.keys.newest_id
    assert set(load_keys(folder.keys).epochs) == {0, 1}


async def test_a_site_that_enrols_later_gets_the_last_resort_and_then_the_newest(
    hub: Hub, clock: TestClock
) -> None:
    await hub.prekeys.rotate()
    late = Site("MV BORA", seed=4)
    await late.enrol(hub)
    assert late.known_hub.opening == hub.keys.enrolment_public
    assert Prekey(late.known_hub.opening).short_id != hub.keys.newest_id
    await hub.prekeys.keep_current()
    await hub.outbox.flush()
    (entry,) = await read_from_hub(hub, late)
    assert [r.body.epoch for r in entry.records if isinstance(r.body, EpochKey)] == [1]


async def test_every_epoch_opens_until_it_is_destroyed(hub: Hub, site: Site) -> None:
    story = site.story()
    await hub.prekeys.rotate()
    await site.deliver(hub, site.introduction(), story.headline)
    assert len(await hub.worklist.queue()) == 1
    await hub.prekeys.destroy_epoch(0)
    assert names(hub) == ["opening-00001.key"]
    await site.put(hub, site.seal(EntryBundle((story.text,))))
    await drain(hub, site)
    custody = await hub.custody.pair(site.known_hub.pseudonym)
    (asked,) = await custody.unopened()
    assert asked.recipient_key == hub.keys.newest_id


async def test_a_second_seal_is_opened_and_leaves_the_list_of_what_is_aside(hub: Hub, site: Site) -> None:
    story = site.story()
    await hub.prekeys.rotate()
    await hub.prekeys.destroy_epoch(0)
    await site.deliver(hub, site.introduction(), story.text)
    assert await hub.worklist.queue() == ()
    assert len(await hub.database.read(lambda c: all_put_aside(c, 9))) == 2
    newest = hub.keys.epochs[1].public_key().public_bytes_raw()
    for content in (site.introduction(), story.text):
        await site.put(hub, site.seal(EntryBundle((content,)), recipient=newest))
    await drain(hub, site)
    (row,) = await hub.worklist.queue()
    assert not row.headline_only


async def test_the_newest_key_and_unknown_ones_are_not_destroyed(hub: Hub) -> None:
    with pytest.raises(KeyNeeded, match="Nothing was changed"):
        await hub.prekeys.destroy_epoch(0)
    with pytest.raises(NotFound, match="Nothing was changed"):
        await hub.prekeys.destroy_epoch(7)
    await hub.prekeys.rotate()
    assert await hub.prekeys.destroy_older(0) == ()
    assert set(hub.keys.epochs) == {0, 1}


async def test_a_number_is_never_given_twice(hub: Hub, folder: HubFolder, clock: TestClock) -> None:
    """Not even when the keys come from a backup older than the database."""
    await hub.prekeys.rotate()
    await hub.prekeys.rotate()
    await hub.prekeys.destroy_epoch(1)
    hub.keys.destroy(2)
    assert await hub.prekeys.rotate() == 3


async def test_keys_survive_a_restart_with_their_dates(folder: HubFolder, clock: TestClock) -> None:
    async with open_hub(folder, clock) as hub:
        await hub.prekeys.rotate()
        before = await hub.prekeys.epochs()
    clock.now_s += 5 * DAY_S
    async with open_hub(folder, clock) as hub:
        assert await hub.prekeys.epochs() == before


async def state_key(
    hub: Hub, site: Site, epoch: int, public_key: bytes, *, case_id: CaseId | None = None
) -> None:
    body = EpochKey(epoch=epoch, public_key=public_key, made_s=0)
    entry = site.entry(
        Actor(name=site.name, role=Role.STATION),
        body,
        case_id=case_id or site_case_id(site.mailbox),
        patient_id=PatientId(bytes(10)),
        author=machine_of(key_id_of(site.keys.signing)),
    )
    assert read_entry(entry).records
    await site.deliver(hub, entry)


async def test_the_newest_key_of_a_site_is_sealed_for_in_whatever_order_they_come(
    hub: Hub, site: Site
) -> None:
    pair = hub.sites.directory.pairs[0]
    for epoch in (3, 1, 2):
        await state_key(hub, site, epoch, bytes([epoch]) * 32)
    recipient = await hub.database.read(lambda connection: recipient_of(connection, pair))
    assert recipient.public_key == bytes([3]) * 32
    known = await hub.database.read(lambda connection: keys_of(connection, pair))
    assert {key.epoch for key in known} == {0, 1, 2, 3}


async def test_a_key_stated_in_a_patients_case_is_put_aside(hub: Hub, site: Site) -> None:
    await state_key(hub, site, 1, b"x" * 32, case_id=site.story().case_id)
    (aside,) = await hub.database.read(lambda connection: all_put_aside(connection, 9))
    assert aside.reason == "keys are stated in the site's own case and nowhere else"
    pair = hub.sites.directory.pairs[0]
    recipient = await hub.database.read(lambda connection: recipient_of(connection, pair))
    assert recipient.public_key == site.keys.opening


async def test_what_was_cut_off_while_it_was_sealed_is_sealed_the_next_time(hub: Hub, site: Site) -> None:
    await hub.prekeys.rotate()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await hub.outbox.flush()
    await hub.outbox.flush()
    (entry,) = await read_from_hub(hub, site)
    assert [r.body.epoch for r in entry.records if isinstance(r.body, EpochKey)] == [1]
