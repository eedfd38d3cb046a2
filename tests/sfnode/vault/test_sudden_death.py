"""What was saved outlives SIGKILL at any moment: a child process saves and tells, the parent kills and
looks."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.bundle import EntryBundle
from protocol.ids import CaseId
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SystemClock
from sfnode.vault.vault import Vault
from tests.sfnode.services.station import PASSPHRASE, new_case, open_station

SAVER = """
import asyncio, sys
from pathlib import Path
from protocol.clinical import Vitals
from protocol.ids import CaseId
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SystemClock
from sfnode.vault.vault import Vault
from tests.sfnode.services.station import photo_layers

async def main(folder, passphrase, case_hex):
    vault = await Vault.unlock(Path(folder), passphrase.encode())
    book = CaseBook(vault, clock=SystemClock())
    case_id = CaseId(bytes.fromhex(case_hex))
    for number in range(1_000_000):
        saved = await book.add_vitals(case_id, [Vitals(observed_s=number, pain=number % 11)])
        print("vitals", saved.records[0].hex(), flush=True)
        layers = photo_layers(preview=b"p%d" % number, standard=number.to_bytes(8, "big") * 40_000)
        view = await book.add_photo(case_id, layers, caption=f"picture {number}")
        print("photo", view.record, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def prepare(folder: Path) -> CaseId:
    station = await open_station(folder)
    case_id = (await station.book.open_case(new_case())).case_id
    await station.book.send_case(case_id)
    await station.vault.close()
    return case_id


def save_until_killed(folder: Path, case_id: CaseId, told_max: int) -> list[tuple[str, str]]:
    """What the child was told is saved before it was killed, in the middle of whatever it then did."""
    child = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(folder), PASSPHRASE.decode(), case_id.hex()],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child.stdout:
        told = [child.stdout.readline().split() for _ in range(told_max)]
        child.kill()
        told += [line.split() for line in child.stdout if line.endswith("\n")]
    child.wait()
    return [(kind, record) for kind, record in told]


async def look(folder: Path, case_id: CaseId, told: list[tuple[str, str]]) -> None:
    vault = await Vault.unlock(folder, PASSPHRASE)
    book = CaseBook(vault, clock=SystemClock())
    await vault.database.verify()
    view = await book.case_view(case_id)
    vitals = [each.record for each in view.vitals]
    photos = [each.record for each in view.photos]
    # Nothing that was told is lost, nothing is there twice, and at most the save in flight is there untold.
    for kind, found in (("vitals", vitals), ("photo", photos)):
        said = [record for told_kind, record in told if told_kind == kind]
        assert found[: len(said)] == said
        assert len(found) == len(set(found)) <= len(said) + 1
    for photo in view.photos:
        for layer in photo.layers:
            assert len(await book.read_blob(case_id, bytes.fromhex(layer.blob))) == layer.size_bytes
    # Each entry has its outbox row, each exactly one.
    queued = [
        entry.entry_id
        for row in await book.outbox(10_000)
        if isinstance(row.content, EntryBundle) and row.case_id == case_id
        for entry in row.content.entries
    ]
    kept = await vault.database.read(
        lambda connection: connection.execute(
            "SELECT entry_id FROM entry WHERE case_id = ? ORDER BY row", (case_id,)
        ).fetchall()
    )
    assert sorted(queued) == sorted(row[0] for row in kept)
    await vault.close()


@pytest.mark.parametrize("told_max", [1, 2, 5, 12])
def test_what_was_saved_outlives_a_kill(tmp_path: Path, told_max: int) -> None:
    case_id = asyncio.run(prepare(tmp_path))
    told = save_until_killed(tmp_path, case_id, told_max)
    assert len(told) >= told_max
    asyncio.run(look(tmp_path, case_id, told))


def test_a_half_written_log_never_shows_half_a_save(tmp_path: Path) -> None:
    """A power cut may leave any beginning of the write-ahead log: each opens to whole saves."""

    async def write(folder: Path) -> CaseId:
        station = await open_station(folder)
        case_id = (await station.book.open_case(new_case())).case_id
        await station.book.send_case(case_id)
        for number in range(6):
            await station.book.add_note(case_id, language="en", text=f"note {number} " + "x" * 9_000)
        # Copied while open: closing would empty the log.
        shutil.copytree(folder, folder.with_name("copy"))
        await station.vault.close()
        return case_id

    async def notes_and_rows(folder: Path, case_id: CaseId) -> tuple[int, int]:
        vault = await Vault.unlock(folder, PASSPHRASE)
        book = CaseBook(vault, clock=SystemClock())
        try:
            view = await book.case_view(case_id)
            return len(view.notes), len([row for row in view.transfers if row.what == "note"])
        finally:
            await vault.close()

    case_id = asyncio.run(write(tmp_path / "site"))
    copy = tmp_path / "copy"
    size = (copy / "vault.db-wal").stat().st_size
    seen = []
    for number in range(12):
        folder = tmp_path / f"cut {number}"
        shutil.copytree(copy, folder)
        (folder / "vault.db-shm").unlink(missing_ok=True)
        with (folder / "vault.db-wal").open("r+b") as log:
            log.truncate(size - number * size // 24 - number)
        notes, rows = asyncio.run(notes_and_rows(folder, case_id))
        assert notes == rows
        seen.append(notes)
    assert seen[0] == 6
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < 6
