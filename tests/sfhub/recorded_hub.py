"""A hub that takes in case after case and says line by line what it answered for, until somebody ends it.

Run with the folder of a hub that was set up. "stored" is said of a bundle, as a receipt would; "shown" of a
case whose entries and pictures a clinician may have seen.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from protocol.bundle import BundleContent, EntryBundle, blob_hash
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from tests.sfhub.site import Site, Story, TestClock, drain
from tests.sync.stores.custodian import say

STORIES = 12


async def take_in(hub: Hub, site: Site, story: Story) -> None:
    contents: list[BundleContent] = [EntryBundle((entry,)) for entry in (story.text, story.manifest)]
    contents += [story.preview, story.standard]
    for content in contents:
        sealed = site.seal(content)
        await site.put(hub, sealed)
        say("stored", sealed.bundle_id.hex())
    await drain(hub, site)
    await hub.worklist.case(story.case_id)
    blobs = [blob_hash(layer.data).hex() for layer in (story.preview, story.standard)]
    say("shown", story.case_id.hex(), story.text.entry_id.hex(), *blobs)


async def main(folder: Path) -> None:
    say("opening")
    async with open_hub(HubFolder(folder), TestClock()) as hub:
        site = Site("MV ARGO", seed=1)
        await site.enrol(hub)
        await site.deliver(hub, site.introduction())
        say("opened", site.known_hub.pseudonym.hex())
        for _ in range(STORIES):
            await take_in(hub, site, site.story())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
