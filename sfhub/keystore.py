"""The hub's private keys: files apart from the data, so that neither backup alone opens a case."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.case_keys import MasterKey
from protocol.header import prekey_id
from protocol.ids import KeyId, key_id_of
from protocol.keyring import LAST_RESORT
from protocol.prekeys import EPOCH_MAX

from .errors import FolderUnusable

_KEY_BYTES: Final = 32
_SIGNING: Final = "signing.key"
_TRANSPORT: Final = "transport.key"
_STORAGE: Final = "storage.key"
"""Wraps the keys of cases in hub.db: a stolen database or folder of pictures alone opens nothing."""
_OPENING_STEM: Final = "opening-"
_OPENING: Final = f"{_OPENING_STEM}*.key"
"""One file for each epoch, numbered; the newest is given out, older ones open what was sealed for them."""


class KeyStore:
    """The keys of one hub, in memory; opening keys come and go with their files."""

    def __init__(
        self,
        folder: Path,
        *,
        signing: Ed25519PrivateKey,
        transport: X25519PrivateKey,
        storage: MasterKey,
        epochs: Mapping[int, X25519PrivateKey],
    ) -> None:
        self.signing = signing
        self.transport = transport
        self.storage = storage
        self._folder = folder
        self._epochs = dict(epochs)

    @property
    def signing_public(self) -> bytes:
        return self.signing.public_key().public_bytes_raw()

    @property
    def signing_id(self) -> KeyId:
        return key_id_of(self.signing_public)

    @property
    def transport_public(self) -> bytes:
        return self.transport.public_key().public_bytes_raw()

    @property
    def epochs(self) -> Mapping[int, X25519PrivateKey]:
        """Opening keys by epoch; never empty."""
        return dict(self._epochs)

    @property
    def enrolment_public(self) -> bytes:
        """What a new site is given: the last resort, or the oldest key left if that was destroyed."""
        return self._epochs[min(self._epochs)].public_key().public_bytes_raw()

    @property
    def newest_id(self) -> bytes:
        """The short name of the key that peers are asked to seal for."""
        return prekey_id(self._epochs[max(self._epochs)].public_key().public_bytes_raw())

    @property
    def opening(self) -> Mapping[bytes, X25519PrivateKey]:
        """Every opening key under the short name that bundle headers use."""
        return {prekey_id(key.public_key().public_bytes_raw()): key for key in self._epochs.values()}

    def keep(self, epoch: int, private: X25519PrivateKey) -> None:
        """One more opening key, durable on return: only then may anybody be told to seal for it."""
        _write_once(self._folder / _opening_name(epoch), private.private_bytes_raw())
        _sync_folder(self._folder)
        self._epochs[epoch] = private

    def destroy(self, epoch: int) -> None:
        """Overwritten, removed, and gone on return; idempotent. What was sealed for it opens no more."""
        path = self._folder / _opening_name(epoch)
        self._epochs.pop(epoch, None)
        if path.exists():
            # Disks that remap blocks may keep a copy of what is overwritten: that is what encrypting the
            # whole disk is for.
            with path.open("r+b") as file:
                file.write(os.urandom(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        _sync_folder(self._folder)


def create_keys(folder: Path) -> KeyStore:
    """Draw the keys of a new hub; durable on return. Keys that are there already are kept."""
    for name, private in (
        (_SIGNING, Ed25519PrivateKey.generate().private_bytes_raw()),
        (_TRANSPORT, X25519PrivateKey.generate().private_bytes_raw()),
        (_STORAGE, os.urandom(_KEY_BYTES)),
        (_opening_name(LAST_RESORT), X25519PrivateKey.generate().private_bytes_raw()),
    ):
        _write_once(folder / name, private)
    _sync_folder(folder)
    return load_keys(folder)


def load_keys(folder: Path) -> KeyStore:
    """The keys as they lie in `folder`; `FolderUnusable` when one is missing or damaged."""
    epochs = {
        _epoch_of(path): X25519PrivateKey.from_private_bytes(_read(path)) for path in folder.glob(_OPENING)
    }
    if not epochs:
        raise _unusable(folder / _OPENING, "it is missing")
    return KeyStore(
        folder,
        signing=Ed25519PrivateKey.from_private_bytes(_read(folder / _SIGNING)),
        transport=X25519PrivateKey.from_private_bytes(_read(folder / _TRANSPORT)),
        storage=MasterKey(_read(folder / _STORAGE)),
        epochs=epochs,
    )


def _opening_name(epoch: int) -> str:
    return f"{_OPENING_STEM}{epoch:05d}.key"


def _epoch_of(path: Path) -> int:
    number = path.stem.removeprefix(_OPENING_STEM)
    if not (number.isascii() and number.isdecimal() and int(number) <= EPOCH_MAX):
        raise _unusable(path, "its name does not end in the number of an epoch")
    return int(number)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise _unusable(path, "other users may read it: chmod 600")
        private = path.read_bytes()
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be read") from error
    if len(private) != _KEY_BYTES:
        raise _unusable(path, f"it has {len(private)} bytes, not {_KEY_BYTES}")
    return private


def _write_once(path: Path, private: bytes) -> None:
    """Whole or not at all, and never over a key that something was sealed for."""
    if path.exists():
        return
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, cause: str) -> FolderUnusable:
    return FolderUnusable(
        f"The key file {path} cannot be used ({cause}). Nothing was changed. Restore it from the backup of "
        "the keys."
    )
