"""The hub's private keys: files apart from the data, so that neither backup alone opens a case."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.ids import KeyId, key_id_of
from protocol.sealing import prekey_id

from .errors import FolderUnusable

_KEY_BYTES: Final = 32
_SIGNING: Final = "signing.key"
_TRANSPORT: Final = "transport.key"
_OPENING: Final = "opening-*.key"
"""One file for each epoch, numbered; the newest is given out, older ones open what was sealed for them."""


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The keys of one hub, in memory."""

    signing: Ed25519PrivateKey
    transport: X25519PrivateKey
    epochs: tuple[X25519PrivateKey, ...]
    """Opening keys, oldest first; never empty."""

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
    def opening_public(self) -> bytes:
        """The newest prekey: what a site seals for."""
        return self.epochs[-1].public_key().public_bytes_raw()

    @property
    def opening(self) -> Mapping[bytes, X25519PrivateKey]:
        """Every opening key under the short name that bundle headers use."""
        return {prekey_id(key.public_key().public_bytes_raw()): key for key in self.epochs}


def create_keys(folder: Path) -> KeyStore:
    """Draw the keys of a new hub; durable on return. Keys that are there already are kept."""
    for name, private in (
        (_SIGNING, Ed25519PrivateKey.generate().private_bytes_raw()),
        (_TRANSPORT, X25519PrivateKey.generate().private_bytes_raw()),
        (_OPENING.replace("*", "0001"), X25519PrivateKey.generate().private_bytes_raw()),
    ):
        _write_once(folder / name, private)
    _sync_folder(folder)
    return load_keys(folder)


def load_keys(folder: Path) -> KeyStore:
    """The keys as they lie in `folder`; `FolderUnusable` when one is missing or damaged."""
    epochs = tuple(X25519PrivateKey.from_private_bytes(_read(path)) for path in sorted(folder.glob(_OPENING)))
    if not epochs:
        raise _unusable(folder / _OPENING, "it is missing")
    return KeyStore(
        signing=Ed25519PrivateKey.from_private_bytes(_read(folder / _SIGNING)),
        transport=X25519PrivateKey.from_private_bytes(_read(folder / _TRANSPORT)),
        epochs=epochs,
    )


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
