"""A hub whose power is cut at any moment keeps what it answered for: rows, sealed bytes and picture files."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from protocol.ids import BundleId, CaseId, EntryId, Pseudonym
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.storage.entries import has_entry
from sync.stores.database import Execution
from tests.sfhub import recorded_hub
from tests.sfhub.site import TestClock
from tests.sync.stores.disk_record import (
    STRING_BYTES_MAX,
    TRACED,
    Disk,
    Event,
    Renamed,
    Said,
    cut_points,
    read_record,
)
from tests.sync.stores.test_sqlite_crash import STRACE, said_under

IMAGES = 120
NOBODY = Pseudonym(b"")


@dataclass
class Answers:
    """What the hub said."""

    pair: Pseudonym = NOBODY
    stored: list[BundleId] = field(default_factory=list)
    shown: list[tuple[CaseId, EntryId, tuple[bytes, ...]]] = field(default_factory=list)

    def hear(self, text: str) -> None:
        for line in text.splitlines():
            match line.split():
                case ["opened", pair]:
                    self.pair = Pseudonym(bytes.fromhex(pair))
                case ["stored", bundle_id]:
                    self.stored.append(BundleId(bytes.fromhex(bundle_id)))
                case ["shown", case_id, entry_id, *blobs]:
                    case, entry = CaseId(bytes.fromhex(case_id)), EntryId(bytes.fromhex(entry_id))
                    self.shown.append((case, entry, tuple(map(bytes.fromhex, blobs))))


async def drained(hub: Hub, pair: Pseudonym) -> None:
    known = hub.sites.directory.pair_of(pair)
    assert known is not None
    await hub.ingest.drain(known)


async def check(folder: Path, answers: Answers) -> None:
    async with open_hub(HubFolder(folder), TestClock(), execution=Execution.INLINE) as hub:
        await hub.database.verify()
        for case_id, entry_id, blobs in answers.shown:
            assert await hub.database.read(partial(has_entry, entry_id=entry_id))
            for blob in blobs:
                await hub.worklist.read_blob(case_id, blob)
        await drained(hub, answers.pair)
        rows = await hub.database.read(
            lambda connection: connection.execute("SELECT DISTINCT bundle_id FROM arrived").fetchall()
        )
        assert set(answers.stored) <= {BundleId(bundle_id) for (bundle_id,) in rows}
        pictures = await hub.database.read(
            lambda connection: connection.execute("SELECT DISTINCT case_id, blob FROM layers").fetchall()
        )
        for case_id, blob in pictures:
            await hub.worklist.read_blob(CaseId(case_id), blob)


@pytest.mark.peers
@pytest.mark.skipif(STRACE == "", reason="strace is not installed")
@pytest.mark.timeout(300)
async def test_a_power_cut_anywhere_leaves_a_hub_with_all_it_answered_for(
    folder: HubFolder, tmp_path: Path
) -> None:
    log = tmp_path / "calls.log"
    disk, answers, done = Disk.holding(folder.root), Answers(), 0
    program = [sys.executable, str(Path(recorded_hub.__file__)), str(folder.root)]
    tracer = [STRACE, "-f", "-y", "-xx", "-s", str(STRING_BYTES_MAX), "-e", f"trace={TRACED}", "-o", str(log)]
    _, complaints = await asyncio.to_thread(said_under, [*tracer, *program])
    assert "Error" not in complaints
    events: list[Event] = read_record(log, folder.root)
    assert sum(isinstance(event, Renamed) for event in events) == 2 * recorded_hub.STORIES
    choose = random.Random(11)
    for number, cut in enumerate(cut_points(events, IMAGES)):
        for event in events[done:cut]:
            disk.apply(event)
            if isinstance(event, Said):
                answers.hear(event.text)
        done = max(done, cut)
        image = tmp_path / f"image {number}"
        image.mkdir()
        share = (0.0, 1.0, 0.5)[number % 3]
        disk.after_power_cut(lambda share=share: choose.random() < share, image)  # type: ignore[misc]  # a default binds the loop variable
        await check(image, answers)
        await asyncio.to_thread(shutil.rmtree, image)
    assert len(answers.shown) == recorded_hub.STORIES
