"""Decoding stays within its limits and ends in a picture or a refusal, whatever the bytes are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, TiffImagePlugin

from sfnode.media.budget import DECODED_PIXELS_MAX
from sfnode.media.colour import plain_picture
from sfnode.media.decoding import DecodedPicture, decode_picture
from sfnode.media.errors import PhotoDamaged, PhotoRefused, PhotoTooManyPixels

from .pictures import (
    STORED,
    display_p3_profile,
    encoded,
    jpeg_that_claims,
    looks_like_quarters,
    near,
    phone_exif,
    pixel,
    png_of,
    quarters,
    texture,
)

SIDE_PX = 2_560


def decode(data: bytes) -> DecodedPicture:
    return decode_picture(data, side_px_wanted=SIDE_PX)


def upright(data: bytes) -> Image.Image:
    return plain_picture(decode(data), side_px_max=SIDE_PX)[0]


TURNED_FORMATS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 90},
    "TIFF": {},
    "TIFF-LZW": {"compression": "tiff_lzw"},
}


@pytest.mark.parametrize("format_name", TURNED_FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_format_comes_out_upright(format_name: str, orientation: int) -> None:
    stored = quarters().transpose(STORED[orientation]) if orientation in STORED else quarters()
    options = TURNED_FORMATS[format_name] | {"exif": phone_exif(orientation)}
    data = encoded(stored, format_name.removesuffix("-LZW"), **options)
    decoded = decode(data)
    assert (decoded.source_width, decoded.source_height) == (240, 160)
    picture, notes = plain_picture(decoded, side_px_max=SIDE_PX)
    assert picture.size == (240, 160)
    assert looks_like_quarters(picture)
    assert notes == decoded.notes == ()


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_no_orientation(value: int) -> None:
    assert decode(encoded(quarters(), "JPEG", exif=phone_exif(value))).orientation == 1


def test_a_picture_of_48_megapixels_is_read_at_half_scale() -> None:
    decoded = decode(encoded(Image.new("L", (8_000, 6_000), 90), "JPEG"))
    assert decoded.image.size == (4_000, 3_000)
    assert (decoded.source_width, decoded.source_height) == (8_000, 6_000)
    assert decoded.notes == ("A picture of 8000 x 6000 pixels was read at 1/2 of its width and height.",)


def test_a_square_jpeg_just_too_large_is_reduced_although_more_was_wanted() -> None:
    decoded = decode(encoded(Image.new("L", (5_000, 5_000), 90), "JPEG"))
    assert 5_000 * 5_000 > DECODED_PIXELS_MAX
    assert decoded.image.size == (2_500, 2_500)


@pytest.mark.parametrize(
    "data",
    [
        jpeg_that_claims(65_000, 65_000),
        jpeg_that_claims(9_000, 9_000, progressive=True),
        png_of(10_000, 8_800),
        b"RIFF\x22\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\x00\xff\xff\x00" + bytes(12),
    ],
    ids=["jpeg of 4225", "progressive jpeg of 81", "png of 88", "webp of 4295"],
)
def test_too_many_megapixels_are_refused_from_the_header(data: bytes) -> None:
    assert len(data) < 20_000
    with pytest.raises(PhotoTooManyPixels):
        decode(data)


def test_a_png_that_pillow_itself_calls_a_bomb() -> None:
    with pytest.raises(PhotoTooManyPixels):
        decode(png_of(30_000, 12_000))


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
def test_a_file_cut_short_is_damaged_not_half_shown(format_name: str) -> None:
    data = encoded(texture(200, 150), format_name)
    assert decode(data).image.size == (200, 150)
    with pytest.raises(PhotoDamaged):
        decode(data[: len(data) * 6 // 10])


def test_a_tiff_with_tags_that_contradict_each_other() -> None:
    data = bytearray(encoded(quarters(), "TIFF"))
    # Make every count of the first tags enormous.
    start = int.from_bytes(data[4:8], "little") + 2
    for tag in range(4):
        data[start + 12 * tag + 4 : start + 12 * tag + 8] = b"\xff\xff\xff\x7f"
    with pytest.raises(PhotoDamaged):
        decode(bytes(data))


def test_a_picture_of_one_pixel() -> None:
    assert near(pixel(upright(encoded(Image.new("RGB", (1, 1), (9, 200, 30)), "PNG")), 0, 0), (9, 200, 30))


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken_and_said_so(format_name: str) -> None:
    other = Image.new("RGB", (240, 160), "black")
    data = encoded(quarters(), format_name, save_all=True, append_images=[other, other.copy()])
    assert decode(data).notes == ("Only the first of several frames was taken.",)
    assert looks_like_quarters(upright(data))


def test_the_small_copy_that_phones_append_is_no_frame() -> None:
    data = encoded(quarters(), "MPO", save_all=True, append_images=[quarters(60, 40)], quality=95)
    decoded = decode(data)
    assert decoded.image.format == "MPO"
    assert decoded.notes == ()
    assert looks_like_quarters(plain_picture(decoded, side_px_max=SIDE_PX)[0])


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP"])
def test_damaged_camera_data_costs_a_note_not_the_picture(format_name: str) -> None:
    exif = bytearray(phone_exif(6).tobytes())
    # The first directory claims more entries than there are, or the whole block is something else.
    exif[14:16] = b"\xff\xff"
    for damaged in (bytes(exif), b"Exif\0\0garbage"):
        decoded = decode(encoded(quarters(), format_name, exif=damaged))
        assert decoded.notes == ("The camera's own data is damaged: check that the picture is upright.",)
        assert decoded.metadata == ("EXIF",)


def test_what_a_file_carries_beside_its_pixels_is_named() -> None:
    exif = phone_exif(with_position=True)
    everything = {"exif": exif, "icc_profile": display_p3_profile()}
    jpeg = encoded(quarters(), "JPEG", **everything, xmp=b"<x/>", comment=b"a name")
    assert decode(jpeg).metadata == ("EXIF", "GPS", "XMP", "ICC", "comment")
    assert decode(encoded(quarters(), "PNG", **everything)).metadata == ("EXIF", "GPS", "ICC")
    assert decode(encoded(quarters(), "WEBP", **everything, xmp=b"<x/>")).metadata == (
        "EXIF",
        "GPS",
        "XMP",
        "ICC",
    )
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    tags[700] = b"<x/>"
    assert decode(encoded(quarters(), "TIFF", tiffinfo=tags)).metadata == ("GPS", "XMP")
    assert decode(encoded(quarters(), "TIFF")).metadata == ()
    assert decode(encoded(quarters(), "JPEG")).metadata == ()


def _corpus() -> dict[str, bytes]:
    picture = texture(48, 40)
    exif = phone_exif(6, with_position=True)
    frames = {"save_all": True, "append_images": [picture.rotate(90)]}
    return {
        "jpeg": encoded(picture, "JPEG", exif=exif),
        "progressive": encoded(picture, "JPEG", progressive=True),
        "mpo": encoded(picture, "MPO", **frames),
        "png": encoded(picture, "PNG", exif=exif),
        "gif": encoded(picture, "GIF", **frames),
        "webp": encoded(picture, "WEBP", exif=exif),
        "avif": encoded(picture, "AVIF", exif=exif),
        "tiff": encoded(picture, "TIFF"),
        "tiff-deflate": encoded(picture, "TIFF", compression="tiff_adobe_deflate"),
        "bmp": encoded(picture, "BMP"),
    }


CORPUS = _corpus()


@settings(max_examples=60)
@given(name=st.sampled_from(sorted(CORPUS)), seed=st.integers(0, 1 << 32), cut=st.booleans())
def test_any_change_to_a_file_ends_in_a_picture_or_a_refusal(name: str, seed: int, cut: bool) -> None:
    chance = random.Random(seed)
    data = bytearray(CORPUS[name])
    if cut:
        del data[chance.randrange(len(data)) :]
    for _ in range(chance.choice((0, 1, 4, 16)) if data else 0):
        data[chance.randrange(len(data))] = chance.choice((0, 127, 255, chance.randrange(256)))
    try:
        picture = upright(bytes(data))
    except PhotoRefused:
        return
    assert picture.mode == "RGB"
    assert picture.info == {}
