"""The identity of a store: a note outside the database, and outside of every backup, of where the store
lies and how much it has given out.

Law: what the note says was given out was durable in the database before. So a database that has less than its
note was restored, and one that has lost its note, or lies in another place, was copied or moved.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Final

from .incidents import IncidentKind
from .machine import LocalMachine, Mark, Marks, Surroundings, differ

NOTED_EVERY: Final = 16
"""Numbers and sessions between two writings of the note, so that few changes pay for it. After a crash, a
restored database that lacks fewer than these is found out by its peers alone."""
NOTE_BYTES_MAX: Final = 4096
_VERSION: Final = 1
_MARK_BYTES: Final = 8


class Finding(StrEnum):
    """What opening a store found of its identity."""

    UNGUARDED = "unguarded"
    """There is no note to compare with, nor can there be one."""
    NEW = "new"
    KEPT = "kept"
    RESTORED = "restored"
    MOVED = "moved"
    MISSING = "missing"
    """The note was there once and is gone, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """Why every pair of the store begins a new incarnation."""

    kind: IncidentKind
    reason: str


RENEWALS: Final[Mapping[Finding, Renewal]] = {
    Finding.RESTORED: Renewal(IncidentKind.RESTORED, "it was restored from an older backup"),
    Finding.MOVED: Renewal(IncidentKind.MOVED, "it was moved to another device or disk, or copied"),
    Finding.MISSING: Renewal(
        IncidentKind.MOVED, "the note of its identity is missing: it was moved, copied or restored"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityNote:
    """What is remembered outside the database."""

    given_out: int
    """Numbers and sessions that the database is certain to have given out."""
    marks: Marks

    def encoded(self) -> bytes:
        text = json.dumps(
            {"version": _VERSION, "given_out": self.given_out, "marks": dict(self.marks)}, sort_keys=True
        ).encode()
        return _check_of(text) + b"\n" + text + b"\n"

    @classmethod
    def decoded(cls, data: bytes) -> IdentityNote | None:
        """None for anything but what was written."""
        check, _, text = data.partition(b"\n")
        if check != _check_of(text.rstrip(b"\n")):
            return None
        match json.loads(text):
            case {"version": int(version), "given_out": int(given_out), "marks": dict(marks)} if (
                version == _VERSION
            ):
                known = {Mark(name): str(mark) for name, mark in marks.items() if name in set(Mark)}
                return cls(given_out=given_out, marks=known)
        return None


class Sidecar:
    """The file of one store's note. Its methods wait for the disk."""

    def __init__(self, path: Path, surroundings: Surroundings | None = None) -> None:
        self.path = path
        self._surroundings = surroundings or LocalMachine()

    def marks_of(self, store: Path) -> Marks:
        """The marks of where the store lies."""
        return self._surroundings(store)

    def read(self) -> IdentityNote | None:
        """None when it is missing, or is not what was written."""
        try:
            with self.path.open("rb") as file:
                return IdentityNote.decoded(file.read(NOTE_BYTES_MAX))
        except OSError:
            return None

    def write(self, note: IdentityNote) -> None:
        """Replace the note; durable on return, the old or the new one at any moment. Raises OSError."""
        self._make_folder()
        draft = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(note.encoded())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        sync_folder(self.path.parent)

    def can_be_written(self) -> bool:
        """Whether `write` is likely to succeed."""
        try:
            self._make_folder()
        except OSError:
            return False
        return self.path.parent.is_dir() and os.access(self.path.parent, os.W_OK | os.X_OK)

    def _make_folder(self) -> None:
        """The folder of notes, with all above it; what is there is left as it is."""
        missing = [self.path.parent, *self.path.parent.parents]
        for folder in reversed([each for each in missing if not each.exists()]):
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)


def sidecar_of(store: Path, folder: Path | None) -> Sidecar | None:
    """The note of the store at `store`, in `folder` if any; its name says which store, so that a copy in
    another place has none."""
    name = blake2b(os.fsencode(store.resolve()), digest_size=_MARK_BYTES).hexdigest() + ".identity"
    return None if folder is None else Sidecar(folder / name)


def finding_of(
    note: IdentityNote | None, marks: Marks, *, given_out: int, had_note: bool, can_be_written: bool
) -> Finding:
    """What a database that has given out so much is, beside that note and in that place."""
    if note is None:
        if not given_out:
            return Finding.NEW
        # Where no note can be kept, its absence says nothing: each start would begin a new incarnation.
        return Finding.MISSING if had_note or can_be_written else Finding.UNGUARDED
    if given_out < note.given_out:
        return Finding.RESTORED
    return Finding.MOVED if differ(note.marks, marks) else Finding.KEPT


def sync_folder(folder: Path) -> None:
    """The names in it outlive a power cut from here on. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_of(text: bytes) -> bytes:
    return blake2b(text, digest_size=_MARK_BYTES, person=b"sf-identity").hexdigest().encode()
