"""A hub whose records were restored without its custody: found out at opening, healed by the next contact."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from protocol.actors import Role
from protocol.bundle import EntryBundle
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ranges import RangeSet
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.errors import NotFound
from sfhub.services.replies import Draft
from sync.ports import Rank
from sync.stores.memory import MemoryStore
from tests.sfhub.services.test_replies import ANSWER
from tests.sfhub.site import Site, Story, TestClock, add_to, converse, drain, site_store


async def send_story(hub: Hub, site: Site, store: MemoryStore, clock: TestClock) -> Story:
    story = site.story()
    contents = (
        site.introduction(),
        story.headline,
        story.text,
        story.manifest,
        story.preview,
        story.standard,
    )
    for content in contents:
        bundle = EntryBundle((content,)) if isinstance(content, SignedEntry) else content
        await add_to(store, site.seal(bundle), Priority.URGENT, Rank.TEXT)
    await converse(hub, site, store, clock)
    await drain(hub, site)
    return story


def copy_records(folder: HubFolder, to: Path) -> None:
    shutil.copy(folder.database, to)


def restore_records(folder: HubFolder, copy: Path) -> None:
    shutil.copy(copy, folder.database)


async def is_shown(hub: Hub, story: Story) -> bool:
    try:
        view = await hub.worklist.case(story.case_id)
    except NotFound:
        return False
    return view is not None


async def custody_lacks(hub: Hub, site: Site) -> tuple[RangeSet, ...]:
    view = await (await hub.custody.pair(site.known_hub.pseudonym)).open_session()
    return tuple(stream.held for stream in view.received)


async def test_what_came_since_the_copy_is_sent_again(
    folder: HubFolder, clock: TestClock, tmp_path: Path
) -> None:
    site, store, copy = Site("MV ARGO", seed=1), site_store(), tmp_path / "copy.db"
    async with open_hub(folder, clock) as hub:
        await site.enrol(hub)
        before = await send_story(hub, site, store, clock)
    await asyncio.to_thread(copy_records, folder, copy)
    async with open_hub(folder, clock) as hub:
        since = await send_story(hub, site, store, clock)
        whole = await hub.worklist.case(since.case_id)
        held = await custody_lacks(hub, site)
    await asyncio.to_thread(restore_records, folder, copy)
    async with open_hub(folder, clock) as hub:
        assert await is_shown(hub, before)
        assert not await is_shown(hub, since)
        assert [len(numbers) for numbers in await custody_lacks(hub, site)] == [len(held[0]) - 6]
        (told,) = [sentence for sentence in await hub.contacts.told_once() if "restored" in sentence]
        assert "without its custody" in told
        await converse(hub, site, store, clock)
        await drain(hub, site)
        assert await hub.worklist.case(since.case_id) == whole
    async with open_hub(folder, clock) as hub:
        assert await custody_lacks(hub, site) == held, "found out once"


async def test_what_the_hub_wrote_since_the_copy_is_asked_back(
    folder: HubFolder, clock: TestClock, tmp_path: Path
) -> None:
    site, store, copy = Site("MV ARGO", seed=1), site_store(), tmp_path / "copy.db"
    async with open_hub(folder, clock) as hub:
        await site.enrol(hub)
        story = await send_story(hub, site, store, clock)
        doctor = await hub.people.add("Specialist on duty", Role.SPECIALIST)
        await hub.outbox.flush()
    await asyncio.to_thread(copy_records, folder, copy)
    async with open_hub(folder, clock) as hub:
        await hub.replies.send(
            story.case_id, doctor, Draft(values=ANSWER | {"orders": [], "contingencies": []})
        )
        await hub.outbox.flush()
        await converse(hub, site, store, clock)
        view = await (await hub.custody.pair(site.known_hub.pseudonym)).open_session()
        assert view.foreign == ()
    await asyncio.to_thread(restore_records, folder, copy)
    async with open_hub(folder, clock) as hub:
        view = await (await hub.custody.pair(site.known_hub.pseudonym)).open_session()
        (lost,) = view.foreign
        assert lost.incarnation == view.incarnation
        assert set(lost.sequences) <= set(view.stored)
        await converse(hub, site, store, clock)
        asked = await store.to_return(99)
        assert {each.sequence for each in asked} == set(lost.sequences)
        assert (await (await hub.custody.pair(site.known_hub.pseudonym)).open_session()).foreign == ()


async def test_a_hub_that_ends_and_begins_in_good_order_fetches_nothing(
    folder: HubFolder, clock: TestClock
) -> None:
    site, store = Site("MV ARGO", seed=1), site_store()
    async with open_hub(folder, clock) as hub:
        await site.enrol(hub)
        await send_story(hub, site, store, clock)
        held = await custody_lacks(hub, site)
    for _ in range(2):
        async with open_hub(folder, clock) as hub:
            assert await custody_lacks(hub, site) == held
            assert await hub.contacts.told_once() == ()
