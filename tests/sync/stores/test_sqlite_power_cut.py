"""A store whose power is cut at any moment keeps all it answered for, whatever the disk did with the rest."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from .disk_record import STRING_BYTES_MAX, TRACED, Disk, Event, Said, Synced, Written, cut_points, read_record
from .test_sqlite_crash import STRACE, Answers, assert_nothing_missing_or_doubled, command, said_under

IMAGES = 300


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """All that a custodian wrote and said in its first life."""
    folder = tmp_path_factory.mktemp("recorded")
    log = folder / "calls.log"
    tracer = [STRACE, "-f", "-y", "-xx", "-s", str(STRING_BYTES_MAX), "-e", f"trace={TRACED}", "-o", str(log)]
    said_under([*tracer, *command(folder / "spool.db", 0)])
    return read_record(log, folder)


@pytest.mark.peers
@pytest.mark.skipif(STRACE == "", reason="strace is not installed")
async def test_a_power_cut_anywhere_loses_and_doubles_nothing(record: list[Event], tmp_path: Path) -> None:
    assert sum(isinstance(event, Synced) for event in record) > 50, "the record holds next to nothing"
    choose = random.Random(7)
    disk, answers, done = Disk(), Answers(), 0
    for number, cut in enumerate(cut_points(record, IMAGES)):
        for event in record[done:cut]:
            disk.apply(event)
            if isinstance(event, Said):
                hear_what_must_last(answers, event.text)
        done = max(done, cut)
        image = tmp_path / str(number)
        image.mkdir()
        share = (0.0, 1.0, 0.5)[number % 3]
        disk.after_power_cut(lambda share=share: choose.random() < share, image)  # type: ignore[misc]  # a default binds the loop variable
        await assert_nothing_missing_or_doubled(image / "spool.db", answers, 1)


def hear_what_must_last(answers: Answers, text: str) -> None:
    """A receipt is money saved, and need not outlive the power; all else must."""
    for line in text.splitlines():
        if not line.startswith("receipted "):
            answers.hear(line)


async def test_an_unsynced_disk_is_found_out(tmp_path: Path) -> None:
    """The replay itself: what was never synced may vanish, what was synced stays."""
    path = str(tmp_path / "spool.db")
    disk = Disk()
    disk.apply(Written(path, 0, b"kept"))
    disk.apply(Synced(path))
    disk.apply(Written(path, 4, b" and lost"))
    image = tmp_path / "image"
    image.mkdir()
    await asyncio.to_thread(disk.after_power_cut, lambda: False, image)
    assert (image / "spool.db").read_bytes() == b"kept"
    await asyncio.to_thread(disk.after_power_cut, lambda: True, image)
    assert (image / "spool.db").read_bytes() == b"kept and lost"
