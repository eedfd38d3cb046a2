"""Whatever the pixels were, they come out as a person would see them: opaque, in sRGB, 8 bits."""

from __future__ import annotations

import pytest
from PIL import Image

from sfnode.media.colour import plain_picture, scaled_to_fit
from sfnode.media.decoding import decode_picture
from sfnode.media.errors import PhotoFormatUnsupported

from .pictures import BLUE, RED, display_p3_profile, encoded, looks_like_quarters, near, pixel, quarters


def plain(data: bytes) -> Image.Image:
    picture, notes = plain_picture(decode_picture(data, side_px_wanted=640), side_px_max=640)
    assert notes == ()
    assert picture.mode == "RGB"
    assert picture.info == {}
    return picture


def test_wide_colours_are_converted_not_relabelled() -> None:
    reddish = Image.new("RGB", (16, 16), (200, 60, 50))
    with_profile = encoded(reddish, "PNG", icc_profile=display_p3_profile())
    red, green, blue = pixel(plain(with_profile), 8, 8)
    # The same light needs more red and less of the rest in the smaller colour space.
    assert red >= 213
    assert green <= 50
    assert blue <= 45
    assert pixel(plain(encoded(reddish, "PNG")), 8, 8) == (200, 60, 50)


@pytest.mark.parametrize(
    ("picture", "profile"),
    [(quarters(), b"no profile at all"), (quarters().convert("L"), display_p3_profile())],
    ids=["broken", "for other pixels"],
)
def test_a_useless_profile_costs_a_note_not_the_picture(picture: Image.Image, profile: bytes) -> None:
    decoded = decode_picture(encoded(picture, "PNG", icc_profile=profile), side_px_wanted=640)
    result, notes = plain_picture(decoded, side_px_max=640)
    assert notes == ("Colours may be off: the file's colour profile could not be used.",)
    assert result.tobytes() == picture.convert("RGB").tobytes()


def test_transparency_shows_white_paper() -> None:
    for mode, colour in (("RGBA", (*BLUE, 0)), ("LA", (0, 0))):
        assert pixel(plain(encoded(Image.new(mode, (8, 8), colour), "PNG")), 4, 4) == (255, 255, 255)
    half = encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 128)), "PNG")
    assert near(pixel(plain(half), 4, 4), (127, 127, 127), apart=1)


def test_a_transparent_palette_colour_shows_white_paper() -> None:
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([*RED, *BLUE])
    picture.paste(1, (4, 0, 8, 8))
    result = plain(encoded(picture, "PNG", transparency=0))
    assert pixel(result, 1, 1) == (255, 255, 255)
    assert pixel(result, 6, 1) == BLUE


@pytest.mark.parametrize("mode", ["P", "CMYK", "YCbCr", "RGBX", "RGBA"])
def test_other_colour_modes_keep_their_colours(mode: str) -> None:
    format_name = "PNG" if mode in ("P", "RGBA") else "TIFF"
    picture = quarters().quantize(8) if mode == "P" else quarters().convert(mode)
    assert picture.mode == mode
    assert looks_like_quarters(plain(encoded(picture, format_name)))


def test_sixteen_bits_become_eight_without_clipping() -> None:
    for value, shown in ((0, 0), (257, 1), (32_896, 128), (65_535, 255)):
        grey = encoded(Image.new("I;16", (8, 8), value), "PNG")
        assert near(pixel(plain(grey), 4, 4), (shown, shown, shown), apart=1)
    big_endian = encoded(Image.new("I;16B", (900, 8), 32_896), "TIFF")
    assert near(pixel(plain(big_endian), 4, 4), (128, 128, 128), apart=1)


def test_a_see_through_grey_of_sixteen_bits_is_that_grey() -> None:
    grey = encoded(Image.new("I;16", (8, 8), 32_896), "PNG", transparency=32_896)
    assert near(pixel(plain(grey), 4, 4), (128, 128, 128), apart=1)


def test_black_and_white_is_scaled_to_greys() -> None:
    lines = Image.new("1", (1_280, 8))
    for x in range(0, 1_280, 2):
        lines.paste(1, (x, 0, x + 1, 8))
    assert near(pixel(plain(encoded(lines, "PNG")), 320, 2), (127, 127, 127), apart=24)


def test_pixels_that_are_measurements_are_not_guessed_at() -> None:
    with pytest.raises(PhotoFormatUnsupported, match="pixels of type F"):
        plain(encoded(Image.new("F", (8, 8), 0.5), "TIFF"))


def test_scaling_keeps_proportions_and_never_enlarges() -> None:
    assert scaled_to_fit(quarters(240, 160), 120).size == (120, 80)
    assert scaled_to_fit(quarters(240, 160), 240).size == (240, 160)
    assert scaled_to_fit(quarters(240, 160), 999).size == (240, 160)
    assert scaled_to_fit(Image.new("RGB", (5_000, 1)), 256).size == (256, 1)
