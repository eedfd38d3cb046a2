"""The picture worker, `python -m sfnode.media.worker`: a picture on stdin, an answer on stdout, the end.

It knows no case, no key and no address; see `confinement` for what it gives up before it reads a byte.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Final, assert_never

from PIL import Image

from protocol.codec import Primitive

from .budget import FILE_BYTES_MAX, JPEG_PIXELS_MAX
from .colour import plain_picture
from .confinement import confine
from .decoding import decode_picture
from .errors import PhotoReaderStopped, PhotoRefused, PhotoTooLarge, PhotoUnreadable
from .exchange import (
    MakeGreys,
    MakeLayers,
    Task,
    framed_refusal,
    framed_result,
    layers_payload,
    parse_task,
)
from .fitting import encode_layers
from .layers import PhotoLayers

# Twice the longest layer side: enough to scale down from without softness, little enough to keep in memory.
_OVERSAMPLING: Final = 2
# A character cell of a terminal is about twice as high as wide.
_CELL_ASPECT: Final = 2


def main() -> None:
    """Do the task of the command line and write its answer."""
    task, limits = parse_task(sys.argv[1:])
    # Pillow's own limit holds too, for sizes that appear only while decoding; ours come first.
    Image.MAX_IMAGE_PIXELS = JPEG_PIXELS_MAX
    # It loads its commonest plugins at the first picture, which would be too late.
    Image.preinit()
    confine(limits)
    sys.stdout.buffer.write(_answer(task))
    sys.stdout.buffer.flush()


def _answer(task: Task) -> bytes:
    try:
        return framed_result(_work(task, _read_picture()))
    except PhotoRefused as refusal:
        return framed_refusal(refusal)
    except MemoryError:
        return framed_refusal(PhotoReaderStopped("it needs more memory than a picture may take"))


def _read_picture() -> bytes:
    try:
        data = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise PhotoUnreadable(error.strerror or "") from error
    if len(data) > FILE_BYTES_MAX:
        raise PhotoTooLarge(f"more than {FILE_BYTES_MAX // 1_000_000} MB")
    return data


def _work(task: Task, data: bytes) -> Primitive:
    match task:
        case MakeLayers(budget):
            side_px = _OVERSAMPLING * budget.standard_side_px_max
            decoded = decode_picture(data, side_px_wanted=side_px)
            picture, notes = plain_picture(decoded, side_px_max=side_px)
            preview, standard = encode_layers(picture, budget)
            return layers_payload(
                PhotoLayers(
                    preview=preview,
                    standard=standard,
                    source_sha256=hashlib.sha256(data).digest(),
                    source_width=decoded.source_width,
                    source_height=decoded.source_height,
                    metadata_removed=decoded.metadata,
                    notes=decoded.notes + notes,
                )
            )
        case MakeGreys(columns, rows):
            return _greys(data, columns, rows)
        case _:
            assert_never(task)


def _greys(data: bytes, columns: int, rows: int) -> Primitive:
    """Columns used, and one brightness from 0 to 255 for each cell, row by row."""
    decoded = decode_picture(data, side_px_wanted=columns)
    picture, _ = plain_picture(decoded, side_px_max=max(decoded.image.size))
    scale = min(columns / picture.width, rows * _CELL_ASPECT / picture.height)
    width = min(columns, max(1, round(picture.width * scale)))
    height = min(rows, max(1, round(picture.height * scale / _CELL_ASPECT)))
    cells = picture.convert("L").resize((width, height), Image.Resampling.LANCZOS)
    return [width, cells.tobytes()]


if __name__ == "__main__":
    main()
