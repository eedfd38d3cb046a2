"""Before anything crosses: a hub, an enrolled site, and a case written wholly offline."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from sfnode.media.photo import layers_from_file

from . import story
from .photographs import Photograph, write_photographs
from .play import Play


async def enrol(play: Play) -> None:
    """A new hub, a new site, and their keys exchanged across the link under a one-time code."""
    screen, stage = play.screen, play.stage
    screen.act("A hub ashore and a node aboard, as separate processes")
    screen.say(stage.link.describe())
    await stage.open_hub(story.ORGANISATION, story.HUB, story.DOCTOR)
    await stage.open_node(story.SITE, story.MEDIC, play.profile.tariff.usd_per_mb)
    screen.say(f"{story.SITE} is enrolled at {story.HUB} with a one-time code, across the link.")
    chest = play.folder / "chest.toml"
    await asyncio.to_thread(chest.write_text, story.CAPABILITY_TOML)
    await stage.sfnode("capability", "set", str(chest))
    await stage.sfnode("sync", "--once")
    screen.say("The medicine-chest list has crossed: the doctor will see what is aboard.")


async def write_case(play: Play) -> None:
    """The medic writes; nothing leaves before `send`."""
    screen, stage = play.screen, play.stage
    screen.act("The medic writes a case")
    note, sets = play.folder / "note.txt", play.folder / "vitals.json"
    rows = [asdict(row) for row in story.vitals_sets(int(play.clock.wall_s()))]
    await asyncio.to_thread(note.write_text, story.NOTE)
    await asyncio.to_thread(sets.write_text, json.dumps(rows))
    opened = await stage.sfnode("case", "new", *story.CASE_OPTIONS, "--note-file", str(note))
    play.case = opened["case"]
    await stage.sfnode("vitals", "add", play.case, "--file", str(sets))
    photographs = await asyncio.to_thread(write_photographs, play.folder / "photographs", play.seed)
    for photograph in photographs:
        await _add_photograph(play, photograph)
    screen.say(
        f"Case {opened['short']}: a note, {len(rows)} vitals sets, 3 photographs. Nothing is sent yet."
    )


async def send(play: Play) -> None:
    """From here on every second counts."""
    screen = play.screen
    screen.act("Send")
    screen.restart_clock()
    play.sent_s = play.clock.wall_s()
    queued = await play.stage.sfnode("send", play.case)
    play.timeline.sealed_up_bytes = sum(item["size_bytes"] for item in queued["bundles"])
    estimate = f"{queued['seconds']:.0f} s, USD {queued['usd'] or 0:.2f}" if queued["seconds"] else "none yet"
    count, size = len(queued["bundles"]), play.timeline.sealed_up_bytes / 1000
    screen.say(f"{count} items, {size:.1f} kB sealed; the node's own forecast: {estimate}.")


async def _add_photograph(play: Play, photograph: Photograph) -> None:
    caption = ("--caption", photograph.caption)
    added = await play.stage.sfnode("photo", "add", play.case, str(photograph.path), *caption)
    # The node keeps its copies encrypted; the comparison needs the same bytes, and encoding repeats exactly.
    play.pictures = (*play.pictures, await layers_from_file(photograph.path))
    original = photograph.path.stat().st_size
    sizes = " + ".join(f"{layer['size_bytes']} B {layer['layer']}" for layer in added["layers"])
    play.screen.say(f"{photograph.caption}: {original / 1000:.0f} kB on the camera, {sizes} to send.")
