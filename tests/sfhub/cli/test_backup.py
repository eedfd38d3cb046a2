"""`sfhub backup` from a shell: make, check, list, restore, each with its exit status."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.sfhub.hub_process import result, sfhub


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "hub"
    result(folder, "init", "--organisation", "Example Health", "--name", "Main desk")
    return folder


def test_a_backup_is_made_checked_listed_and_restored(data: Path, tmp_path: Path) -> None:
    into = tmp_path / "backups"
    assert "No verified backup yet" in result(data, "backup", "status")["text"]
    made = result(data, "backup", "create", str(into))
    assert "Last verified backup" in result(data, "status")["backup"]["text"]
    assert result(data, "backup", "verify", str(into))["folder"] == made["folder"]
    assert [row["folder"] for row in result(data, "backup", "list", str(into))] == [made["folder"]]

    for name in ("hub.toml", "hub.db", "custody.db"):
        (data / name).unlink()
    shutil.rmtree(data / "objects")
    assert result(data, "backup", "restore", str(into))["folder"] == made["folder"]
    assert result(data, "status")["hub"] == "Main desk"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("backup", "verify", "{tmp}"), 3, "holds no backup of a hub"),
        (("backup", "restore", "{tmp}"), 3, "holds no backup of a hub"),
        (("backup", "create", "{data}/inside"), 2, "lies inside the hub's own folder"),
    ],
)
def test_what_cannot_be_done_is_said(
    data: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    done = sfhub(data, *(each.format(tmp=tmp_path, data=data) for each in arguments))
    assert (done.returncode, sentence in done.stderr.decode()) == (status, True)
