"""Where a store lies: marks of the machine, the disk and the file system that a copy elsewhere does not have.

Law: a mark is a hash, never the number itself; one that cannot be read is left out, and proves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Final

_MARK_BYTES: Final = 8
_FACT_BYTES_MAX: Final = 256
"""Serial numbers are shorter."""
_ZEROS: Final = frozenset("0-\x00 ")
"""Boards without a serial number give one of zeros."""


class Mark(StrEnum):
    """What is marked; the value is stored and never changes its meaning. Host name and kernel are not among
    them: they change while the store stays where it is."""

    MACHINE = "machine"
    """The installed system."""
    BOARD = "board"
    DISK = "disk"
    """The medium itself: a card copied bit by bit has another."""
    FILE_SYSTEM = "file system"
    DEVICE = "device"
    """A weaker sign of the file system, where it has no name of its own."""


Marks = Mapping[Mark, str]
Surroundings = Callable[[Path], Marks]
"""The marks of the place where that file lies."""


class LocalMachine:
    """The marks of this machine. `root` is where its files are looked for."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def __call__(self, path: Path) -> Marks:
        """Of what holds the folder of `path`; waits for the disk, raises nothing."""
        facts = {
            Mark.MACHINE: self._read("etc/machine-id"),
            Mark.BOARD: self._read("sys/class/dmi/id/product_uuid")
            or self._read("proc/device-tree/serial-number"),
            **self._place(path.parent),
        }
        return {mark: _hashed(mark, fact) for mark, fact in facts.items() if set(fact) - _ZEROS}

    def _place(self, folder: Path) -> Marks:
        try:
            device, volume = os.stat(folder).st_dev, os.statvfs(folder)
        except OSError:
            return {}
        name = self._file_system(device)
        weaker = {} if name else {Mark.DEVICE: f"{volume.f_fsid:x}"}
        return {Mark.DISK: self._disk(device), Mark.FILE_SYSTEM: name, **weaker}

    def _file_system(self, device: int) -> str:
        """Its UUID, under which the system lists the device."""
        try:
            names = sorted((self._root / "dev/disk/by-uuid").iterdir())
            return next((name.name for name in names if os.stat(name).st_rdev == device), "")
        except OSError:
            return ""

    def _disk(self, device: int) -> str:
        """The number its maker gave the medium that holds the device, behind layers of encryption too."""
        numbered = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
        for block in self._layers((self._root / numbered).resolve()):
            for name in ("device/cid", "wwid", "device/wwid", "device/serial"):
                if fact := self._read(block / name):
                    return fact
        return ""

    def _layers(self, block: Path) -> Iterator[Path]:
        """The device, the disk it is a part of, and what it is mapped onto."""
        yield block
        yield block.parent
        try:
            below = sorted((block / "slaves").iterdir())
        except OSError:
            return
        for slave in below[:1]:
            yield slave.resolve()
            yield slave.resolve().parent

    def _read(self, name: str | Path) -> str:
        try:
            with (self._root / name).open("rb") as file:
                return file.read(_FACT_BYTES_MAX).decode("ascii", "replace").strip(" \n\x00")
        except OSError:
            return ""


def differ(before: Marks, now: Marks) -> bool:
    """Whether a mark that could be read both times is another."""
    return any(before[mark] != now[mark] for mark in before.keys() & now.keys())


def _hashed(mark: Mark, fact: str) -> str:
    hashed = blake2b(f"{mark}:{fact}".encode(), digest_size=_MARK_BYTES, person=b"sf-store-place")
    return hashed.hexdigest()
