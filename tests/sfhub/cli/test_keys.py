"""`sfhub keys` from a shell: rotate, list, destroy and revoke, each with its exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sfhub.hub_process import result, sfhub


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "hub"
    result(folder, "init", "--organisation", "Example Health", "--name", "Main desk")
    return folder


def test_keys_are_rotated_listed_and_destroyed_by_name(data: Path) -> None:
    assert result(data, "keys", "rotate") == {"epoch": 1, "sites_told": 0}
    assert result(data, "status")["key_epoch"] == 1
    assert result(data, "keys", "destroy", "--older-than", "0") == {"destroyed": []}
    assert result(data, "keys", "destroy", "--epoch", "0") == {"destroyed": [0]}
    listed = result(data, "keys", "list")
    assert [(row["epoch"], row["held"], row["newest"]) for row in listed["epochs"]] == [
        (0, False, False),
        (1, True, True),
    ]
    assert sorted(path.name for path in (data / "keys").glob("opening-*")) == ["opening-00001.key"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("destroy", "--epoch", "99"), 3, "No key of epoch 99 is here"),
        (("destroy",), 2, "an epoch by its number, or an age in days"),
        (("destroy", "--epoch", "0", "--older-than", "3"), 2, "an epoch by its number, or an age in days"),
        (("revoke", "MV NOBODY", "--reason", "lost"), 3, "No site called MV NOBODY"),
        (("revoke", "MV NOBODY", "--reason", "bored"), 2, "bored"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    data: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    done = sfhub(data, "keys", *arguments)
    assert done.returncode == status
    assert sentence in done.stderr.decode()


def test_a_former_hubs_key_is_revoked_by_its_id(data: Path) -> None:
    revoked = result(data, "keys", "revoke", "0011223344556677", "--reason", "stolen", "--remark", "x")
    assert revoked == {"key": "0011223344556677", "site": None, "version": 1, "devices_told": 0}
    (listed,) = result(data, "keys", "list")["revoked"]
    assert (listed["key"], listed["reason"], listed["remark"]) == ("0011223344556677", "stolen", "x")
