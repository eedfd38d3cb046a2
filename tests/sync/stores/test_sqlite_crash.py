"""A store whose process is killed at any moment loses nothing it answered for, and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from protocol.ranges import RangeSet
from sync.stores.database import Database
from sync.stores.identity import Finding
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from . import custodian
from .custodian import LOST, PAIRS, PEER, id_of, note_beside, sealed_of

ROOT = Path(__file__).parents[3]
STRACE = shutil.which("strace") or ""
LINES_MAX = 300
"""Said by a custodian whose fatal system call never comes."""
CALLERS_PER_PAIR = 4
"""Tasks of the custodian that may each have one answer under way when it is killed."""


@dataclass
class Answers:
    """What the custodian said, over all its lives."""

    added: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    receipted: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    stored: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    partial: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    missed: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    promised: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def hear(self, line: str) -> None:
        match line.split():
            case ["added", pair, label, sequence]:
                self.added[int(pair)][label] = int(sequence)
            case ["receipted", pair, sequence]:
                self.receipted[int(pair)].add(int(sequence))
            case ["stored", pair, label, sequence]:
                self.stored[int(pair)][label] = int(sequence)
                self.partial[int(pair)].pop(int(sequence), None)
            case ["partial", pair, sequence, end]:
                self.partial[int(pair)][int(sequence)] = int(end)
            case ["missed", pair, sequence]:
                self.missed[int(pair)].add(int(sequence))
            case ["promised", pair, sequence]:
                self.promised[int(pair)].add(int(sequence))
            case ["opening" | "opened"]:
                pass
            case _:
                raise AssertionError(f"the custodian said {line!r}")


def command(path: Path, round_number: int) -> list[str]:
    return [sys.executable, str(Path(custodian.__file__)), str(path), str(round_number)]


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


def killed_after(lines: int, path: Path, round_number: int) -> list[str]:
    """All that the custodian said before it was killed behind its n-th line."""
    with subprocess.Popen(
        command(path, round_number), env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    # The last line may have been cut in the middle; a store that answered was not thereby believed.
    return [line for line in said if line.endswith("\n")]


async def assert_nothing_missing_or_doubled(path: Path, answers: Answers, kills: int) -> None:
    database = await Database.open(path, [CUSTODY_SCHEMA])
    try:
        await database.verify()
        custody = SqliteStore(database)
        assert await custody.identify(note_beside(path)) in (Finding.NEW, Finding.KEPT)
        for pair, pseudonym in enumerate(PAIRS):
            store = await custody.pair(pseudonym)
            await assert_sent(store, answers.added[pair], answers.receipted[pair], kills)
            await assert_received(store, answers.stored[pair], answers.partial[pair], kills)
            await assert_owed(store, answers.missed[pair], answers.promised[pair])
    finally:
        await database.close()


async def assert_sent(store: SqlitePairStore, added: dict[str, int], receipted: set[int], kills: int) -> None:
    view = await store.open_session()
    sent = {bundle.offer.bundle_id: bundle for bundle in view.pending}
    known = RangeSet()
    while page := await store.outgoing(known):
        sent |= {bundle.offer.bundle_id: bundle for bundle in page}
        known = RangeSet.of((bundle.offer.sequence, bundle.offer.sequence + 1) for bundle in sent.values())
    sequences = Counter(bundle.offer.sequence for bundle in sent.values())
    assert max(sequences.values(), default=1) == 1
    assert view.sequence_max == len(sequences)
    for label, sequence in added.items():
        assert sent[id_of(label)].offer.sequence == sequence
        assert await store.read(sequence, 0, 1 << 20) == sealed_of(label)
    assert len(sent) <= len(added) + kills * CALLERS_PER_PAIR
    heard = {bundle.offer.sequence for bundle in sent.values() if bundle.receipted == RangeSet.whole(1)}
    assert receipted <= heard


async def assert_received(
    store: SqlitePairStore, stored: dict[str, int], partial: dict[int, int], kills: int
) -> None:
    received = await store.received_after(0, 1 << 20)
    by_id = {bundle.offer.bundle_id: bundle for bundle in received}
    assert len(by_id) == len(received) <= len(stored) + kills
    view = await store.open_session()
    held = view.received[0].held if view.received else RangeSet()
    for label, sequence in stored.items():
        assert by_id[id_of(label)].sealed == sealed_of(label)
        assert sequence in held
    bytes_held = {bundle.offer.sequence: bundle.held for bundle in view.partials}
    for sequence, end in partial.items():
        assert sequence in held or RangeSet.whole(end) - bytes_held[sequence] == RangeSet()
    assert all(bundle.offer.incarnation == PEER for bundle in view.partials)


async def assert_owed(store: SqlitePairStore, missed: set[int], promised: set[int]) -> None:
    """What is to be asked back, and what was promised to be given back."""
    foreign = {each.incarnation: each.sequences for each in (await store.open_session()).foreign}
    assert missed <= set(foreign.get(LOST, RangeSet()))
    assert promised <= {each.sequence for each in await store.to_return(1 << 20)}


async def test_a_store_killed_anywhere_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    answers = Answers()
    for round_number, lines in enumerate((1, 1, 2, 3, 4, 7, 20, 61, 150, 301)):
        for line in await asyncio.to_thread(killed_after, lines, path, round_number):
            answers.hear(line)
        await assert_nothing_missing_or_doubled(path, answers, round_number + 1)
    assert min(len(answers.added[pair]) for pair in (0, 1)) > 30
    assert min(len(answers.stored[pair]) for pair in (0, 1)) > 10


def under_fault(fault: str, path: Path, round_number: int) -> list[str]:
    """The custodian with one of its system calls tampered with."""
    return [STRACE, "-f", "-o", "/dev/null", "-e", f"inject={fault}", *command(path, round_number)]


@pytest.mark.peers
@pytest.mark.skipif(STRACE == "", reason="strace is not installed")
@pytest.mark.parametrize("call", ["pwrite64", "fsync", "ftruncate", "rename"])
async def test_a_store_killed_at_each_system_call_loses_and_doubles_nothing(
    tmp_path: Path, call: str
) -> None:
    path = tmp_path / "spool.db"
    answers = Answers()
    for round_number in range(24):
        tampered = under_fault(f"{call}:signal=SIGKILL:when={round_number * 2 + 1}", path, round_number)
        said, _ = await asyncio.to_thread(said_under, tampered)
        for line in said:
            answers.hear(line)
        await assert_nothing_missing_or_doubled(path, answers, round_number + 1)


@pytest.mark.peers
@pytest.mark.skipif(STRACE == "", reason="strace is not installed")
async def test_a_store_whose_disk_confirms_nothing_once_says_no_more(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    answers, halted = Answers(), 0
    for round_number, when in enumerate((12, 13, 14, 15, 40, 41)):
        tampered = under_fault(f"fsync:error=EIO:when={when}", path, round_number)
        said, complaints = await asyncio.to_thread(said_under, tampered)
        # An fsync that is not of the store, as that of a note beside it, halts nothing.
        halted += "StoreHalted" in complaints
        assert "StoreHalted" not in complaints or len(said) < LINES_MAX
        for line in said:
            answers.hear(line)
        await assert_nothing_missing_or_doubled(path, answers, round_number + 1)
    assert halted >= 3


def said_under(tracer: list[str]) -> tuple[list[str], str]:
    """All that the custodian said until it ended, or until it had said enough; and its complaints."""
    with (
        TemporaryFile("w+") as complaints,
        subprocess.Popen(
            tracer,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout is not None
        said: list[str] = []
        while len(said) < LINES_MAX and (line := process.stdout.readline()):
            said.append(line)
        # The whole group: a tracer that ends lets go of what it traces.
        os.killpg(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
        complaints.seek(0)
        return [line for line in said if line.endswith("\n")], complaints.read()


@pytest.mark.parametrize("blocks", [3000, 5000, 8000])
async def test_a_store_whose_log_cannot_grow_says_no_more_and_keeps_what_it_said(
    tmp_path: Path, blocks: int
) -> None:
    """A limit on the size of files refuses a write in the middle of a transaction, as a bad disk does."""
    path = tmp_path / "spool.db"
    answers = Answers()
    limited = ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *command(path, 0)]
    said, complaints = await asyncio.to_thread(said_under, limited)
    assert "StoreHalted" in complaints
    assert "did not confirm" in complaints
    # How many fit depends on how many share a commit; the shortest log has room for nine that go alone.
    assert 5 < len(said) < LINES_MAX
    for line in said:
        answers.hear(line)
    await assert_nothing_missing_or_doubled(path, answers, 1)
    for line in await asyncio.to_thread(killed_after, 20, path, 1):
        answers.hear(line)
    await assert_nothing_missing_or_doubled(path, answers, 2)
