"""What a picture may cost: its layers on the link, and its reading on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PhotoBudget:
    """How large each layer may be; bytes are a promise, sides are a wish that yields to the bytes."""

    preview_bytes_max: int = 3_000
    preview_side_px: int = 256
    standard_bytes_max: int = 20_000
    standard_side_px_max: int = 1_280
    # What a busy picture is scaled down to before its quality is lowered beyond use.
    standard_side_px_min: int = 1_024

    def __post_init__(self) -> None:
        if min(self.preview_bytes_max, self.standard_bytes_max) < LAYER_BYTES_MIN:
            raise ValueError(f"a layer needs at least {LAYER_BYTES_MIN} bytes")
        if not 1 <= self.preview_side_px <= self.standard_side_px_min <= self.standard_side_px_max:
            raise ValueError("sides must satisfy 1 <= preview <= standard minimum <= standard maximum")
        if self.standard_side_px_max > LAYER_SIDE_PX_MAX:
            raise ValueError(f"a side may have at most {LAYER_SIDE_PX_MAX} pixels")
        if max(self.preview_bytes_max, self.standard_bytes_max) > LAYER_BYTES_MAX:
            raise ValueError(f"a layer may have at most {LAYER_BYTES_MAX} bytes")


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What one picture may use of this machine while a worker reads it."""

    # An honest picture was measured at 2 to 5 s; machines at sites are slow, and a hostile file gets no more.
    cpu_s_max: int = 40
    wall_s_max: float = 90.0
    # Address space. The costliest picture within the pixel limits below was measured at less than this.
    memory_bytes_max: int = 768 * 1024 * 1024


# An AVIF of one pixel has 306 bytes; below this the search could end without a layer.
LAYER_BYTES_MIN: Final = 512
LAYER_BYTES_MAX: Final = 4_000_000
LAYER_SIDE_PX_MAX: Final = 4_096

PHOTO_BUDGET: Final = PhotoBudget()
READING_LIMITS: Final = ReadingLimits()

# A phone's 200-megapixel JPEG has 20 to 60 MB.
FILE_BYTES_MAX: Final = 64_000_000
# Of decoded pixels, at 4 bytes each.
DECODED_PIXELS_MAX: Final = 24_000_000
# A JPEG is decoded at 1/2, 1/4 or 1/8 scale row by row, so its header may promise more than that ...
JPEG_PIXELS_MAX: Final = 240_000_000
# ... but a progressive one keeps all coefficients in memory first, up to 6 bytes for each promised pixel.
PROGRESSIVE_JPEG_PIXELS_MAX: Final = 64_000_000

# A terminal is rarely larger; one worker answer stays below 64 KiB.
TERMINAL_COLUMNS_MAX: Final = 240
TERMINAL_ROWS_MAX: Final = 120

# Each worker may take `ReadingLimits.memory_bytes_max` of a machine that has other work too.
WORKERS_MAX: Final = 1
