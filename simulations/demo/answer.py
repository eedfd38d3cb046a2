"""The way down and back: the structured reply, an order given, a late allergy, a crossing without a link."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from . import story
from .play import STEP_TIMEOUT_S, Play

POLL_S: Final = 0.5
REPLY_TIMEOUT_S: Final = 180.0


async def answer(play: Play) -> None:
    """The doctor answers from text and previews; the standard photographs are still on their way up."""
    screen = play.screen
    screen.act("The doctor answers")
    seconds = await play.until_all_arrived("previews_s", "preview", len(play.pictures))
    if seconds:
        screen.say(f"Text and {len(seconds)} previews are at the hub since second {seconds[-1]:.1f}.")
    reply = json.dumps(story.REPLY)
    sent = await play.stage.sfhub("reply", play.case, "--by", story.DOCTOR, "--file", "-", stdin=reply)
    screen.say(f"The reply is {sent['size_bytes']} B sealed, and goes down while photographs go up.")


async def read_plan(play: Play) -> None:
    """The reply at the site, as the plan that the medic follows."""
    plan = await _plan_with_reply(play)
    play.timeline.reach("reply at the site", play.screen.second())
    play.screen.say("The reply is at the site. The current plan says:")
    play.screen.block(_plan_lines(plan))
    await play.stage.sfnode("plan", play.case, "--seen")


async def do_order(play: Play) -> None:
    """The loop closes: an order confirmed, given, and known at the hub."""
    play.screen.act("The loop closes")
    await play.stage.sfnode("order", "confirm", play.case, "1")
    await play.stage.sfnode("order", "done", play.case, "1", "--dose", story.GIVEN_DOSE)
    play.screen.say("The medic confirms order 1 and gives it.")
    second = await play.until_arrived("order_done_s", "order 1 done, known at the hub")
    play.screen.say(f"The hub knows that order 1 is done since second {second:.1f}.")


async def learn_of_allergy(play: Play) -> None:
    """Something the doctor could not know marks the reply."""
    await play.stage.sfnode("patient", "update", play.case, "--add-allergy", story.LATE_ALLERGY)
    plan = await play.stage.sfnode("plan", play.case)
    play.screen.say(f"The patient now says: allergic to {story.LATE_ALLERGY}. The plan says:")
    play.screen.block([f"WRITTEN BEFORE  {what}" for what in plan["written_before"]])
    marked = any("morphine" in what for what in plan["written_before"])
    play.timeline.require(marked, "the late allergy did not mark the reply")


async def cross_a_contingency(play: Play) -> None:
    """The node watches by itself."""
    screen, stage = play.screen, play.stage
    screen.act("No link, and the patient gets worse")
    stage.link.cut()
    screen.say("The link is cut. The medic enters the next readings.")
    await stage.sfnode("vitals", "add", play.case, "--spo2", str(story.CROSSING_SPO2), "--on-air")
    alarms = await stage.sfnode("alarm", "list")
    screen.block([f"ALARM  {alarm['text']}" for alarm in alarms])
    rung = any(str(story.CROSSING_SPO2) in alarm["text"] for alarm in alarms)
    play.timeline.require(rung, "the crossing raised no alarm")
    stage.link.restore()
    screen.say("The link is back.")
    readings = len(story.vitals_sets(0)) + 1
    following = play.following

    def all_there() -> bool:
        return following.vitals_count() >= readings and story.LATE_ALLERGY in following.allergies()

    if await following.until(all_there, "allergy and last readings at the hub", STEP_TIMEOUT_S):
        play.timeline.reach("allergy and worse readings at the hub", screen.second())


async def _plan_with_reply(play: Play) -> dict[str, Any]:
    try:
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            while True:
                plan: dict[str, Any] = await play.stage.sfnode("plan", play.case)
                if plan["replies"]:
                    return plan
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        play.timeline.require(False, f"no reply reached the site within {REPLY_TIMEOUT_S:.0f} s")
        return {"headline": "no reply", "replies": []}


def _plan_lines(plan: dict[str, Any]) -> list[str]:
    lines = [plan["headline"]]
    for reply in plan["replies"]:
        lines += [reply["assessment"]]
        lines += [f"  {order['number']}. {order['text']}  [{order['aboard']}]" for order in reply["orders"]]
        lines += [f"  {each['text']}  [{each['state']}]" for each in reply["contingencies"]]
        lines += [f"  stop rule: {reply['stop_rule']}", f"  evacuate: {reply['evacuation']}"]
    return lines
