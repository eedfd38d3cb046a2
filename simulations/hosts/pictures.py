"""Photographs in simulated worlds: files of a camera, and layers as large as those that are really made.

Reading a picture takes a confined process, which virtual time has none of; what a camera has compressed looks
like chance to all that comes after, so chance stands in for the layers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from sfnode.api import case_calls
from sfnode.media.layers import EncodedLayer, PhotoLayers

FILE_BYTES: Final = 64
PREVIEW_BYTES: Final = (1_200, 3_000)
STANDARD_BYTES: Final = (6_000, 20_000)
_READING: Final = "layers_from_file"
_WIDTH, _HEIGHT = 3_000, 4_000


def photograph(folder: Path, seed: int) -> Path:
    """A file that a camera has left, made if it is not there."""
    path = folder / f"{seed}.jpg"
    folder.mkdir(exist_ok=True)
    path.write_bytes(random.Random(f"photograph/{seed}").randbytes(FILE_BYTES))
    return path


@contextmanager
def layers_of_chance() -> Iterator[None]:
    """While the context lasts, the layers of a photograph follow from its bytes."""
    before = getattr(case_calls, _READING)
    setattr(case_calls, _READING, _layers)
    try:
        yield
    finally:
        setattr(case_calls, _READING, before)


async def _layers(path: Path) -> PhotoLayers:
    content = await asyncio.to_thread(path.read_bytes)
    draw = random.Random(content)
    return PhotoLayers(
        preview=EncodedLayer(draw.randbytes(draw.randint(*PREVIEW_BYTES)), 192, 256, 40),
        standard=EncodedLayer(draw.randbytes(draw.randint(*STANDARD_BYTES)), 960, 1_280, 50),
        source_sha256=sha256(content).digest(),
        source_width=_WIDTH,
        source_height=_HEIGHT,
        metadata_removed=(),
        notes=(),
    )
