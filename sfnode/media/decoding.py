"""Turn the bytes of a picture file into decoded pixels within limits, and list what else the file carried.

Runs in the worker only: the C decoders below it are fed with bytes that anybody may have made.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from .budget import DECODED_PIXELS_MAX, JPEG_PIXELS_MAX, PROGRESSIVE_JPEG_PIXELS_MAX
from .errors import PhotoDamaged, PhotoTooManyPixels
from .signatures import picture_format, webp_canvas

# Pillow imports a decoder when it first needs it, which a confined worker can no longer do.
DECODERS: Final = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
# What they raise for broken files, found by feeding them such; anything else ends the worker: an answer too.
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    RuntimeError,
    struct.error,
)

_JPEG_SCALES: Final = (1, 2, 4, 8)
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})
_EXIF_DAMAGED: Final = "The camera's own data is damaged: check that the picture is upright."
_XMP_TAG: Final = 700
_IPTC_TAG: Final = 33723


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """Pixels as stored, and what must still be done to show them."""

    image: Image.Image
    # As a person sees the picture, before any reduction.
    source_width: int
    source_height: int
    orientation: int
    metadata: tuple[str, ...]
    notes: tuple[str, ...]


def decode_picture(data: bytes, *, side_px_wanted: int) -> DecodedPicture:
    """The first frame of the picture in `data`, its long side at least `side_px_wanted` if the file has it.

    Raises `PhotoRefused`. Every warning counts as damage: Pillow warns where it would guess.
    """
    format_name = picture_format(data)
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("error")
        warnings.simplefilter("always", _CameraDataDamaged)
        if format_name != "TIFF":
            # Elsewhere this plugin reads only EXIF, of which we use but one number: damage there is noted.
            warnings.filterwarnings("always", category=UserWarning, module=r"PIL\.TiffImagePlugin")
            warnings.filterwarnings("ignore", category=UserWarning, message=".*malformed MPO")
        try:
            picture = _decode(data, format_name, side_px_wanted)
            return replace(picture, notes=(*picture.notes, _EXIF_DAMAGED)) if complaints else picture
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise PhotoTooManyPixels from error
        except UnidentifiedImageError as error:
            raise PhotoDamaged(format_name) from error
        except (*_DAMAGE, Warning) as error:
            raise PhotoDamaged(f"{format_name}: {error}") from error


def _decode(data: bytes, format_name: str, side_px_wanted: int) -> DecodedPicture:
    if format_name == "WEBP" and (canvas := webp_canvas(data)):
        _check_pixels(*canvas, DECODED_PIXELS_MAX)
    with Image.open(BytesIO(data), formats=[format_name]) as image:
        width, height = image.size
        notes = _reduce_on_reading(image, side_px_wanted) + _frames_left_out(image)
        image.load()
        # Only now: Pillow turns a TIFF upright by itself while it loads it, and has swapped its sides before.
        camera_data = _camera_data(image)
        orientation = _orientation(camera_data)
        if orientation in _SIDEWAYS:
            width, height = height, width
        return DecodedPicture(
            image=image,
            source_width=width,
            source_height=height,
            orientation=orientation,
            metadata=_metadata(image, camera_data),
            notes=notes,
        )


def _reduce_on_reading(image: Image.Image, side_px_wanted: int) -> tuple[str, ...]:
    """Have a large JPEG decoded at reduced scale; refuse what stays too large."""
    width, height = image.size
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        _check_pixels(width, height, DECODED_PIXELS_MAX)
        return ()
    progressive = "progressive" in image.info
    _check_pixels(width, height, PROGRESSIVE_JPEG_PIXELS_MAX if progressive else JPEG_PIXELS_MAX)
    scale = _jpeg_scale(width, height, side_px_wanted)
    if scale == 1:
        return ()
    image.draft(None, (width // scale, height // scale))
    return (f"A picture of {width} x {height} pixels was read at 1/{scale} of its width and height.",)


def _frames_left_out(image: Image.Image) -> tuple[str, ...]:
    # Phones put a small copy or a brightness map behind the picture (MPO): not a frame anybody looks for.
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return ()
    return ("Only the first of several frames was taken.",)


def _jpeg_scale(width: int, height: int, side_px_wanted: int) -> int:
    """The divisor to decode with: as large as `side_px_wanted` allows, larger if the pixels demand it."""
    for scale in _JPEG_SCALES:
        decoded_pixels = (width // scale) * (height // scale)
        smaller_is_enough = max(width, height) // (2 * scale) >= side_px_wanted
        if decoded_pixels <= DECODED_PIXELS_MAX and (not smaller_is_enough or scale == _JPEG_SCALES[-1]):
            return scale
    raise PhotoTooManyPixels(f"{width} x {height}")


def _check_pixels(width: int, height: int, pixels_max: int) -> None:
    if width * height > pixels_max:
        raise PhotoTooManyPixels(f"{width} x {height}; at most {pixels_max // 1_000_000} million")


class _CameraDataDamaged(UserWarning):
    """EXIF of which nothing can be read."""


def _camera_data(image: Image.Image) -> Image.Exif:
    """The picture's EXIF; empty if it is too damaged to read any of it."""
    try:
        # Pillow may have tried before, in vain and in silence.
        Image.Exif().load(image.info.get("exif", b""))
        return image.getexif()
    except _DAMAGE:
        warnings.warn(_CameraDataDamaged(), stacklevel=1)
        return Image.Exif()


def _orientation(camera_data: Image.Exif) -> int:
    """EXIF orientation, 1 (upright) to 8."""
    value = camera_data.get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _metadata(image: Image.Image, camera_data: Image.Exif) -> tuple[str, ...]:
    """The kinds of data beside the pixels, in a fixed order; none of them leaves the worker."""
    info = image.info
    tags = frozenset(camera_data)
    present = {
        # A TIFF's own tags look like EXIF; only a camera's block inside it is.
        "EXIF": "exif" in info or "Raw profile type exif" in info or ExifTags.IFD.Exif in tags,
        "GPS": ExifTags.IFD.GPSInfo in tags,
        "XMP": "xmp" in info or "XML:com.adobe.xmp" in info or _XMP_TAG in tags,
        "IPTC": "photoshop" in info or _IPTC_TAG in tags,
        "ICC": "icc_profile" in info,
        "comment": "comment" in info or bool(getattr(image, "text", None)),
    }
    return tuple(kind for kind, found in present.items() if found)
