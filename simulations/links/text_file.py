"""Reads a description that somebody wrote, as text: there, small enough, and in UTF-8."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from .errors import ProfileError

TEXT_BYTES_MAX: Final = 1_000_000


def read_text(source: Traversable | Path, *, shown_as: str, kind: str) -> str:
    """The whole text; raises `ProfileError`, which says what it cannot be: no `kind`."""
    try:
        with source.open("rb") as stream:
            raw = stream.read(TEXT_BYTES_MAX + 1)
    except OSError as error:
        raise ProfileError(f"{shown_as} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # A path with a null in it.
        raise ProfileError(f"{shown_as!r} cannot be read: {error}.") from error
    if len(raw) > TEXT_BYTES_MAX:
        raise ProfileError(f"{shown_as} is larger than {TEXT_BYTES_MAX} bytes, so it is no {kind}.")
    try:
        return raw.decode("utf-8-sig")  # Editors of some systems begin a file with a mark.
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ProfileError(f"{shown_as}, line {line}: not UTF-8 text.") from error
