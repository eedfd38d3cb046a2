"""The way up: headline first, then a SIGKILL and a cut, each in the middle of a photograph."""

from __future__ import annotations

import asyncio
from typing import Final

from sfnode.views import TransferView

from .play import STEP_TIMEOUT_S, Play

CUT_S: Final = 8.0
PAUSE_S: Final = 1.0
MIDDLE: Final = (0.3, 0.8)
"""A photograph is in its middle between these shares."""


async def show_headline(play: Play) -> None:
    """What the doctor can act on, and at which second."""
    second = await play.until_arrived("headline_s", "headline")
    play.screen.say(f"The doctor's console shows, since second {second:.1f}:")
    play.screen.block([str(play.following.hub.get("headline"))])
    second = await play.until_arrived("text_s", "text")
    play.screen.say(f"The whole text is readable at the hub since second {second:.1f}.")


async def kill_in_mid_photograph(play: Play) -> None:
    """The node's daemon dies without a word, as in a power cut, and is started again."""
    moving = await _photograph_in_its_middle(play)
    if moving is None:
        return
    screen, down_s = play.screen, play.screen.second()
    screen.say(f"SIGKILL: the node dies with {moving.done_bytes} B of «{moving.what}» durable at the hub.")
    await play.stage.kill_and_restart_node(PAUSE_S)
    play.timeline.dark_s += screen.second() - down_s
    screen.say("The node is started again and goes on by itself.")
    await _goes_on(play, moving)


async def cut_in_mid_photograph(play: Play) -> None:
    """The link goes dark with bytes in flight."""
    moving = await _photograph_in_its_middle(play)
    if moving is None:
        return
    play.screen.say(f"CUT: the link goes dark for {CUT_S:.0f} s in the middle of «{moving.what}».")
    down_s = play.screen.second()
    play.stage.link.cut()
    await asyncio.sleep(CUT_S)
    play.stage.link.restore()
    play.timeline.dark_s += play.screen.second() - down_s
    play.screen.say("The link is back.")
    await _goes_on(play, moving)


async def finish(play: Play) -> None:
    """Wait for the last standard photograph."""
    count = len(play.pictures)
    seconds = await play.until_all_arrived("standard_s", "standard photo", count)
    if len(seconds) == count:
        play.screen.say(f"All standard photographs are at the hub since second {seconds[-1]:.1f}.")


async def _goes_on(play: Play, moving: TransferView) -> None:
    """Wait until more of the item is durable at the hub than before."""
    following = play.following
    await following.until(
        lambda: following.done_bytes(moving.what) > moving.done_bytes,
        f"going on with {moving.what}",
        STEP_TIMEOUT_S,
    )


async def _photograph_in_its_middle(play: Play) -> TransferView | None:
    """The first standard photograph that is between the two shares."""

    def found() -> TransferView | None:
        low, high = MIDDLE
        moving = (t for t in play.following.transfers.values() if t.what.startswith("standard"))
        return next((t for t in moving if low < t.done_bytes / t.size_bytes < high), None)

    if await play.following.until(lambda: found() is not None, "a photograph half way", STEP_TIMEOUT_S):
        return found()
    play.timeline.require(False, "no photograph was seen half way")
    return None
