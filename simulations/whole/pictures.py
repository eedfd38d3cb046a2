"""Photographs of stated sizes at simulated sites.

As with the seeds and the disks, the one place that every picture passes is replaced: the picture worker is
a process of its own, and what it makes of a real photograph takes seconds. Layers are noise, which no seal
makes smaller; their manifest, sealing, custody, transfer and opening are the product's.
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

LAYER_HEAD_BYTES: Final = 14
"""Which case and layer it is, in front of a layer's own bytes; and the suite of its seal."""
_START: Final = b"\x00\x00\x00\x1cftypavif"
_SIDE_PX: Final = (256, 1_024)
_QUALITY: Final = 50


def take_picture(path: Path, *, preview_bytes: int, standard_bytes: int, seed: str) -> None:
    """A file that stands for a photograph whose layers are so large when they are sealed."""
    path.write_text(json.dumps([preview_bytes, standard_bytes, seed]), encoding="utf-8")


@contextmanager
def pictures_taken() -> Iterator[None]:
    """While the context lasts, sites read the files of `take_picture` and no others."""
    reading = vars(case_calls)["layers_from_file"]
    vars(case_calls)["layers_from_file"] = _layers
    try:
        yield
    finally:
        vars(case_calls)["layers_from_file"] = reading


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


def _layer(sealed_bytes: int, side_px: int, draw: random.Random) -> EncodedLayer:
    seal_bytes = sealed_size_bytes(sealed_bytes) - sealed_bytes + LAYER_HEAD_BYTES
    noise = draw.randbytes(max(1, sealed_bytes - seal_bytes - len(_START)))
    return EncodedLayer(data=_START + noise, width=side_px, height=side_px, quality=_QUALITY)
