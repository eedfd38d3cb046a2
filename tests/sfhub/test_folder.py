"""A hub's folder: made once, private, and refused with a sentence when something in it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfhub.app import Hub, init_hub, open_hub
from sfhub.config import HubFolder, HubIdentity, create_folder, read_settings
from sfhub.errors import AlreadyInitialised, BadRequest, FolderUnusable, NotInitialised
from sfhub.keystore import create_keys, load_keys
from sync.stores.errors import StoreBusy

IDENTITY = HubIdentity('Example "Health" \\ Ünit', "Main desk")


async def test_names_survive_as_they_are(tmp_path: Path) -> None:
    folder = HubFolder(tmp_path / "hub")
    init_hub(folder, IDENTITY)
    assert read_settings(folder) == IDENTITY


def test_everything_is_its_owners_alone(folder: HubFolder) -> None:
    for path in (folder.root, *folder.root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_hub_is_made_once(folder: HubFolder) -> None:
    keys = load_keys(folder.keys).signing_public
    with pytest.raises(AlreadyInitialised):
        init_hub(folder, IDENTITY)
    assert load_keys(folder.keys).signing_public == keys


def test_making_one_that_was_cut_off_goes_on_with_the_same_keys(tmp_path: Path) -> None:
    folder = HubFolder(tmp_path / "hub")
    create_folder(folder, IDENTITY)
    keys = create_keys(folder.keys).signing_public
    init_hub(folder, IDENTITY)
    assert load_keys(folder.keys).signing_public == keys


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 121, "\u202eevil"])
def test_a_name_nobody_could_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest):
        init_hub(HubFolder(tmp_path / "hub"), HubIdentity("Example Health", name))
    assert not (tmp_path / "hub").exists()


async def test_an_empty_folder_is_no_hub(tmp_path: Path) -> None:
    with pytest.raises(NotInitialised):
        async with open_hub(HubFolder(tmp_path)):
            pass


@pytest.mark.parametrize("harm", ["missing", "short", "readable"])
async def test_keys_that_cannot_be_used_are_named(folder: HubFolder, harm: str) -> None:
    key = folder.keys / "opening-00000.key"
    if harm == "missing":
        key.unlink()
    elif harm == "short":
        key.write_bytes(b"short")
    else:
        key.chmod(0o644)
    with pytest.raises(FolderUnusable, match=r"opening-.*\.key"):
        async with open_hub(folder):
            pass


async def test_only_one_process_has_the_folder(hub: Hub, folder: HubFolder) -> None:
    with pytest.raises(StoreBusy):
        async with open_hub(folder):
            pass


async def test_the_database_alone_betrays_no_key(hub: Hub, folder: HubFolder) -> None:
    private = [path.read_bytes() for path in folder.keys.iterdir()]
    await hub.database.close()
    stored = b"".join(path.read_bytes() for path in folder.root.iterdir() if path.is_file())
    assert not [key for key in private if key in stored]
