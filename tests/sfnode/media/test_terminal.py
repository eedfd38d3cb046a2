"""A picture in ASCII has the right size, the right greys and nothing but ASCII."""

from __future__ import annotations

import pytest
from PIL import Image

from sfnode.media.errors import PhotoDamaged, PhotoNotAnImage
from sfnode.media.terminal import GREY_RAMP, ascii_preview

from .pictures import encoded, quarters


async def test_a_gradient_uses_the_ramp_from_dark_to_bright() -> None:
    gradient = Image.linear_gradient("L").rotate(90).convert("RGB")
    lines = await ascii_preview(encoded(gradient, "AVIF", quality=90), 64, 40)
    assert len(lines) == 32
    assert {len(line) for line in lines} == {64}
    brightness = [GREY_RAMP.index(character) for character in lines[16]]
    assert brightness == sorted(brightness)
    assert (brightness[0], brightness[-1]) == (0, 15)


async def test_proportions_are_kept_in_cells_twice_as_high_as_wide() -> None:
    wide, high = encoded(quarters(400, 200), "AVIF"), encoded(quarters(200, 400), "AVIF")
    assert {len(line) for line in await ascii_preview(wide, 60, 40)} == {60}
    assert len(await ascii_preview(wide, 60, 40)) == 15
    tall = await ascii_preview(high, 60, 20)
    assert len(tall) == 20
    assert {len(line) for line in tall} == {20}


async def test_a_single_pixel_fills_the_screen() -> None:
    white = encoded(Image.new("RGB", (1, 1), "white"), "AVIF")
    assert await ascii_preview(white, 10, 3) == ["@@@@@@", "@@@@@@", "@@@@@@"]


async def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(PhotoNotAnImage):
        await ascii_preview(b"\x1b]52;c;AAAA\x07", 20, 10)
    with pytest.raises(PhotoDamaged):
        await ascii_preview(encoded(quarters(), "AVIF")[:-40], 20, 10)


@pytest.mark.parametrize(("columns", "rows"), [(0, 10), (10, 0), (241, 10), (10, 121)])
async def test_an_impossible_terminal_is_a_mistake_of_the_caller(columns: int, rows: int) -> None:
    with pytest.raises(ValueError, match="cells"):
        await ascii_preview(b"", columns, rows)


def test_the_ramp_is_16_different_ascii_characters() -> None:
    assert len(GREY_RAMP) == len(set(GREY_RAMP)) == 16
    assert GREY_RAMP.isascii()
    assert GREY_RAMP.isprintable()
