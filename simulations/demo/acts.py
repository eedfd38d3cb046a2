"""The order of the play, and the one POST that runs beside it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict

from . import answer, prologue, story, upload
from .comparison import post_case
from .play import Play
from .wholeness import check_whole


async def perform(play: Play) -> None:
    """All acts; whatever did not hold is in the timeline's problems at the end."""
    await prologue.enrol(play)
    await prologue.write_case(play)
    await prologue.send(play)
    async with asyncio.TaskGroup() as group:
        post = group.create_task(_post_beside(play))
        eyes = (
            group.create_task(play.following.run_node()),
            group.create_task(play.following.run_hub(play.case)),
        )
        await _consult(play)
        if not post.done():
            play.screen.say("All of ours is through; the HTTPS POST on its own link is still going.")
        with suppress(asyncio.CancelledError):
            await post
        for task in eyes:
            task.cancel()


async def _consult(play: Play) -> None:
    await upload.show_headline(play)
    async with asyncio.TaskGroup() as group:
        group.create_task(_disturb(play))
        await answer.answer(play)
        await answer.read_plan(play)
    await upload.finish(play)
    await answer.do_order(play)
    await answer.learn_of_allergy(play)
    await answer.cross_a_contingency(play)
    await check_whole(play)


async def _disturb(play: Play) -> None:
    await upload.kill_in_mid_photograph(play)
    await upload.cut_in_mid_photograph(play)


async def _post_beside(play: Play) -> None:
    """The same text, readings and standard pictures, the usual way, on a second link of the same kind."""
    rows = [asdict(row) for row in story.vitals_sets(int(play.sent_s))]
    text = {"complaint": story.COMPLAINT, "question": story.QUESTION, "note": story.NOTE, "vitals": rows}
    pictures = [layers.standard.data for layers in play.pictures]
    play.posted = await post_case(
        play.profile, play.folder / "post", text, pictures, seed=play.seed, mode=play.mode
    )
