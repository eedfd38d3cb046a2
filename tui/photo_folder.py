"""Pictures in a folder, newest first, for a path typed by a person; reads names and times, no picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENTRIES_MAX: Final = 5_000
"""Entries of a folder that are looked at; a camera card has a few thousand."""
SHOWN_MAX: Final = 200
PICTURES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".tif", ".tiff", ".bmp", ".gif"}
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry that the path typed so far may mean."""

    path: str
    name: str
    is_folder: bool
    size_bytes: int
    changed_s: float


def find_pictures(typed: str) -> tuple[Listed, ...]:
    """Pictures and folders that begin as typed: pictures by age, newest first, then folders by name.

    A folder that cannot be read has none; only its owner can mend that.
    """
    path = Path(os.path.expanduser(typed))
    folder, start = (path, "") if typed.endswith(os.sep) or path.is_dir() else (path.parent, path.name)
    try:
        with os.scandir(folder) as entries:
            found = [
                listed
                for entry, _ in zip(entries, range(ENTRIES_MAX), strict=False)
                if (listed := _listed(entry))
            ]
    except OSError:
        return ()
    wanted = [each for each in found if each.name.casefold().startswith(start.casefold())]
    wanted.sort(key=lambda each: (each.is_folder, each.name if each.is_folder else "", -each.changed_s))
    return tuple(wanted[:SHOWN_MAX])


def absolute_file(typed: str) -> str | None:
    """The file that was typed, as any process finds it; None when there is no such file."""
    # Unlike Path's own, this leaves the home of an unknown user as it was typed.
    path = Path(os.path.expanduser(typed)).absolute()
    return str(path) if path.is_file() else None


def default_folder() -> Path:
    """Where phones and cameras are usually imported to; the home folder when there is none."""
    pictures = Path.home() / "Pictures"
    return pictures if pictures.is_dir() else Path.home()


def _listed(entry: os.DirEntry[str]) -> Listed | None:
    if entry.name.startswith("."):
        return None
    try:
        is_folder = entry.is_dir()
        if not is_folder and Path(entry.name).suffix.casefold() not in PICTURES:
            return None
        status = entry.stat()
    except OSError:
        return None
    return Listed(entry.path, entry.name, is_folder, status.st_size, status.st_mtime)
