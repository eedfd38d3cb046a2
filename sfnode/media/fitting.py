"""Encode a picture as AVIF within a number of bytes, as well as that number allows."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image

from .budget import PhotoBudget
from .colour import scaled_to_fit
from .layers import EncodedLayer

_QUALITY_MAX: Final = 100
# Neighbouring qualities share a quantiser, so that a step of 2 is the smallest that changes anything.
_QUALITY_STEP: Final = 2
# Below this quality, fewer pixels of better quality show as much or more, and take less time.
_QUALITY_FAIR: Final = 40
# Speed 8 finds the quality at a fifth of the time; speed 6 then makes a file about a tenth smaller.
_SPEED_SEARCH: Final = 8
_SPEED_FINAL: Final = 6
# The encoder's output is the same for 2 threads and for more, but not for 1: fixed, to be reproducible.
_THREADS: Final = 2
_SHRINK: Final = 0.75


def encode_layers(picture: Image.Image, budget: PhotoBudget) -> tuple[EncodedLayer, EncodedLayer]:
    """Preview and standard layer of `picture`, each within its bytes."""
    preview = scaled_to_fit(picture, budget.preview_side_px)
    standard = _standard_size(picture, budget)
    return fit(preview, budget.preview_bytes_max), fit(standard, budget.standard_bytes_max)


def fit(image: Image.Image, bytes_max: int) -> EncodedLayer:
    """`image` at the best quality that fits `bytes_max`, scaled down only if none does."""
    while True:
        encoder = _Encoder(image)
        quality = _best_quality(encoder, bytes_max)
        if quality is not None:
            data = encoder.encode(quality, _SPEED_FINAL)
            return EncodedLayer(data=data, width=image.width, height=image.height, quality=quality)
        image = scaled_to_fit(image, max(1, int(max(image.size) * _SHRINK)))


class _Encoder:
    """Encodes one image at different qualities, each only once."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._files: dict[tuple[int, int], bytes] = {}

    def encode(self, quality: int, speed: int) -> bytes:
        key = (quality, speed)
        if key not in self._files:
            file = BytesIO()
            # Full chroma costs nothing measurable at these sizes and keeps small red detail from smearing.
            self._image.save(
                file, "AVIF", quality=quality, speed=speed, subsampling="4:4:4", max_threads=_THREADS
            )
            self._files[key] = file.getvalue()
        return self._files[key]

    def searched_quality(self, bytes_max: int) -> int:
        """The highest quality that fits `bytes_max` at search speed; 0 if none does."""
        low, high = 0, _QUALITY_MAX
        while low < high:
            middle = (low + high + 1) // 2
            if len(self.encode(middle, _SPEED_SEARCH)) <= bytes_max:
                low = middle
            else:
                high = middle - 1
        return low


def _standard_size(picture: Image.Image, budget: PhotoBudget) -> Image.Image:
    """`picture` at the larger of the two standard sizes if its bytes give that a fair quality."""
    large = scaled_to_fit(picture, budget.standard_side_px_max)
    if _Encoder(large).searched_quality(budget.standard_bytes_max) >= _QUALITY_FAIR:
        return large
    return scaled_to_fit(picture, budget.standard_side_px_min)


def _best_quality(encoder: _Encoder, bytes_max: int) -> int | None:
    """The quality to encode with, or None if the image has too many pixels for `bytes_max`."""
    quality = encoder.searched_quality(bytes_max)
    # How much thriftier the final speed is depends on the picture: aim again with that known.
    thrift = len(encoder.encode(quality, _SPEED_SEARCH)) / len(encoder.encode(quality, _SPEED_FINAL))
    quality = min(encoder.searched_quality(int(bytes_max * thrift)) + _QUALITY_STEP, _QUALITY_MAX)
    step = _QUALITY_STEP
    while len(encoder.encode(quality, _SPEED_FINAL)) > bytes_max:
        if quality == 0:
            return None
        quality = max(0, quality - step)
        step *= 2
    return quality
