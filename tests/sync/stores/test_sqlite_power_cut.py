"""A store whose power is cut at any moment keeps all it answered for, whatever the disk did with the rest."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .disk_record import (
    STRING_BYTES_MAX,
    TRACED,
    Disk,
    Event,
    Made,
    Opened,
    Renamed,
    Said,
    Synced,
    Written,
    cut_points,
    read_record,
)
from .test_sqlite_crash import STRACE, Answers, assert_nothing_missing_or_doubled, command, said_under

IMAGES = 300


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], str]:
    """All that a custodian did to its folder and said in its first life; and which folder."""
    folder = tmp_path_factory.mktemp("recorded")
    log = folder / "calls.log"
    tracer = [STRACE, "-f", "-y", "-xx", "-s", str(STRING_BYTES_MAX), "-e", f"trace={TRACED}", "-o", str(log)]
    said_under([*tracer, *command(folder / "spool.db", 0)])
    return read_record(log, folder), str(folder)


@pytest.mark.peers
@pytest.mark.skipif(STRACE == "", reason="strace is not installed")
async def test_a_power_cut_anywhere_loses_and_doubles_nothing(
    record: tuple[list[Event], str], tmp_path: Path
) -> None:
    events, folder = record
    assert sum(isinstance(event, Synced) for event in events) > 50, "the record holds next to nothing"
    choose = random.Random(7)
    disk, answers, done = Disk(folder), Answers(), 0
    for number, cut in enumerate(cut_points(events, IMAGES)):
        for event in events[done:cut]:
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


def after_power_cut(disk: Disk, folder: Path, name: str, survivors: int) -> dict[str, bytes]:
    """The files that are left when so many of the doubtful changes reach the disk."""
    left = iter([True] * survivors)
    image = folder / name
    image.mkdir()
    disk.after_power_cut(lambda: next(left, False), image)
    return {str(path.relative_to(image)): path.read_bytes() for path in image.rglob("*") if path.is_file()}


def test_bytes_that_were_not_synced_may_vanish(tmp_path: Path) -> None:
    disk = Disk("/disk")
    for event in (Opened("/disk/a", empty=False), Written("/disk/a", 0, b"kept"), Synced("/disk/a")):
        disk.apply(event)
    assert after_power_cut(disk, tmp_path, "nameless", 0) == {}
    disk.apply(Synced("/disk"))
    disk.apply(Written("/disk/a", None, b" and lost"))
    assert after_power_cut(disk, tmp_path, "none", 0) == {"a": b"kept"}
    assert after_power_cut(disk, tmp_path, "all", 1) == {"a": b"kept and lost"}


def test_names_that_were_not_synced_may_be_the_old_ones(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a").write_bytes(b"old")
    root = str(tmp_path / "disk")
    disk = Disk.holding(tmp_path / "disk")
    events: list[Event] = [
        Opened(f"{root}/a.new", empty=True),
        Written(f"{root}/a.new", None, b"new"),
        Synced(f"{root}/a.new"),
        Renamed(f"{root}/a.new", f"{root}/a"),
    ]
    for event in events:
        disk.apply(event)
    assert after_power_cut(disk, tmp_path, "none", 0) == {"a": b"old"}
    assert after_power_cut(disk, tmp_path, "made", 1) == {"a": b"old", "a.new": b"new"}
    assert after_power_cut(disk, tmp_path, "all", 3) == {"a": b"new"}
    disk.apply(Synced(root))
    assert after_power_cut(disk, tmp_path, "synced", 0) == {"a": b"new"}


def test_a_file_in_a_folder_that_is_lost_is_lost(tmp_path: Path) -> None:
    disk = Disk("/disk")
    for event in (
        Made("/disk/folder"),
        Opened("/disk/folder/a", empty=True),
        Written("/disk/folder/a", None, b"whole"),
        Synced("/disk/folder/a"),
        Synced("/disk/folder"),
    ):
        disk.apply(event)
    assert after_power_cut(disk, tmp_path, "none", 0) == {}
    disk.apply(Synced("/disk"))
    assert after_power_cut(disk, tmp_path, "synced", 0) == {"folder/a": b"whole"}
