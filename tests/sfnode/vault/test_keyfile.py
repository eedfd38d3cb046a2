"""The key file: opens with the right passphrase on the right device, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protocol.codec import encode
from sfnode.errors import NotFound, Refused, ValueRefused, WrongPassphrase
from sfnode.vault.keyfile import (
    DEVICE_FILE,
    KEY_FILE,
    DeviceKeyMissing,
    KeyFileDamaged,
    Stretching,
    change_passphrase,
    create_key,
    unwrap_key,
)

CHEAP = Stretching(memory_kib=64, passes=1, lanes=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_the_same_key_comes_back_and_its_files_are_private(folder: Path) -> None:
    key = create_key(folder, b"123456", stretching=CHEAP)
    assert len(key) == 32
    assert unwrap_key(folder, b"123456") == key
    assert {(folder / name).stat().st_mode & 0o777 for name in (KEY_FILE, DEVICE_FILE)} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert key not in (folder / KEY_FILE).read_bytes()


def test_each_guess_costs_what_it_should() -> None:
    assert Stretching() == Stretching(memory_kib=64 * 1024, passes=3, lanes=4)


@pytest.mark.parametrize("guess", [b"", b"123457", b"123456 ", b"x" * 2_000])
def test_a_wrong_passphrase(folder: Path, guess: bytes) -> None:
    create_key(folder, b"123456", stretching=CHEAP)
    with pytest.raises(WrongPassphrase, match="does not open this vault") as refusal:
        unwrap_key(folder, guess)
    assert (refusal.value.code, refusal.value.exit_code) == ("wrong-passphrase", 4)


def test_a_copied_key_file_opens_nothing_on_another_device(folder: Path, tmp_path: Path) -> None:
    create_key(folder, b"123456", stretching=CHEAP)
    thief = tmp_path / "copy"
    create_key(thief, b"654321", stretching=CHEAP)
    shutil.copy(folder / KEY_FILE, thief / KEY_FILE)
    with pytest.raises(WrongPassphrase):
        unwrap_key(thief, b"123456")
    (thief / DEVICE_FILE).unlink()
    with pytest.raises(DeviceKeyMissing, match=r"device\.key is missing"):
        unwrap_key(thief, b"123456")


def test_a_second_key_is_never_made_over_the_first(folder: Path) -> None:
    key = create_key(folder, b"123456", stretching=CHEAP)
    with pytest.raises(Refused, match="There is a vault in"):
        create_key(folder, b"123456", stretching=CHEAP)
    assert unwrap_key(folder, b"123456") == key


def test_no_vault_and_bad_passphrases_are_said(folder: Path) -> None:
    with pytest.raises(NotFound, match="sfnode init"):
        unwrap_key(folder, b"123456")
    for unfit in (b"12345", b"x" * 1_025):
        with pytest.raises(ValueRefused, match="6 to 1024 bytes"):
            create_key(folder, unfit, stretching=CHEAP)
    assert not folder.exists()


def test_every_damaged_byte_is_noticed(folder: Path) -> None:
    key = create_key(folder, b"123456", stretching=CHEAP)
    good = (folder / KEY_FILE).read_bytes()
    for at in range(len(good)):
        (folder / KEY_FILE).write_bytes(good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :])
        with pytest.raises((KeyFileDamaged, WrongPassphrase)):
            unwrap_key(folder, b"123456")
        (folder / KEY_FILE).write_bytes(good[:at])
        with pytest.raises(KeyFileDamaged, match="Restore this file from a backup"):
            unwrap_key(folder, b"123456")
    (folder / KEY_FILE).write_bytes(good)
    assert unwrap_key(folder, b"123456") == key
    (folder / DEVICE_FILE).write_bytes(b"short")
    with pytest.raises(KeyFileDamaged):
        unwrap_key(folder, b"123456")


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes"), [(2**30, 1, 1), (64, 10**6, 1), (64, 1, 10**6), (0, 0, 0), (64, 1, 0)]
)
def test_an_edited_file_cannot_make_a_guess_exhaust_the_machine(
    folder: Path, memory_kib: int, passes: int, lanes: int
) -> None:
    create_key(folder, b"123456", stretching=CHEAP)
    head = encode(["sf-vault-key-1", memory_kib, passes, lanes, b"s" * 16])
    (folder / KEY_FILE).write_bytes(encode([head, b"n" * 12, b"w" * 48]))
    with pytest.raises(KeyFileDamaged):
        unwrap_key(folder, b"123456")


def test_a_changed_passphrase_opens_the_same_vault(folder: Path) -> None:
    key = create_key(folder, b"123456", stretching=CHEAP)
    with pytest.raises(WrongPassphrase):
        change_passphrase(folder, b"000000", b"abcdef")
    with pytest.raises(ValueRefused):
        change_passphrase(folder, b"123456", b"abc")
    assert unwrap_key(folder, b"123456") == key
    change_passphrase(folder, b"123456", b"abcdef")
    assert unwrap_key(folder, b"abcdef") == key
    with pytest.raises(WrongPassphrase):
        unwrap_key(folder, b"123456")
    assert sorted(path.name for path in folder.iterdir()) == [DEVICE_FILE, KEY_FILE]
