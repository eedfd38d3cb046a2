"""Pictures for a typed path: newest first, nothing that is no picture, no fault that stops the form."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.photo_folder import absolute_file, find_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for age, name in enumerate(["newest.jpg", "older.PNG", "oldest.heic", "notes.txt", ".hidden.jpg"]):
        (tmp_path / name).write_bytes(b"x" * (age + 1))
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "camera").mkdir()
    return tmp_path


def test_the_newest_picture_comes_first_and_folders_last(folder: Path) -> None:
    assert [each.name for each in find_pictures(f"{folder}/")] == [
        "newest.jpg",
        "older.PNG",
        "oldest.heic",
        "camera",
    ]


def test_typing_narrows_the_list_whatever_the_case(folder: Path) -> None:
    assert [each.name for each in find_pictures(f"{folder}/OLD")] == ["older.PNG", "oldest.heic"]


@pytest.mark.parametrize("typed", ["", "/no/such/folder/", "\0", "~nobody-of-that-name/x"])
def test_a_path_that_leads_nowhere_has_no_pictures(
    typed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_pictures(typed) == ()


def test_a_file_is_named_as_any_process_finds_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert absolute_file("newest.jpg") == str(folder / "newest.jpg")
    assert absolute_file("camera") is None
    assert absolute_file("missing.jpg") is None
