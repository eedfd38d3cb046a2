"""What a power cut leaves of a machine's files that are no databases: keys, pictures, settings.

Content is certain once the file was synced, a name once its folder was; of all else the cut keeps what it
likes. Databases are `PowerCut`'s: their library syncs for itself.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .power import torn

_LEFT_ALONE: Final = (".db", "-wal", "-shm", ".lock", ".sock", "reserve")
"""Databases, and what means nothing without its process."""


class FileSyncs:
    """The certain state of one life's files, beside the files themselves."""

    def __init__(self, root: Path) -> None:
        """Whatever lies in `root` now is certain."""
        self.root = root
        self.lies = False
        """Syncs are answered, and nothing comes of them."""
        self._names: dict[Path, dict[str, int]] = {}
        """Of each folder: inodes by name."""
        self._contents: dict[int, bytes] = {}
        for folder in _folders_of(root):
            self._names[folder] = _names_in(folder)
            for path in _files_of(folder):
                self._contents[path.stat().st_ino] = path.read_bytes()

    def synced(self, path: Path) -> None:
        """An fsync of a file or folder has returned."""
        if self.lies or is_left_alone(path) or not path.is_relative_to(self.root):
            return
        if path.is_dir():
            self._names[path] = _names_in(path)
        else:
            self._contents[path.stat().st_ino] = path.read_bytes()

    def tear(self, disk: Path, *, seed: int) -> tuple[str, ...]:
        """Make of `disk`, a copy of the root, what a cut leaves; the names of files not as written."""
        draw = random.Random(f"files/{seed}")
        lost: list[str] = []
        for folder in sorted({*self._names, *_folders_of(self.root)}):
            left = disk / folder.relative_to(self.root)
            # One whose own name did not outlive the cut has taken everything in it along.
            if folder.exists() and left.exists():
                lost += self._tear_folder(folder, left, draw)
        return tuple(lost)

    def _tear_folder(self, folder: Path, left: Path, draw: random.Random) -> Iterator[str]:
        written = _names_in(folder)
        certain = self._names.get(folder, {})
        keeps_changes = draw.choice((0.0, 0.5, 1.0))
        for name in sorted({*written, *certain}):
            path = folder / name
            if is_left_alone(path):
                continue
            if written.get(name) != certain.get(name) and draw.random() >= keeps_changes:
                yield from self._undo_name(left / name, certain.get(name))
            elif path.is_file() and (content := self._left_of(path, draw)) != path.read_bytes():
                (left / name).write_bytes(content)
                yield name

    def _undo_name(self, path: Path, inode: int | None) -> Iterator[str]:
        """Whatever the name stands for now, it stands for what it stood for before."""
        if path.is_dir() and inode is None:
            shutil.rmtree(path)
        elif inode is None:
            path.unlink(missing_ok=True)
        elif inode in self._contents:
            path.write_bytes(self._contents[inode])
        yield path.name

    def _left_of(self, path: Path, draw: random.Random) -> bytes:
        return torn(self._contents.get(path.stat().st_ino, b""), path.read_bytes(), draw)


def _folders_of(root: Path) -> list[Path]:
    return [root, *(path for path in root.rglob("*") if path.is_dir())]


def _files_of(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() and not is_left_alone(path))


def _names_in(folder: Path) -> dict[str, int]:
    return {path.name: path.lstat().st_ino for path in folder.iterdir()}


def is_left_alone(path: Path) -> bool:
    """Whether it is a database, or means nothing to the next program."""
    return path.name.endswith(_LEFT_ALONE)
