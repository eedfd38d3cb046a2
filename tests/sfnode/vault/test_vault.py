"""The vault: encrypted at rest, opened only with its passphrase, and what it keeps is checked when it is
read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.actors import Role
from protocol.clinical import Treatment
from protocol.errors import InvalidRecord
from protocol.ids import CaseId
from sfnode.domain.intake import PatientChange
from sfnode.errors import NotFound, Refused, ValueRefused, WrongPassphrase
from sfnode.vault.blobs import BLOB_BYTES_MAX, CHUNK_BYTES
from sfnode.vault.keyfile import KEY_FILE
from sfnode.vault.vault import Vault
from sync.stores.connection import Connection
from sync.stores.errors import StoreBusy, StoreClosed, StoreDamaged
from tests.sfnode.services.station import (
    CHEAP,
    PASSPHRASE,
    Station,
    new_case,
    open_station,
    photo_layers,
)

CANARY = "CANARY-7f3a"
CASE = CaseId(b"case 10 by")


@pytest.fixture
async def opened() -> AsyncIterator[list[Vault]]:
    """Whatever a test opens is closed, also when it fails: an open store keeps its thread."""
    vaults: list[Vault] = []
    yield vaults
    for vault in vaults:
        await vault.close()


async def make(opened: list[Vault], folder: Path, passphrase: bytes = PASSPHRASE) -> Vault:
    vault = await Vault.create(
        folder, passphrase, site_name="MV ARGO", person_name="Medic", role=Role.MEDIC, stretching=CHEAP
    )
    opened.append(vault)
    return vault


async def unlock(opened: list[Vault], folder: Path, passphrase: bytes = PASSPHRASE) -> Vault:
    vault = await Vault.unlock(folder, passphrase)
    opened.append(vault)
    return vault


async def enrolled(opened: list[Vault], folder: Path) -> Station:
    station = await open_station(folder)
    opened.append(station.vault)
    return station


async def fill(station: Station) -> None:
    """A case in which every text and picture is a canary."""
    case_id = (await station.book.open_case(new_case(complaint=CANARY, question=CANARY, note=CANARY))).case_id
    await station.book.update_patient(case_id, PatientChange(add_allergies=(CANARY,)).applied_to)
    await station.book.add_treatment(case_id, Treatment(given_s=1, what=CANARY))
    picture = photo_layers(preview=CANARY.encode() * 200, standard=CANARY.encode() * 2_000)
    await station.book.add_photo(case_id, picture, caption=CANARY)
    await station.book.send_case(case_id)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_nothing_readable_is_on_the_disk_open_or_closed(opened: list[Vault], tmp_path: Path) -> None:
    station = await enrolled(opened, tmp_path)
    await fill(station)
    # The write-ahead logs are there only while the databases are open.
    open_files = files_of(tmp_path)
    assert "vault.db-wal" in open_files
    await station.vault.close()
    closed_files = files_of(tmp_path)
    for name, data in (*open_files.items(), *closed_files.items()):
        assert CANARY.encode() not in data, name
        assert b"Medic on duty" not in data, name
        assert b"CREATE TABLE" not in data, name
    # A file that was only obfuscated would be far from random.
    counts = Counter(closed_files["vault_blobs.db"])
    total = counts.total()
    entropy = -sum(count / total * math.log2(count / total) for count in counts.values())
    assert entropy > 7.99


async def test_it_opens_again_with_its_passphrase_only(opened: list[Vault], tmp_path: Path) -> None:
    vault = await make(opened, tmp_path)
    identity = await vault.directory.identity()
    await vault.close()
    with pytest.raises(WrongPassphrase):
        await unlock(opened, tmp_path, b"wrong horse")
    vault = await unlock(opened, tmp_path)
    again = await vault.directory.identity()
    assert (again.author, again.signing_public, again.opening_public, again.person) == (
        identity.author,
        identity.signing_public,
        identity.opening_public,
        identity.person,
    )
    assert list(again.opening_keys) != []


async def test_a_locked_vault_answers_nothing(opened: list[Vault], tmp_path: Path) -> None:
    vault = await make(opened, tmp_path)
    await vault.close()
    await vault.close()
    with pytest.raises(StoreClosed):
        await vault.directory.identity()


async def test_a_vault_is_never_made_over_another(opened: list[Vault], tmp_path: Path) -> None:
    vault = await make(opened, tmp_path)
    identity = await vault.directory.identity()
    await vault.close()
    for passphrase in (PASSPHRASE, b"another one"):
        with pytest.raises(Refused, match="There is a vault in"):
            await make(opened, tmp_path, passphrase)
    vault = await unlock(opened, tmp_path)
    assert (await vault.directory.identity()).author == identity.author


async def test_making_that_was_cut_short_is_finished_by_the_same_call(
    opened: list[Vault], tmp_path: Path
) -> None:
    vault = await make(opened, tmp_path)
    await vault.close()
    for name in files_of(tmp_path):
        if name.startswith("vault") and name != KEY_FILE:
            (tmp_path / name).unlink()
    assert (tmp_path / KEY_FILE).exists()
    vault = await unlock(opened, tmp_path)
    with pytest.raises(Refused, match="never finished"):
        await vault.directory.identity()
    await vault.close()
    vault = await make(opened, tmp_path)
    assert (await vault.directory.identity()).person.name == "Medic"


async def test_what_cannot_be_kept_is_refused_before_anything_is_made(
    opened: list[Vault], tmp_path: Path
) -> None:
    with pytest.raises(ValueRefused, match="6 to 1024"):
        await make(opened, tmp_path / "a", b"short")
    with pytest.raises((ValueRefused, InvalidRecord)):
        await Vault.create(tmp_path / "a", PASSPHRASE, site_name="X", person_name="", role=Role.MEDIC)
    assert not (tmp_path / "a").exists()
    with pytest.raises(NotFound):
        await unlock(opened, tmp_path / "a")


async def test_one_owner_at_a_time(opened: list[Vault], tmp_path: Path) -> None:
    vault = await make(opened, tmp_path)
    with pytest.raises(StoreBusy):
        await unlock(opened, tmp_path)
    assert await vault.directory.hubs() == ()


async def test_an_entry_that_is_not_what_was_written_is_not_shown(
    opened: list[Vault], tmp_path: Path
) -> None:
    station = await enrolled(opened, tmp_path)
    case_id = (await station.book.open_case(new_case())).case_id
    other = (await station.book.open_case(new_case())).case_id

    def damage(connection: Connection) -> None:
        (payload,) = connection.execute("SELECT payload FROM entry WHERE case_id = ?", (case_id,)).fetchone()
        altered = payload[:-1] + bytes((payload[-1] ^ 1,))
        connection.execute("UPDATE entry SET payload = ? WHERE case_id = ?", (altered, case_id))

    await station.vault.database.write(damage)
    with pytest.raises(StoreDamaged, match="it is not shown"):
        await station.book.case_view(case_id)
    assert (await station.book.case_view(other)).row.state == "draft"
    damaged, well = await station.book.case_rows()
    assert (damaged.case, damaged.state) == (case_id.hex(), "DAMAGED")
    assert (well.case, well.needs_you) == (other.hex(), None)


async def test_blobs_come_back_whole_and_belong_to_one_case(opened: list[Vault], tmp_path: Path) -> None:
    vault = await make(opened, tmp_path)
    for size in (1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES - 1):
        data = bytes(size - 1) + b"!"
        blob = await vault.blobs.keep(CASE, data)
        assert await vault.blobs.keep(CASE, data) == blob
        assert await vault.blobs.read(CASE, blob) == data
        assert await vault.blobs.read(CaseId(b"another 10"), blob) is None
    assert len(await vault.blobs.held(CASE)) == 4
    for unfit in (b"", bytes(BLOB_BYTES_MAX + 1)):
        with pytest.raises(ValueRefused, match="The case is unchanged"):
            await vault.blobs.keep(CASE, unfit)


async def test_a_damaged_picture_is_not_shown_and_stops_nothing_behind_it(
    opened: list[Vault], tmp_path: Path
) -> None:
    station = await enrolled(opened, tmp_path)
    case_id = (await station.book.open_case(new_case())).case_id
    view = await station.book.add_photo(case_id, photo_layers(), caption="wound")
    await station.book.send_case(case_id)
    preview = bytes.fromhex(view.layers[0].blob)
    await station.vault.blobs._database.write(
        lambda connection: connection.execute("UPDATE blob_chunk SET data = x'00' WHERE blob = ?", (preview,))
    )
    with pytest.raises(StoreDamaged, match="it is not shown"):
        await station.book.read_blob(case_id, preview)
    assert [row.what for row in await station.book.outbox()][-1] == "standard: wound"
    assert "preview: wound" not in [row.what for row in await station.book.outbox()]
