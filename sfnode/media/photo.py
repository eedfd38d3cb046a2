"""Make the layers of a photograph that are sent over a thin link, from a file that anybody may have made."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from protocol.errors import MalformedInput

from .budget import FILE_BYTES_MAX, PHOTO_BUDGET, READING_LIMITS, PhotoBudget, ReadingLimits
from .errors import (
    PhotoNotAFile,
    PhotoNotFound,
    PhotoNotPermitted,
    PhotoReaderStopped,
    PhotoRefused,
    PhotoTooLarge,
    PhotoUnreadable,
    file_label,
)
from .exchange import MakeLayers, layers_from_payload
from .layers import EncodedLayer, PhotoLayers
from .reader import ask_worker

__all__ = [
    "PHOTO_BUDGET",
    "READING_LIMITS",
    "EncodedLayer",
    "PhotoBudget",
    "PhotoLayers",
    "PhotoRefused",
    "ReadingLimits",
    "layers_from_file",
]

# A pipe or terminal that takes the file's place between two calls must not make us wait or become ours.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


async def layers_from_file(
    path: Path, budget: PhotoBudget = PHOTO_BUDGET, *, limits: ReadingLimits = READING_LIMITS
) -> PhotoLayers:
    """The layers of the photograph at `path`, upright, in sRGB, without metadata, each within `budget`.

    Raises `PhotoRefused`, whose text is for the user. The file is only read. The same file and Pillow
    give the same bytes.
    """
    label = file_label(path)
    descriptor = await asyncio.to_thread(_open_regular_file, path, label)
    try:
        payload = await ask_worker(MakeLayers(budget), descriptor, limits, label=label)
    finally:
        os.close(descriptor)
    try:
        return layers_from_payload(payload, budget)
    except MalformedInput as error:
        raise PhotoReaderStopped("its answer made no sense", label=label) from error


def _open_regular_file(path: Path, label: str) -> int:
    """A descriptor of the file at `path`, known to be a regular file of an allowed size."""
    with _refusing(label):
        # Before opening too, since opening a device can already have an effect.
        _check_file(os.stat(path), label)
        descriptor = os.open(path, _OPEN_FLAGS)
        try:
            _check_file(os.fstat(descriptor), label)
        except PhotoRefused:
            os.close(descriptor)
            raise
        return descriptor


def _check_file(status: os.stat_result, label: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise PhotoNotAFile(label=label)
    if status.st_size > FILE_BYTES_MAX:
        size_mb, most_mb = status.st_size // 1_000_000, FILE_BYTES_MAX // 1_000_000
        raise PhotoTooLarge(f"{size_mb} MB; at most {most_mb} MB", label=label)


@contextmanager
def _refusing(label: str) -> Iterator[None]:
    """Say what the operating system said, in the user's words."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PhotoNotFound(label=label) from error
    except PermissionError as error:
        raise PhotoNotPermitted(label=label) from error
    except ValueError as error:  # A NUL in the name.
        raise PhotoNotFound(label=label) from error
    except OSError as error:
        raise PhotoUnreadable(error.strerror or "", label=label) from error
