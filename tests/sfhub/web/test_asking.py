"""The console asks coded questions and shows what was answered, and what of a note was corrected."""

from __future__ import annotations

import re

import aiohttp
import pytest

from protocol.ahead import micro_ahead_of
from protocol.bundle import EntryBundle
from protocol.clinical import Note
from protocol.entry import read_entry
from protocol.header import Priority
from protocol.ids import RecordId
from protocol.questions import Answer
from protocol.records import NewRecord, Reference, Relation
from protocol.sealing import Prekey
from sfhub.app import Hub
from tests.sfhub.site import SEALER, Site, Story, drain

AWAKE = "Is the patient fully awake and making sense?"


@pytest.fixture
async def story(served: Hub, site: Site) -> Story:
    story = site.story()
    await site.deliver_story(served, story)
    return story


async def page(browser: aiohttp.ClientSession, story: Story) -> str:
    async with browser.get(f"/case/{story.case_id.hex()}") as response:
        assert response.status == 200
        return await response.text()


async def ask(browser: aiohttp.ClientSession, story: Story, code: str) -> tuple[int, str]:
    token = re.search(r'name="form_token" value="([^"]*)"', await page(browser, story))
    assert token is not None
    form = {"form_token": token[1], "code": code}
    async with browser.post(f"/case/{story.case_id.hex()}/question", data=form) as response:
        return response.status, await response.text()


async def test_a_question_is_asked_from_the_page_and_its_answer_shown(
    browser: aiohttp.ClientSession, served: Hub, site: Site, story: Story
) -> None:
    status, sent = await ask(browser, story, "4")
    assert status == 200
    assert 'role="status"' in sent
    (asked,) = (await served.worklist.case(story.case_id)).questions
    assert (asked.text, asked.status) == (AWAKE, "open")
    assert f'<p class="waits"><b>{AWAKE}</b>' in await page(browser, story)
    refs = (Reference(Relation.ANSWERS, RecordId(bytes.fromhex(asked.question))),)
    await site.deliver(served, site.entry(Answer(code=4, options=(0,)), case_id=story.case_id, refs=refs))
    shown = await page(browser, story)
    assert f"<p><b>{AWAKE}</b>" in shown
    assert "no (Medic)" in shown
    assert "seen at the site, known here" in shown
    assert "on its way" not in shown


@pytest.mark.parametrize("code", ["", "60000", "four", "9" * 30])
async def test_what_the_catalogue_lacks_is_not_asked(
    browser: aiohttp.ClientSession, served: Hub, story: Story, code: str
) -> None:
    status, returned = await ask(browser, story, code)
    assert status == 422
    assert "Nothing was sent" in returned
    assert (await served.worklist.case(story.case_id)).questions == ()


async def test_a_question_needs_our_own_form(
    browser: aiohttp.ClientSession, served: Hub, story: Story
) -> None:
    path = f"/case/{story.case_id.hex()}/question"
    async with browser.post(path, data={"code": "4"}) as response:
        assert response.status == 403
    assert (await served.worklist.case(story.case_id)).questions == ()


async def test_a_note_says_what_of_it_is_provisional_and_what_was_corrected(
    browser: aiohttp.ClientSession, served: Hub, site: Site, story: Story
) -> None:
    base = site.entry(Note(language="en", text="98/60 right arm"), case_id=story.case_id)
    refs = (Reference(Relation.SUPERSEDES, read_entry(base).records[0].record_id),)
    edit = site.entry(NewRecord(Note(language="en", text="<b>92/58</b>"), refs), case_id=story.case_id)
    await site.deliver(served, base)
    micro = micro_ahead_of(edit, base)
    assert micro is not None
    sealed = site.envelope.seal(
        micro, priority=Priority.URGENT, recipient=Prekey(bytes(32)), sealer=SEALER, base=base
    )
    await site.put(served, sealed)
    await drain(served, site)
    shown = await page(browser, story)
    assert "98/60 right arm [PROVISIONAL correction, signed by nobody yet: &#34;&lt;b&gt;92/58" in shown
    await site.deliver(served, EntryBundle((edit,)))
    shown = await page(browser, story)
    assert "&lt;b&gt;92/58&lt;/b&gt; [CORRECTED, before it said: &#34;98/60 right arm&#34;]" in shown
    assert "PROVISIONAL" not in shown
