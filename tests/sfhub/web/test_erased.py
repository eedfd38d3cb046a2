"""The console says of an erased case that it was, by whom and why, and nothing else."""

from __future__ import annotations

import aiohttp

from sfhub.app import Hub
from sfhub.storage.people import Clinician
from tests.sfhub.site import Site


async def test_the_console_says_who_erased_a_case(
    browser: aiohttp.ClientSession, served: Hub, site: Site, doctor: Clinician
) -> None:
    story = site.story()
    await site.deliver_story(served, story)
    await served.erasing.erase(story.case_id, doctor, reason="<b>mistake</b>")
    async with browser.get("/") as response:
        queue = await response.text()
    assert "by Specialist on duty: &lt;b&gt;mistake&lt;/b&gt;" in queue
    assert "chest pain" not in queue
    for path in ("", f"/media/{story.standard.blob.hex()}"):
        async with browser.get(f"/case/{story.case_id.hex()}{path}") as response:
            assert response.status == 410
            assert "Nothing of it can be read here any more" in await response.text()
