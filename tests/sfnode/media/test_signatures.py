"""A file is known by its bytes, never by its name, and refused with the name of what it is."""

from __future__ import annotations

import pytest

from sfnode.media.errors import PhotoFormatUnsupported, PhotoNotAnImage
from sfnode.media.signatures import picture_format, webp_canvas

from .pictures import encoded, quarters

READ = ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "AVIF"]
NOT_READ = {
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "video": b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
    "PDF document": b"%PDF-1.7\n",
    "DICOM": bytes(128) + b"DICM",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "JPEG XL": b"\xff\x0a\x00",
    "Photoshop": b"8BPS\0\1",
    "ZIP archive": b"PK\x03\x04",
}


@pytest.mark.parametrize("format_name", READ)
def test_formats_that_are_read(format_name: str) -> None:
    assert picture_format(encoded(quarters(), format_name)) == format_name


@pytest.mark.parametrize(("name", "data"), NOT_READ.items(), ids=NOT_READ)
def test_formats_that_are_known_but_not_read(name: str, data: bytes) -> None:
    with pytest.raises(PhotoFormatUnsupported) as refused:
        picture_format(data)
    assert refused.value.detail == name


@pytest.mark.parametrize("data", [b"", b"BMI 27, weight 81 kg", b"\xff\xd8", b"RIFF\0\0\0\0WAVE", bytes(64)])
def test_what_is_no_picture(data: bytes) -> None:
    with pytest.raises(PhotoNotAnImage):
        picture_format(data)


def test_the_avif_brand_may_stand_behind_the_major_one() -> None:
    assert picture_format(b"\0\0\0\x18ftypmif1\0\0\0\0heimavif") == "AVIF"
    # A box that claims to be endless does not make us search the whole file for a brand.
    with pytest.raises(PhotoFormatUnsupported):
        picture_format(b"\xff\xff\xff\xffftypisom" + bytes(4_000) + b"avif")


@pytest.mark.parametrize(
    ("kind", "options"),
    [(b"VP8 ", {}), (b"VP8L", {"lossless": True}), (b"VP8X", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"})],
)
def test_the_canvas_of_each_kind_of_webp(kind: bytes, options: dict[str, object]) -> None:
    data = encoded(quarters(301, 203), "WEBP", **options)
    assert data[12:16] == kind
    assert webp_canvas(data) == (301, 203)
    assert webp_canvas(data[:25]) is None
    assert webp_canvas(data[:12] + b"ALPH" + data[16:]) is None
