"""Draw a picture with 16 greys of plain ASCII, for terminals that can show nothing better."""

from __future__ import annotations

import os
from typing import Final

from protocol.codec import Primitive

from .budget import READING_LIMITS, TERMINAL_COLUMNS_MAX, TERMINAL_ROWS_MAX, ReadingLimits
from .errors import PhotoReaderStopped
from .exchange import MakeGreys
from .reader import ask_worker

# Dark to bright on a dark terminal, ordered by the ink measured in Liberation Mono.
GREY_RAMP: Final = " .-:;+LcxoXOD%W@"
_LABEL: Final = "the picture"


async def ascii_preview(
    avif: bytes, columns: int, rows: int, *, limits: ReadingLimits = READING_LIMITS
) -> list[str]:
    """`avif` in at most `rows` lines of at most `columns` ASCII characters, its proportions kept.

    Raises `PhotoRefused` if the bytes are no readable picture: they may have come from anywhere.
    """
    if not (1 <= columns <= TERMINAL_COLUMNS_MAX and 1 <= rows <= TERMINAL_ROWS_MAX):
        raise ValueError(f"a terminal picture has at most {TERMINAL_COLUMNS_MAX} x {TERMINAL_ROWS_MAX} cells")
    task = MakeGreys(columns, rows)
    source = _memory_file(avif)
    try:
        payload = await ask_worker(task, source, limits, label=_LABEL)
    finally:
        os.close(source)
    return _lines(payload, task)


def _memory_file(data: bytes) -> int:
    """A descriptor to read `data` from; in memory, since a picture of a patient must not touch the disk."""
    descriptor = os.memfd_create("picture", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _lines(payload: Primitive, task: MakeGreys) -> list[str]:
    match payload:
        case [int(width), bytes(cells)] if (
            1 <= width <= task.columns and len(cells) % width == 0 and 1 <= len(cells) // width <= task.rows
        ):
            drawn = "".join(GREY_RAMP[brightness * len(GREY_RAMP) // 256] for brightness in cells)
            return [drawn[start : start + width] for start in range(0, len(drawn), width)]
        case _:
            raise PhotoReaderStopped("its answer made no sense", label=_LABEL)
