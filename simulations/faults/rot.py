"""Bits that flip on a disk at rest."""

from __future__ import annotations

import random
from pathlib import Path


def flip_bits(path: Path, wanted: bytes, *, seed: int) -> bool:
    """Flip one bit inside a place of the file that holds `wanted`; False if none does."""
    content = bytearray(path.read_bytes())
    at = content.find(wanted)
    if at < 0:
        return False
    bit = random.Random(f"rot/{seed}").randrange(8 * len(wanted))
    content[at + bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    return True
