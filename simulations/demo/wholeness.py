"""Whether what the hub holds at the end is what the medic entered: every word, reading and byte."""

from __future__ import annotations

import asyncio
from typing import Any

from protocol.bundle import blob_hash

from . import story
from .play import Play


async def check_whole(play: Play) -> None:
    """Compare the two ends; differences become problems of the timeline."""
    here = await play.stage.sfnode("case", "show", play.case)
    there = await play.stage.sfhub("case", "show", play.case)
    require = play.timeline.require
    require(
        sum(story.NOTE in note for note in there["notes"]) == 1, "the note is not at the hub exactly once"
    )
    readings = _readings(here["vitals"])
    require(len(readings) == len(story.vitals_sets(0)) + 1, "a set of readings is missing at the node")
    require(readings == _readings(there["vitals"]), "the readings at the hub differ from those entered")
    require(story.LATE_ALLERGY in there["patient"]["allergies"], "the late allergy is not at the hub")
    for photo in here["photos"]:
        for layer in photo["layers"]:
            await _check_layer(play, layer, f"{layer['layer']} of «{photo['caption']}»")
    await play.stage.stop_and_restart_node()
    status = await play.stage.sfhub("status")
    play.timeline.received_twice_bytes = status["bytes_received_twice"]


async def _check_layer(play: Play, layer: dict[str, Any], name: str) -> None:
    out = play.folder / f"{layer['blob']}.avif"
    await play.stage.sfhub("case", "media", play.case, layer["blob"], "--out", str(out))
    data = await asyncio.to_thread(out.read_bytes)
    play.timeline.require(
        blob_hash(data).hex() == layer["blob"], f"the {name} at the hub is not what was sent"
    )


def _readings(vitals: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    fields = (
        "observed_s",
        "heart_rate_min",
        "respiratory_rate_min",
        "spo2_percent",
        "on_oxygen",
        "systolic_mmhg",
        "diastolic_mmhg",
        "temperature_c",
        "pain",
    )
    taken = [tuple(row[field] for field in fields) for row in vitals if not row.get("headline")]
    return sorted(taken, key=lambda row: str(row[0]))
