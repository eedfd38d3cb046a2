"""Nothing but a backup in the making is ever deleted, however the making fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfhub.app import Hub
from sfhub.errors import BackupFailed
from sfhub.storage.backup_folder import folder_in_the_making, give_up


async def test_a_backup_that_cannot_begin_deletes_nothing(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder cannot be made, and the process stands in a folder with somebody's work in it."""
    work, place = tmp_path / "work", tmp_path / "backups"
    work.mkdir()
    (work / "precious").touch()
    place.touch()
    monkeypatch.chdir(work)
    with pytest.raises(BackupFailed, match="The hub and its earlier backups are unharmed"):
        await hub.backups.create(place)
    assert (work / "precious").exists()
    assert place.is_file()


@pytest.mark.parametrize("name", ["", ".", "..", "work", "2026-11-23T041208Z-3f9a1c", ".making-notes"])
def test_giving_up_refuses_any_other_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "precious").touch()
    monkeypatch.chdir(work)
    for folder in (Path(name), work / name):
        with pytest.raises(ValueError, match="not a backup in the making"):
            give_up(folder)
    with pytest.raises(ValueError, match="not absolute"):
        folder_in_the_making(Path(name), "0123", "89abcdef")
    assert (work / "precious").exists()
