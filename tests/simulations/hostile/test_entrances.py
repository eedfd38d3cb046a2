"""What an enemy may cost us: at each entrance each hostile input is refused as documented, and cheaply."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from typing import Any

import pytest

from protocol.errors import MalformedInput
from simulations.hostile.entrances import ENTRANCES, Entrance
from tests.architecture.checkout import ROOT
from tests.simulations.hostile.measured import meet, memory_bytes, steps

MEMORY_BYTES_MAX = 16 * 1024 * 1024
STEPS_MAX = 250_000
"""Lines of Python: what a slow core does in some ten milliseconds."""
FLOOD_STEPS_PER_BYTE_MAX = 12
"""For a stream of things that are true one by one, and as many as its sender pays for."""

Meeting = dict[str, Any]


@pytest.fixture(scope="module")
def meetings() -> list[Meeting]:
    process = subprocess.run(
        [sys.executable, "-m", "tests.simulations.hostile.measured"],
        cwd=ROOT,
        # Large blocks go back to the system at once: what one input left behind must not hide the next one.
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in process.stdout.splitlines()]


def test_every_entrance_met_every_input_and_nothing_escaped(meetings: list[Meeting]) -> None:
    assert len(meetings) == sum(len(entrance.hostile_inputs()) for entrance in ENTRANCES.values())
    assert {meeting["entrance"] for meeting in meetings} == set(ENTRANCES)
    assert [meeting for meeting in meetings if meeting["outcome"] not in ("refused", "taken")] == []


def test_no_input_takes_much_memory(meetings: list[Meeting]) -> None:
    assert [meeting for meeting in meetings if meeting["memory_bytes"] > MEMORY_BYTES_MAX] == []


def test_no_input_takes_many_steps(meetings: list[Meeting]) -> None:
    def allowed(meeting: Meeting) -> int:
        flood_bytes = meeting["size_bytes"] if ENTRANCES[meeting["entrance"]].takes_floods else 0
        return STEPS_MAX + FLOOD_STEPS_PER_BYTE_MAX * int(flood_bytes)

    assert [meeting for meeting in meetings if meeting["steps"] > allowed(meeting)] == []


@pytest.mark.parametrize("name", ENTRANCES)
def test_an_entrance_takes_its_own_samples(name: str) -> None:
    samples = ENTRANCES[name].samples()
    assert samples
    assert [meet(ENTRANCES[name], sample) for sample in samples] == ["taken"] * len(samples)


def test_the_measures_see_what_they_measure() -> None:
    def refuse(data: bytes) -> None:
        raise MalformedInput("no")

    def crash(data: bytes) -> None:
        raise IndexError("out of range")

    def take_memory() -> None:
        # Pages of the system itself: an allocation might be served from what an earlier test had left free.
        with mmap.mmap(-1, 64_000_000) as pages:
            for offset in range(0, 64_000_000, mmap.PAGESIZE):
                pages[offset] = 1

    refusing = Entrance(name="", enter=refuse, refusals=(MalformedInput,), samples=lambda: ())
    crashing = Entrance(name="", enter=crash, refusals=(MalformedInput,), samples=lambda: ())
    assert meet(refusing, b"") == "refused"
    assert meet(crashing, b"") == "IndexError: out of range"
    assert memory_bytes(take_memory)[1] > 60_000_000
    varint = ENTRANCES["varint"]
    assert 0 < steps(lambda: varint.enter(b"\x01")) < steps(lambda: varint.enter(b"\xff\xff\xff\x01"))
