"""Make a drawing look as if somebody had photographed it with a phone: angle, light, noise, camera data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter, ImageFont

WATERMARK: Final = "SYNTHETIC"
_WATERMARK_SHARE: Final = 0.80
_JPEG_QUALITY: Final = 85
_NOISE_SHARE: Final = 0.012
_BLUR_PX: Final = 0.7
_SHADOW_PX: Final = 22
_TAKEN_AT: Final = "2026:11:22 02:35:00"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shot:
    """How a subject lies in the picture."""

    width: int
    height: int
    # Where its corners are, as shares of width and height: top left, top right, bottom right, bottom left.
    corners: tuple[Point, Point, Point, Point]
    surface: tuple[int, int, int]
    # The watermark's colour and how strongly it covers, of 255.
    watermark: tuple[int, int, int]
    watermark_cover: int


@dataclass(frozen=True, slots=True)
class CameraData:
    """What a phone writes beside the pixels, and a pipeline must remove."""

    # 1: stored upright. 6: stored lying on its left side, to be turned clockwise when shown.
    orientation: int = 1
    with_position: bool = False
    with_xmp: bool = False


def photograph(subject: Image.Image, shot: Shot, chance: random.Random) -> Image.Image:
    """`subject` photographed as `shot` says, with the watermark across it."""
    scene = Image.new("RGB", (shot.width, shot.height), shot.surface)
    corners = [(x * shot.width, y * shot.height) for x, y in shot.corners]
    coefficients = _perspective(corners, subject.size)
    size, how = scene.size, Image.Transform.PERSPECTIVE
    outline = Image.new("L", subject.size, 255).transform(size, how, coefficients)
    shadow = ImageChops.offset(outline, _SHADOW_PX, _SHADOW_PX).filter(ImageFilter.BoxBlur(_SHADOW_PX))
    scene.paste((20, 20, 22), mask=shadow.point(lambda cover: cover // 2))
    scene.paste(subject.transform(size, how, coefficients, Image.Resampling.BICUBIC), mask=outline)
    lit = ImageChops.multiply(scene, _uneven_light(size, chance))
    _stamp(lit, shot)
    return _noisy(lit.filter(ImageFilter.GaussianBlur(_BLUR_PX)), chance)


def jpeg_file(picture: Image.Image, camera: CameraData) -> bytes:
    """The file a phone would store for the upright `picture`."""
    stored = picture.transpose(Image.Transpose.ROTATE_90) if camera.orientation == 6 else picture
    file = BytesIO()
    xmp = _XMP if camera.with_xmp else b""
    stored.save(file, "JPEG", quality=_JPEG_QUALITY, exif=_exif(camera), xmp=xmp)
    return file.getvalue()


_XMP: Final = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="demonstration"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def _exif(camera: CameraData) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Example"
    exif[ExifTags.Base.Model] = "Demonstration phone"
    exif[ExifTags.Base.DateTime] = _TAKEN_AT
    exif[ExifTags.Base.Orientation] = camera.orientation
    if camera.with_position:
        # Open sea.
        position = exif.get_ifd(ExifTags.IFD.GPSInfo)
        position[ExifTags.GPS.GPSLatitudeRef] = "N"
        position[ExifTags.GPS.GPSLatitude] = (11.0, 12.0, 0.0)
        position[ExifTags.GPS.GPSLongitudeRef] = "W"
        position[ExifTags.GPS.GPSLongitude] = (58.0, 20.0, 0.0)
    return exif


def _uneven_light(size: tuple[int, int], chance: random.Random) -> Image.Image:
    """A lamp to one side: bright there, darker towards the opposite corner."""
    across = Image.linear_gradient("L").rotate(90 if chance.random() < 0.5 else 270).resize(size)
    around = ImageChops.invert(Image.radial_gradient("L")).resize(size)
    brightness = ImageChops.blend(across, around, 0.5).point(lambda level: 190 + level * 65 // 255)
    warm = brightness.point(lambda level: level * 97 // 100)
    return Image.merge("RGB", (brightness, brightness, warm))


def _stamp(picture: Image.Image, shot: Shot) -> None:
    """Write the watermark along the diagonal, in place."""
    diagonal = (shot.width**2 + shot.height**2) ** 0.5
    font = ImageFont.load_default(100)
    font = ImageFont.load_default(100 * _WATERMARK_SHARE * diagonal / font.getlength(WATERMARK))
    mark = Image.new("L", (round(diagonal), round(diagonal)))
    middle = (mark.width / 2, mark.height / 2)
    ImageDraw.Draw(mark).text(middle, WATERMARK, fill=shot.watermark_cover, font=font, anchor="mm")
    slope_degrees = 90 * shot.height / (shot.width + shot.height) - 8
    mark = mark.rotate(slope_degrees, Image.Resampling.BICUBIC)
    left, top = (mark.width - shot.width) // 2, (mark.height - shot.height) // 2
    picture.paste(shot.watermark, mask=mark.crop((left, top, left + shot.width, top + shot.height)))


def _noisy(picture: Image.Image, chance: random.Random) -> Image.Image:
    # Pillow's own noise takes no seed.
    grains = Image.frombytes("L", picture.size, chance.randbytes(picture.width * picture.height))
    return Image.blend(picture, grains.convert("RGB"), _NOISE_SHARE)


def _perspective(corners: Sequence[Point], subject_size: tuple[int, int]) -> list[float]:
    """The eight numbers with which Pillow finds, for each point of the picture, its point of the subject."""
    width, height = subject_size
    rows = []
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    return _solved(rows)


def _solved(rows: list[list[float]]) -> list[float]:
    """Gauss-Jordan elimination; the last number of each row is its right side."""
    for column in range(len(rows)):
        pivot = max(range(column, len(rows)), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = rows[column][column]
        rows[column] = [value / scale for value in rows[column]]
        for other in range(len(rows)):
            if other != column:
                factor = rows[other][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[column], strict=True)]
    return [row[-1] for row in rows]
