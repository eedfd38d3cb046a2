"""A caller that goes away at any moment: what he asked for is done whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.services.replies import Draft
from sfhub.storage.codes import CodeState
from sfhub.storage.people import Clinician
from sync.stores.database import Execution
from tests.sfhub.site import Site, Story, TestClock

STEPS = 24
"""More steps of the event loop than any of these calls takes."""


@pytest.fixture
async def hub(folder: HubFolder, clock: TestClock) -> AsyncIterator[Hub]:
    """Transactions run in the step that asks for them, so that each cut is always at the same place."""
    async with open_hub(folder, clock, execution=Execution.INLINE) as hub:
        yield hub


@pytest.fixture
async def story(hub: Hub, site: Site) -> Story:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    return story


async def cut_off(call: Coroutine[Any, Any, object], steps: int) -> None:
    """Let `call` take so many steps, then cancel it, and wait until it has gone."""
    task = asyncio.get_running_loop().create_task(call)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def rows(hub: Hub, sql: str) -> int:
    ((count,),) = await hub.database.read(lambda connection: connection.execute(sql).fetchall())
    return int(count)


async def test_a_reply_is_saved_and_queued_or_neither(hub: Hub, story: Story, doctor: Clinician) -> None:
    for steps in range(STEPS):
        draft = Draft(values={"assessment": f"Answer {steps}."})
        await cut_off(hub.replies.send(story.case_id, doctor, draft), steps)
        view = await hub.worklist.case(story.case_id)
        assert len(view.replies) == await rows(hub, "SELECT count(*) FROM outbox WHERE what = 'reply'")
    assert 0 < len(view.replies) < STEPS
    await hub.outbox.flush()
    assert await rows(hub, "SELECT count(*) FROM outbox WHERE sealed_s = 0") == 0


async def test_sealing_goes_on_where_it_was_cut_off(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    for steps in range(STEPS):
        await hub.replies.advise(story.case_id, doctor, f"Advice {steps}.")
        await cut_off(hub.outbox.flush(), steps)
    await hub.outbox.flush()
    store = await hub.custody.pair(site.known_hub.pseudonym)
    assert len((await store.open_session()).pending) == STEPS


async def test_a_bundle_is_applied_once_wherever_it_was_cut_off(hub: Hub, site: Site) -> None:
    pair = hub.sites.directory.pairs[0]
    await site.deliver(hub, site.introduction())
    for steps in range(STEPS):
        story = site.story()
        for content in (story.standard, story.preview):
            await site.put(hub, site.seal(content))
        await cut_off(site.deliver(hub, story.headline, story.text, story.manifest), steps)
        await site.deliver(hub, story.headline, story.text, story.manifest)
        assert await hub.ingest.drain(pair) == 0
        assert (await hub.worklist.case(story.case_id)).row.missing == ()
    assert await rows(hub, "SELECT count(*) FROM entries") == 1 + 3 * STEPS
    assert await rows(hub, "SELECT count(*) FROM quarantine") == 0


async def test_a_code_is_used_with_a_pair_or_neither(hub: Hub) -> None:
    for steps in range(STEPS):
        await cut_off(Site(f"MV {steps}").enrol(hub), steps)
    await hub.sites.reload()
    used = [code for code in await hub.enrolment.codes() if code.state is CodeState.USED]
    assert 0 < len(used) == len(hub.sites.directory.pairs) < STEPS
