"""Photographs at simulated sites: files of a camera, and layers of stated sizes.

As with the seeds and the disks, the one place that every picture passes is replaced: reading one takes a
confined process, which virtual time has none of. Layers are noise, as what a camera has compressed is to all
that comes after; their manifest, sealing, custody, transfer and opening are the product's.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from protocol.sealing import sealed_size_bytes
from sfnode.api import case_calls
from sfnode.media.layers import EncodedLayer, PhotoLayers

PREVIEW_BYTES: Final = (1_200, 3_000)
STANDARD_BYTES: Final = (6_000, 20_000)
"""Usual sizes of the two layers."""
LAYER_HEAD_BYTES: Final = 14
"""Which case and layer it is, in front of a layer's own bytes; and the suite of its seal."""
_START: Final = b"\x00\x00\x00\x1cftypavif"
_SIDE_PX: Final = (256, 1_024)
_QUALITY: Final = 50
_READING: Final = "layers_from_file"


def take_picture(path: Path, *, preview_bytes: int, standard_bytes: int, seed: str) -> None:
    """A file that stands for a photograph with layers so large."""
    path.write_text(json.dumps([preview_bytes, standard_bytes, seed]), encoding="utf-8")


def take_usual_picture(folder: Path, seed: int) -> Path:
    """One of a usual size, in that folder, which is made if it is not there."""
    path, draw = folder / f"{seed}.jpg", random.Random(f"photograph/{seed}")
    folder.mkdir(exist_ok=True)
    take_picture(
        path,
        preview_bytes=draw.randint(*PREVIEW_BYTES),
        standard_bytes=draw.randint(*STANDARD_BYTES),
        seed=str(seed),
    )
    return path


def layer_bytes(sealed_bytes: int) -> int:
    """How large a layer is that takes so many bytes when it is sealed."""
    return sealed_bytes - (sealed_size_bytes(sealed_bytes) - sealed_bytes + LAYER_HEAD_BYTES)


@contextmanager
def pictures_taken() -> Iterator[None]:
    """While the context lasts, sites read the files of `take_picture` and no others."""
    reading = vars(case_calls)[_READING]
    vars(case_calls)[_READING] = _layers
    try:
        yield
    finally:
        vars(case_calls)[_READING] = reading


async def _layers(path: Path) -> PhotoLayers:
    data = await asyncio.to_thread(path.read_bytes)
    preview_bytes, standard_bytes, seed = json.loads(data)
    draw = random.Random(f"picture/{seed}")
    return PhotoLayers(
        preview=_layer(preview_bytes, _SIDE_PX[0], draw),
        standard=_layer(standard_bytes, _SIDE_PX[1], draw),
        source_sha256=sha256(data).digest(),
        source_width=4_000,
        source_height=3_000,
        metadata_removed=(),
        notes=(),
    )


def _layer(size_bytes: int, side_px: int, draw: random.Random) -> EncodedLayer:
    noise = draw.randbytes(max(1, size_bytes - len(_START)))
    return EncodedLayer(data=_START + noise, width=side_px, height=side_px, quality=_QUALITY)
