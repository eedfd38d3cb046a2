"""Bring any decoded picture into the one form that is encoded: upright, opaque, 8-bit sRGB, pixels only."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

from .decoding import DecodedPicture
from .errors import PhotoFormatUnsupported

# What a mode becomes before it is scaled; a mode that is not here holds measurements, not a photograph.
_BEFORE_SCALING: Final = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "CMYK": "CMYK",
    "YCbCr": "RGB",
    "I;16": "I;16",
    # Not to "I;16": Pillow would clip it to 255.
    "I;16B": "I;16B",
}
_SIXTEEN_BIT: Final = ("I;16", "I;16B")
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SPACE_OF_MODE: Final = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def plain_picture(picture: DecodedPicture, *, side_px_max: int) -> tuple[Image.Image, tuple[str, ...]]:
    """`picture` upright in sRGB with no side above `side_px_max`, and notes on what could not be honoured."""
    profile = picture.image.info.get("icc_profile")
    scaled = scaled_to_fit(_scalable(picture.image), side_px_max)
    opaque = _opaque(_eight_bit(scaled))
    image, notes = _in_srgb(opaque, profile) if profile else (opaque.convert("RGB"), ())
    if picture.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[picture.orientation])
    return _pixels_only(image), notes


def scaled_to_fit(image: Image.Image, side_px_max: int) -> Image.Image:
    """`image` with no side above `side_px_max` and its proportions kept; never enlarged."""
    longest = max(image.size)
    if longest <= side_px_max:
        return image
    width, height = (max(1, round(side * side_px_max / longest)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _scalable(image: Image.Image) -> Image.Image:
    """`image` in a mode whose pixels may be averaged."""
    target = _BEFORE_SCALING.get(image.mode)
    if target is None:
        raise PhotoFormatUnsupported(f"pixels of type {image.mode}")
    # A see-through grey of 16 bits is shown as that grey: Pillow cannot convert it, and no camera writes one.
    if image.has_transparency_data and target not in ("LA", "RGBA", *_SIXTEEN_BIT):
        target = "RGBA"
    return image if image.mode == target else image.convert(target)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode not in _SIXTEEN_BIT:
        return image
    return image.convert("I").point(lambda value: value / 257).convert("L")


def _opaque(image: Image.Image) -> Image.Image:
    """What shows on white paper: a transparent background must not turn black."""
    if image.mode not in ("LA", "RGBA"):
        return image
    opaque_mode = image.mode.removesuffix("A")
    paper = Image.new(opaque_mode, image.size, "white")
    paper.paste(image.convert(opaque_mode), mask=image.getchannel("A"))
    return paper


def _in_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """`image` converted from its colour profile; taken as sRGB, with a note, if the profile is of no use."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACE_OF_MODE[image.mode]:
            raise ImageCms.PyCMSError("the profile is for another kind of pixels")
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB"), ("Colours may be off: the file's colour profile could not be used.",)
    if converted is None:
        raise AssertionError("profileToProfile returns an image unless it works in place")
    return converted, ()


def _pixels_only(image: Image.Image) -> Image.Image:
    """A picture that never had metadata: encoders copy what they find in `info`."""
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    return clean
