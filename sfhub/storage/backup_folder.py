"""Backups as folders: one for each, with a manifest that holds the digest of every file in it.

Law: a folder that is listed as a backup is whole; one in the making has another name until it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Final

from sync.stores.connection import Connection
from sync.stores.snapshot import open_copy

from ..errors import BackupDamaged, NotFound

Progressed = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much is; may raise to give up."""

MANIFEST: Final = "manifest.json"
DATABASE: Final = "hub.db"
CUSTODY: Final = "custody.db"
SETTINGS: Final = "hub.toml"
OBJECTS: Final = "objects"
FORMAT: Final = 1
MANIFEST_BYTES_MAX: Final = 256 * 1024 * 1024
"""A million pictures; more is not a manifest of ours."""
_IN_THE_MAKING: Final = ".making-"
_WHOSE_DIGITS: Final = 8
_MAKING: Final = re.compile(rf"{re.escape(_IN_THE_MAKING)}[0-9a-f]{{{_WHOSE_DIGITS}}}-[0-9a-f]+")
_DIGEST_BYTES: Final = 32
_READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMark:
    """What a file must be."""

    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds, and of which moment of which hub."""

    backup_id: str
    organisation: str
    hub: str
    signing_key: str
    """Hex id of the key the hub signs with: only that hub's `keys/` open the backup."""
    made_s: float
    files: Mapping[str, FileMark]
    """By path inside the folder."""
    rows: Mapping[str, Mapping[str, int]]
    """By database and table, counted in the original."""
    custody: Mapping[str, int]
    """Digests of custody, computed from the original."""
    erased: tuple[str, ...] = ()
    """Cases that were erased while the backup was made: their pictures are not in it."""

    @property
    def size_bytes(self) -> int:
        return sum(mark.size_bytes for mark in self.files.values())


@dataclass(frozen=True, slots=True)
class Backup:
    """One whole backup."""

    folder: Path
    manifest: Manifest


def folder_in_the_making(into: Path, backup_id: str, signing_key: str) -> Path:
    """Where a hub makes a backup before it has its name; nothing is created yet. `into` is absolute."""
    if not into.is_absolute():
        raise ValueError(f"{into} is not absolute")
    return into / f"{_IN_THE_MAKING}{signing_key[:_WHOSE_DIGITS]}-{backup_id}"


def begin(folder: Path) -> None:
    """Make a folder of `folder_in_the_making`; what interrupted backups of the same hub have left beside it
    goes. A hub makes one at a time, so that none of its others is under way; of another hub's, one may be."""
    _refuse_others(folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        give_up(left)
    (folder / OBJECTS).mkdir(mode=0o700, parents=True)


def finish(folder: Path, manifest: Manifest, name: str) -> Backup:
    """The folder becomes a backup called `name`; durable on return."""
    _refuse_others(folder)
    body = json.dumps(asdict(manifest) | {"format": FORMAT}, ensure_ascii=True).encode()
    write_durably(folder / MANIFEST, body + b"\n" + _digest(body).encode() + b"\n")
    for place in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        sync_folder(place)
    whole = folder.with_name(name)
    folder.rename(whole)
    sync_folder(whole.parent)
    return Backup(whole, manifest)


def give_up(folder: Path) -> None:
    """What was made so far goes; a disk that refuses is ignored."""
    _refuse_others(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _refuse_others(folder: Path) -> None:
    """`ValueError` for anything but a backup in the making: nothing else is ever deleted or renamed here,
    whatever a caller's mistake may name."""
    if not folder.is_absolute() or _MAKING.fullmatch(folder.name) is None:
        raise ValueError(f"{folder} is not a backup in the making")


def read_backup(folder: Path) -> Backup:
    """`NotFound` when there is none, `BackupDamaged` when its manifest is not what was written."""
    path = folder / MANIFEST
    try:
        size_bytes = path.stat().st_size
        data = path.read_bytes() if size_bytes <= MANIFEST_BYTES_MAX else b""
    except FileNotFoundError as error:
        raise NotFound(f"{folder} holds no backup of a hub. List those of a folder: backup list") from error
    except OSError as error:
        raise BackupDamaged(f"{path} cannot be read ({error.strerror}). Use another backup.") from error
    body, _, written = data.rstrip(b"\n").rpartition(b"\n")
    if _digest(body).encode() != written:
        raise BackupDamaged(f"{path} is not what was written. Use another backup.")
    return Backup(folder, _manifest(json.loads(body), path))


def list_backups(into: Path) -> tuple[Backup, ...]:
    """Every readable backup in a folder, oldest first."""
    found = []
    for path in into.glob(f"*/{MANIFEST}"):
        if not path.parent.name.startswith(_IN_THE_MAKING):
            try:
                found.append(read_backup(path.parent))
            except BackupDamaged:
                continue
    return tuple(sorted(found, key=lambda backup: backup.manifest.made_s))


def chosen_backup(place: Path) -> Backup:
    """The backup in `place`, or the newest in that folder. `NotFound`, `BackupDamaged`."""
    if (place / MANIFEST).exists():
        return read_backup(place)
    listed = list_backups(place)
    if not listed:
        raise NotFound(f"{place} holds no backup of a hub. Make one with: sfhub backup create {place}")
    return listed[-1]


def mark_of(path: Path) -> FileMark:
    """Size and digest of a file as it lies there."""
    hashing = blake2b(digest_size=_DIGEST_BYTES)
    size_bytes = 0
    with path.open("rb") as file:
        for block in _blocks(file):
            hashing.update(block)
            size_bytes += len(block)
    return FileMark(size_bytes=size_bytes, digest=hashing.hexdigest())


def copy_durably(source: Path, target: Path) -> FileMark:
    """Copy a file, and the mark of what was copied."""
    hashing = blake2b(digest_size=_DIGEST_BYTES)
    size_bytes = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as writing:
        for block in _blocks(reading):
            writing.write(block)
            hashing.update(block)
            size_bytes += len(block)
        writing.flush()
        os.fsync(writing.fileno())
    return FileMark(size_bytes=size_bytes, digest=hashing.hexdigest())


def link_or_copy(source: Path, target: Path, earlier: Backup | None, name: str) -> FileMark:
    """The file from an earlier backup if it is there and unharmed, so that it is stored once; else a copy.
    `FileNotFoundError` when the source has it no longer."""
    mark = None if earlier is None else earlier.manifest.files.get(name)
    if earlier is not None and mark is not None and source.exists():
        with suppress(OSError):
            target.hardlink_to(earlier.folder / name)
            if mark_of(target) == mark:
                return mark
        target.unlink(missing_ok=True)
    return copy_durably(source, target)


@contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """A copy of a database, open for reading."""
    connection = open_copy(path)
    try:
        yield connection
    finally:
        connection.close()


def write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_READ_BYTES):
        yield block


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def _manifest(values: Any, path: Path) -> Manifest:
    if values.get("format") != FORMAT:
        raise BackupDamaged(
            f"{path} was written by a newer version of this software. Nothing was changed. Install that one."
        )
    return Manifest(
        backup_id=values["backup_id"],
        organisation=values["organisation"],
        hub=values["hub"],
        signing_key=values["signing_key"],
        made_s=values["made_s"],
        files={name: FileMark(**mark) for name, mark in values["files"].items()},
        rows=values["rows"],
        custody=values["custody"],
        erased=tuple(values["erased"]),
    )
