"""A hub that is killed with SIGKILL while it takes in cases: nothing is lost, nothing is there twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from protocol.bundle import EntryBundle
from protocol.header import Priority
from sfhub.app import init_hub, open_hub
from sfhub.config import HubFolder, HubIdentity
from sync.core import BundleSent, Ending, Event
from sync.local_socket import LocalClient, LocalSocketError
from sync.ports import Rank
from tests.sfhub.hub_process import result, serving
from tests.sfhub.site import Site, Story, add_to, dial, site_store

CASES = 24
KILLED_AT = (1, 4, 9, 15)
"""Killed as soon as so many cases are in the queue; the rest is on its way through ingest at that moment."""
STANDARD_BYTES = 400_000
"""So much that receipts come long before all of it has been sent, although they come in groups."""


@pytest.fixture
async def waiting(tmp_path: Path) -> tuple[HubFolder, list[Story]]:
    """A hub in whose custody whole bundles lie that no process has opened yet."""
    folder = HubFolder(tmp_path / "hub")
    init_hub(folder, HubIdentity("Example Health", "Main desk"))
    site = Site("MV ARGO")
    async with open_hub(folder) as hub:
        await site.enrol(hub)
        stories = [site.story(complaint=f"case {number}") for number in range(CASES)]
        await site.put(hub, site.seal(EntryBundle((site.introduction(),))))
        for story in stories:
            for entry in (story.headline, story.text, story.manifest):
                await site.put(hub, site.seal(EntryBundle((entry,))))
            for layer in (story.preview, story.standard):
                await site.put(hub, site.seal(layer))
    return folder, stories


async def wait_for_cases(folder: HubFolder, count: int) -> None:
    """Returns as soon as the running hub shows that many."""
    async with await LocalClient.connect(folder.socket) as client:
        while len(await client.call("queue")) < count:
            pass


async def test_a_killed_hub_goes_on_where_it_was(waiting: tuple[HubFolder, list[Story]]) -> None:
    folder, stories = waiting
    for count in KILLED_AT:
        with serving(folder.root) as (process, _):
            await wait_for_cases(folder, count)
            process.kill()
    with serving(folder.root):
        await wait_for_cases(folder, CASES)
        async with await LocalClient.connect(folder.socket) as client:
            while any(row["missing"] for row in await client.call("queue")):
                pass
    rows = result(folder.root, "queue")
    assert Counter(row["case"] for row in rows) == Counter(story.case_id.hex() for story in stories)
    async with open_hub(folder) as hub:
        # Killed between applying a bundle and letting it go, it is applied again: that must change nothing.
        await hub.ingest.drain(hub.sites.directory.pairs[0])
        ((entries, distinct),) = await hub.database.read(
            lambda c: c.execute("SELECT count(*), count(DISTINCT entry_id) FROM entries").fetchall()
        )
        assert entries == distinct == 1 + 3 * CASES
        for story in stories:
            assert await hub.worklist.read_blob(story.case_id, story.standard.blob) == story.standard.data


async def test_a_hub_killed_in_the_middle_of_a_session_gets_the_rest_in_the_next(tmp_path: Path) -> None:
    folder = HubFolder(tmp_path / "hub")
    init_hub(folder, HubIdentity("Example Health", "Main desk"))
    site, store = Site("MV ARGO"), site_store()
    async with open_hub(folder) as hub:
        await site.enrol(hub)
    stories = [site.story(complaint=f"case {number}", standard_bytes=STANDARD_BYTES) for number in range(8)]
    await add_to(store, site.seal(EntryBundle((site.introduction(),))), Priority.URGENT, Rank.TEXT)
    for story in stories:
        entries = EntryBundle((story.headline, story.text, story.manifest))
        await add_to(store, site.seal(entries), Priority.URGENT, Rank.TEXT)
        for layer, rank in ((story.preview, Rank.PREVIEW), (story.standard, Rank.STANDARD)):
            await add_to(store, site.seal(layer), Priority.URGENT, rank)
    with serving(folder.root) as (process, address):
        receipted: set[int] = set()

        def kill_at_the_first_receipt(event: Event) -> None:
            if isinstance(event, BundleSent):
                receipted.add(event.offer.sequence)
                process.kill()

        report = await dial(address, site, store, kill_at_the_first_receipt)
        assert report.ending is Ending.LINK_LOST
        assert 0 < len(receipted) < 1 + 3 * len(stories)
    with serving(folder.root) as (_, address):
        report = await dial(address, site, store)
        assert report.ending is Ending.DONE
        await wait_for_cases(folder, len(stories))
        async with await LocalClient.connect(folder.socket) as client:
            while any(row["missing"] for row in await client.call("queue")):
                pass
            assert await client.call("quarantine") == []
    # What the hub had receipted before it died was not sent again.
    assert report.counters.bundles_sent <= 1 + 3 * len(stories) - len(receipted)


async def test_calls_to_a_killed_hub_fail_with_a_sentence(waiting: tuple[HubFolder, list[Story]]) -> None:
    folder, _ = waiting
    with serving(folder.root) as (process, _):
        client = await LocalClient.connect(folder.socket)
        process.kill()
        process.wait()
        with pytest.raises(LocalSocketError):
            await client.call("queue")
        await client.close()
