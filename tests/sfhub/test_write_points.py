"""A hub killed at any commit of either database: what custody answered for becomes part of its case, once."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from protocol.bundle import EntryBundle, blob_hash
from protocol.entry import SignedEntry
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sync.envelope import SealedContent
from sync.stores.database import Execution
from tests.sfhub.site import Site, Story, TestClock, drain
from tests.sync.stores.write_points import CommitPoints, Images


def bundles_of(site: Site, story: Story) -> list[SealedContent]:
    contents = (
        site.introduction(),
        story.headline,
        story.text,
        story.manifest,
        story.preview,
        story.standard,
    )
    return [
        site.seal(EntryBundle((content,)) if isinstance(content, SignedEntry) else content)
        for content in contents
    ]


async def entry_count(hub: Hub) -> int:
    ((rows,),) = await hub.database.read(
        lambda connection: connection.execute("SELECT count(*) FROM entries").fetchall()
    )
    return int(rows)


async def shown(hub: Hub, story: Story) -> tuple[object, ...]:
    """All of the case, with its pictures as they are on the disk."""
    pictures = [
        await hub.worklist.read_blob(story.case_id, blob_hash(layer.data))
        for layer in (story.preview, story.standard)
    ]
    return await hub.worklist.case(story.case_id), pictures, await entry_count(hub)


async def test_a_hub_killed_at_any_commit_has_every_case_once(
    folder: HubFolder, clock: TestClock, tmp_path: Path
) -> None:
    site = Site("MV ARGO", seed=1)
    answered: list[SealedContent] = []
    images = Images(folder.root, tmp_path)
    points = CommitPoints()
    async with open_hub(folder, clock, execution=points) as hub:
        await site.enrol(hub)
        story = site.story()
        bundles = bundles_of(site, story)
        points.at_each = lambda: images.take(len(answered))
        for bundle in bundles:
            await site.put(hub, bundle)
            answered.append(bundle)
            await drain(hub, site)
        points.at_each = lambda: None
        whole = await shown(hub, story)
    assert len(images.taken) > 4 * len(bundles)
    for count, image in images.taken:
        async with open_hub(HubFolder(image), clock, execution=Execution.INLINE) as hub:
            await hub.database.verify()
            await drain(hub, site)
            assert await entry_count(hub) >= sum(number < 4 for number in range(count))
            # What was not answered for comes again, and so may what was.
            for bundle in bundles[max(0, count - 1) :]:
                await site.put(hub, bundle)
            await drain(hub, site)
            assert await shown(hub, story) == whole, image.name
        await asyncio.to_thread(shutil.rmtree, image)
