"""The key file of a vault: a random data key, wrapped under a passphrase and a secret of this device.

Neither a copied `vault.key` without `device.key`, nor both without the passphrase, opens anything; each guess
of the passphrase costs 64 MiB and about a fifth of a second.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from protocol.codec import decode, encode
from protocol.errors import MalformedInput
from sfnode.errors import NotFound, Refused, ValueRefused, WrongPassphrase

KEY_FILE: Final = "vault.key"
DEVICE_FILE: Final = "device.key"
DATA_KEY_BYTES: Final = 32
PASSPHRASE_BYTES_MIN: Final = 6
"""A six-digit PIN at the least. It protects a copied vault, whose thief lacks the device secret; whoever has
the whole disk tries a million PINs in days, so a machine that may be stolen wants a longer passphrase."""
PASSPHRASE_BYTES_MAX: Final = 1024
_MAGIC: Final = "sf-vault-key-1"
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_FILE_BYTES_MAX: Final = 1024
_MEMORY_KIB_MAX: Final = 1024 * 1024
_PASSES_MAX: Final = 16
_LANES_MAX: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretching:
    """Cost of one guess: Argon2id (RFC 9106, second recommended choice)."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4


class KeyFileDamaged(Refused):
    """The key file is not what was written; the vault itself was not touched."""

    code = "vault-key-damaged"


class DeviceKeyMissing(Refused):
    """The device secret is gone: the disk was copied, or a file was deleted."""

    code = "device-key-missing"


def create_key(folder: Path, passphrase: bytes, *, stretching: Stretching | None = None) -> bytes:
    """A new data key, and the two files that give it back; durable on return. `Refused` if a key file is
    there."""
    _check_passphrase(passphrase)
    if (folder / KEY_FILE).exists():
        raise Refused(
            f"There is a vault in {folder} already. Nothing was changed. Unlock it, or choose another folder."
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write_durably(folder / DEVICE_FILE, os.urandom(DATA_KEY_BYTES))
    data_key = os.urandom(DATA_KEY_BYTES)
    _wrap(folder, data_key, passphrase, stretching or Stretching())
    return data_key


def unwrap_key(folder: Path, passphrase: bytes) -> bytes:
    """The data key. `WrongPassphrase`, `NotFound`, `KeyFileDamaged` or `DeviceKeyMissing`."""
    head, nonce, wrapped, stretching, salt = _read(folder)
    wrapping = _stretch(passphrase, _device_secret(folder), salt, stretching)
    try:
        return ChaCha20Poly1305(wrapping).decrypt(nonce, wrapped, head)
    except InvalidTag as error:
        raise WrongPassphrase(
            "The passphrase does not open this vault. Nothing was changed or lost. Type it again."
        ) from error


def change_passphrase(folder: Path, old: bytes, new: bytes) -> None:
    """Wrap the same data key anew; killed at any moment, the old or the new passphrase opens the vault."""
    _check_passphrase(new)
    _wrap(folder, unwrap_key(folder, old), new, Stretching())


def _check_passphrase(passphrase: bytes) -> None:
    if not PASSPHRASE_BYTES_MIN <= len(passphrase) <= PASSPHRASE_BYTES_MAX:
        raise ValueRefused(
            f"A passphrase has {PASSPHRASE_BYTES_MIN} to {PASSPHRASE_BYTES_MAX} bytes. Nothing was changed. "
            "Choose another one."
        )


def _wrap(folder: Path, data_key: bytes, passphrase: bytes, stretching: Stretching) -> None:
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    head = _head(stretching, salt)
    wrapping = _stretch(passphrase, _device_secret(folder), salt, stretching)
    wrapped = ChaCha20Poly1305(wrapping).encrypt(nonce, data_key, head)
    _write_durably(folder / KEY_FILE, encode([head, nonce, wrapped]))


def _head(stretching: Stretching, salt: bytes) -> bytes:
    return encode([_MAGIC, stretching.memory_kib, stretching.passes, stretching.lanes, salt])


def _read(folder: Path) -> tuple[bytes, bytes, bytes, Stretching, bytes]:
    """The parts of the key file; its costs are bounded, so that an edited file cannot exhaust the machine."""
    try:
        data = (folder / KEY_FILE).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"There is no vault in {folder}. Make one with `sfnode init`.") from error
    try:
        match decode(data, size_bytes_max=_FILE_BYTES_MAX):
            case [bytes(head), bytes(nonce), bytes(wrapped)]:
                match decode(head, size_bytes_max=_FILE_BYTES_MAX):
                    case [str(magic), int(memory_kib), int(passes), int(lanes), bytes(salt)] if (
                        magic == _MAGIC
                        and 8 * lanes <= memory_kib <= _MEMORY_KIB_MAX
                        and 1 <= passes <= _PASSES_MAX
                        and 1 <= lanes <= _LANES_MAX
                        and (len(salt), len(nonce)) == (_SALT_BYTES, _NONCE_BYTES)
                        and len(wrapped) == DATA_KEY_BYTES + _TAG_BYTES
                    ):
                        stretching = Stretching(memory_kib=memory_kib, passes=passes, lanes=lanes)
                        return head, nonce, wrapped, stretching, salt
    except MalformedInput as error:
        raise _damaged(folder / KEY_FILE) from error
    raise _damaged(folder / KEY_FILE)


def _damaged(path: Path) -> KeyFileDamaged:
    return KeyFileDamaged(
        f"{path} is damaged, so the vault cannot be opened. The vault was not touched. "
        "Restore this file from a backup."
    )


def _device_secret(folder: Path) -> bytes:
    path = folder / DEVICE_FILE
    try:
        secret = path.read_bytes()
    except FileNotFoundError as error:
        raise DeviceKeyMissing(
            f"{path} is missing, and without it no passphrase opens the vault. The vault was not touched. "
            "Put the file back from this device's own backup."
        ) from error
    if len(secret) != DATA_KEY_BYTES:
        raise _damaged(path)
    return secret


def _stretch(passphrase: bytes, device_secret: bytes, salt: bytes, stretching: Stretching) -> bytes:
    return Argon2id(
        salt=salt,
        length=DATA_KEY_BYTES,
        iterations=stretching.passes,
        lanes=stretching.lanes,
        memory_cost=stretching.memory_kib,
        secret=device_secret,
    ).derive(passphrase)


def _write_durably(path: Path, data: bytes) -> None:
    """Whole or not at all, also through a power cut: new file, fsync, rename, fsync of the folder."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
