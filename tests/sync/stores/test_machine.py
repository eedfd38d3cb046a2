"""The marks of a place stay while it is the same place, and differ for a copy elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sync.stores.machine import LocalMachine, Mark, differ


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "spool.db"


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def block_of(store: Path) -> str:
    device = os.stat(store.parent).st_dev
    return f"{os.major(device)}:{os.minor(device)}"


def machine(root: Path, store: Path, *, card: str = "0353445350", system: str = "aa" * 16) -> LocalMachine:
    """A board with one card, as far as files tell."""
    put(root, "etc/machine-id", f"{system}\n")
    put(root, "proc/device-tree/serial-number", "100000003d1d1c36\x00")
    put(root, "sys/devices/mmcblk0/device/cid", f"{card}\n")
    put(root, "sys/devices/mmcblk0/mmcblk0p2/dev", "179:2\n")
    (root / "sys/dev/block").mkdir(parents=True, exist_ok=True)
    link = root / "sys/dev/block" / block_of(store)
    link.unlink(missing_ok=True)
    link.symlink_to(root / "sys/devices/mmcblk0/mmcblk0p2")
    return LocalMachine(root)


def test_the_same_place_has_the_same_marks_and_no_number_is_shown(tmp_path: Path, store: Path) -> None:
    marks = machine(tmp_path / "root", store)(store)
    assert marks.keys() == {Mark.MACHINE, Mark.BOARD, Mark.DISK, Mark.DEVICE}
    assert marks == machine(tmp_path / "root", store)(store)
    assert not any("0353445350" in mark or "aaaa" in mark for mark in marks.values())


def test_a_card_copied_bit_by_bit_has_another_mark(tmp_path: Path, store: Path) -> None:
    before = machine(tmp_path / "root", store)(store)
    after = machine(tmp_path / "root", store, card="1b534d3030")(store)
    assert differ(before, after)
    assert [mark for mark in before if before[mark] != after[mark]] == [Mark.DISK]


def test_a_disk_behind_encryption_is_known_by_its_maker_s_number(tmp_path: Path, store: Path) -> None:
    before = machine(tmp_path / "root", store)(store)
    mapped = tmp_path / "root/sys/devices/dm-0"
    (mapped / "slaves").mkdir(parents=True)
    (mapped / "slaves/mmcblk0p2").symlink_to(tmp_path / "root/sys/devices/mmcblk0/mmcblk0p2")
    link = tmp_path / "root/sys/dev/block" / block_of(store)
    link.unlink()
    link.symlink_to(mapped)
    assert LocalMachine(tmp_path / "root")(store)[Mark.DISK] == before[Mark.DISK]


def test_what_cannot_be_read_proves_nothing(tmp_path: Path, store: Path) -> None:
    marks = machine(tmp_path / "root", store)(store)
    bare = LocalMachine(tmp_path / "nothing")(store)
    assert bare.keys() == {Mark.DEVICE}
    assert not differ(marks, bare)
    assert LocalMachine(tmp_path / "nothing")(tmp_path / "no folder" / "spool.db") == {}


def test_a_board_whose_number_is_all_zeros_has_none(tmp_path: Path, store: Path) -> None:
    root = tmp_path / "root"
    put(root, "sys/class/dmi/id/product_uuid", "00000000-0000-0000-0000-000000000000\n")
    assert Mark.BOARD not in LocalMachine(root)(store)


def test_a_named_file_system_is_known_by_its_name_and_not_by_its_device(tmp_path: Path, store: Path) -> None:
    names = tmp_path / "root/dev/disk/by-uuid"
    names.mkdir(parents=True)
    (names / "1d1c-36").symlink_to("/dev/null")
    unnamed = LocalMachine(tmp_path / "root")(store)
    assert (Mark.DEVICE in unnamed, Mark.FILE_SYSTEM in unnamed) == (True, False)
    volume = LocalMachine(tmp_path / "root")._file_system(os.stat("/dev/null").st_rdev)
    assert volume == "1d1c-36"


def test_this_machine_s_own_marks_stay(store: Path) -> None:
    assert LocalMachine()(store) == LocalMachine()(store)
