"""Headlines and questions through a mailbox that loses, repeats and displaces: no session is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.actors import Role
from protocol.ids import CaseId
from sfhub.storage.outbox import unsealed
from sync.ports import Connection
from tests.integration.voyage import HUB, Voyage, open_voyage
from tests.sfnode.services.station import new_case
from tests.sync.links.mailbox_link import UNIT_BYTES_MAX, Post, mailbox_link

CASES = 4
FULLY_AWAKE = 4


async def headlines(voyage: Voyage) -> dict[CaseId, bytes]:
    """One message ahead of each case; the cases themselves wait for a session."""
    messages = {}
    for number in range(CASES):
        case_id = (await voyage.post.book.open_case(new_case(question=f"Question {number}?"))).case_id
        headline, *_ = await voyage.post.book.send_case(case_id, accept_missing=True)
        message = await voyage.post.outbox.message_ahead(headline)
        assert message is not None
        messages[case_id] = message
    return messages


async def delivered(receiver: Connection) -> list[bytes]:
    messages = []
    while message := await receiver.receive():
        messages.append(message)
    return messages


async def provisional_at_hub(voyage: Voyage) -> int:
    return sum(row.provisional for row in await voyage.hub.worklist.queue())


@pytest.mark.parametrize("seed", [4, 7])
async def test_each_case_is_told_once_by_whatever_comes_and_whole_by_the_session(
    tmp_path: Path, seed: int
) -> None:
    async with open_voyage(tmp_path) as voyage:
        post = Post(lost_share=0.4, copied_share=0.6, displaced_by_max=9, seed=seed)
        near, far = mailbox_link(post)
        messages = await headlines(voyage)
        for message in messages.values():
            assert len(message) <= UNIT_BYTES_MAX
            await near.send(message)
        await near.finish()
        came = await delivered(far)
        assert 0 < len(set(came)) < CASES, "a seed that tests nothing"
        assert len(came) > len(set(came))
        for message in came:
            await voyage.hub.ingest.receive_message(message)
        assert await provisional_at_hub(voyage) == len(set(came))
        await voyage.post.outbox.seal_waiting()
        await voyage.meet()
        for message in messages.values():  # Late copies.
            await voyage.hub.ingest.receive_message(message)
        assert await provisional_at_hub(voyage) == 0
        assert len(await voyage.hub.worklist.queue()) == CASES


async def test_a_question_comes_back_the_same_way(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await voyage.new_case("Divert?")
        await voyage.meet()
        specialist = await voyage.hub.people.add("Specialist on duty", Role.SPECIALIST)
        await voyage.hub.replies.ask(case_id, specialist, (FULLY_AWAKE,), within_min=30)
        row = (await voyage.hub.database.read(lambda connection: unsealed(connection, 9)))[-1]
        message = await voyage.hub.outbox.message_ahead(row)
        assert message is not None
        near, far = mailbox_link(Post(copied_share=1.0))
        await far.send(message)
        await far.finish()
        copies = await delivered(near)
        assert len(copies) > 1
        for copy in copies:
            await voyage.post.inbox.receive_message(copy, HUB)
        (asked,) = (await voyage.post.book.plan_view(case_id)).advice
        assert asked.startswith("PROVISIONAL QUESTION")
