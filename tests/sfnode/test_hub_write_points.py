"""A node killed at any commit while it joins a hub, joins it anew, leaves it and joins it again: repeating
what was cut off finishes it, what is for the hub goes to it whole, and what came from it is read."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from protocol.ids import Mailbox, Pseudonym
from sfnode.services.cut_off import cut_off_sentences
from sync.stores.database import InlineThread
from tests.sfnode.services.post import Post, Sent, join, leaving_of, open_post, sent_case
from tests.sfnode.stand_in_hub import StandInHub
from tests.sync.stores.write_points import CommitPoints, Images

ADVICE = "Lie down."
Step = Callable[[Post], Coroutine[Any, Any, None]]


def _pair(hub: StandInHub, pseudonym: bytes) -> StandInHub:
    """The same hub under another pair."""
    return StandInHub(
        name=hub.name,
        pseudonym=Pseudonym(pseudonym),
        signing=hub.signing,
        opening=hub.opening,
    )


def _joining(hub: StandInHub, again: Mailbox | None) -> Step:
    return lambda post: join(post, hub, again=again)


async def _leave(post: Post) -> None:
    if (home := await post.spool.pairings.home()) is not None:
        await leaving_of(post).leave(home.hub, abandon=True)


async def _check(post: Post, case: Sent, present: StandInHub | None) -> None:
    assert cut_off_sentences(await post.vault.directory.all_hubs(), await post.spool.pairings.all()) == ()
    await post.inbox.recover()
    await post.outbox.seal_waiting()
    await post.inbox.open_waiting()
    advice = (await post.book.plan_view(case.case_id)).advice
    assert [each.endswith(ADVICE) for each in advice] == [True]
    waiting = await post.spool.transfers.unstored()
    if present is None:
        assert waiting == ()
        return
    dispatches = await post.book.dispatches()
    assert {each.pair for each in waiting} == {present.pseudonym}
    assert {each.bundle_id for each in dispatches} == {each.bundle_id for each in waiting}
    held = await (await post.spool.custody_of(present.pseudonym)).open_session()
    assert held.sequence_max == len(dispatches)


async def test_joining_and_leaving_that_are_killed_at_any_commit_are_finished_by_repeating_them(
    tmp_path: Path,
) -> None:
    home = tmp_path / "site"
    points, images = CommitPoints(), Images(home, tmp_path)
    first = StandInHub()
    anew, back = _pair(first, b"anew"), _pair(first, b"back")
    steps: list[tuple[Step, StandInHub | None]] = [
        (_joining(anew, first.address), anew),
        (_leave, None),
        (_joining(back, first.address), back),
    ]
    async with open_post(home, enrolled=False, execution=points) as post:
        await join(post, first)
        post.hub = first
        case = await sent_case(post)
        await post.arrive(first.seal_entry(case.advice(post, ADVICE)), 1)
        for number, (step, _) in enumerate(steps):
            points.at_each = lambda number=number: images.take(number)  # type: ignore[misc]  # a step's own number
            await step(post)
            points.at_each = lambda: None
            await post.outbox.seal_waiting()
    assert len(images.taken) > 8
    for number, image in images.taken:
        step, present = steps[number]
        async with open_post(image, hub=first, execution=InlineThread) as post:
            await post.inbox.recover()
            await step(post)
            await _check(post, case, present)
        await asyncio.to_thread(shutil.rmtree, image)
