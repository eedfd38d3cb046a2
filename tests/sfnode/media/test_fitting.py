"""A layer never has more bytes than its budget, and uses most of them."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sfnode.media.budget import LAYER_BYTES_MIN, PHOTO_BUDGET, PhotoBudget
from sfnode.media.fitting import encode_layers, fit

from .pictures import looks_like_quarters, only_pixels, quarters, texture


@settings(max_examples=12)
@given(
    width=st.integers(1, 160),
    height=st.integers(1, 160),
    bytes_max=st.integers(LAYER_BYTES_MIN, 6_000),
    seed=st.integers(0, 99),
)
def test_the_budget_is_never_exceeded(width: int, height: int, bytes_max: int, seed: int) -> None:
    layer = fit(texture(width, height, seed), bytes_max)
    assert len(layer.data) <= bytes_max
    assert 1 <= layer.width <= width
    assert 1 <= layer.height <= height
    with Image.open(BytesIO(layer.data)) as decoded:
        assert decoded.size == (layer.width, layer.height)


def test_most_of_the_budget_is_used() -> None:
    layer = fit(texture(400, 300), 6_000)
    assert 5_100 <= len(layer.data) <= 6_000
    assert (layer.width, layer.height) == (400, 300)
    assert (layer.codec, layer.lossy) == ("avif", True)


def test_pixels_are_given_up_only_when_no_quality_fits() -> None:
    layer = fit(texture(500, 500), LAYER_BYTES_MIN)
    assert len(layer.data) <= LAYER_BYTES_MIN
    assert layer.width < 500


def test_a_plain_picture_keeps_the_larger_size() -> None:
    preview, standard = encode_layers(quarters(3_000, 2_000), PHOTO_BUDGET)
    assert (preview.width, preview.height) == (256, 171)
    assert (standard.width, standard.height) == (1_280, 853)
    for layer in (preview, standard):
        with Image.open(BytesIO(layer.data)) as decoded:
            assert looks_like_quarters(decoded)


def test_a_busy_picture_gets_fewer_pixels_of_better_quality() -> None:
    budget = PhotoBudget(standard_bytes_max=4_000, standard_side_px_max=640, standard_side_px_min=512)
    _, standard = encode_layers(texture(700, 500), budget)
    assert (standard.width, standard.height) == (512, 366)
    assert len(standard.data) <= 4_000


def test_a_small_picture_is_not_enlarged() -> None:
    preview, standard = encode_layers(quarters(40, 30), PHOTO_BUDGET)
    assert (preview.width, standard.width) == (40, 40)


def test_the_same_pixels_give_the_same_bytes() -> None:
    assert fit(texture(200, 150), 3_000) == fit(texture(200, 150), 3_000)


def test_metadata_on_the_image_does_not_reach_the_file() -> None:
    assert only_pixels(fit(quarters(), 3_000).data)


@pytest.mark.parametrize(
    "change",
    [
        {"preview_bytes_max": LAYER_BYTES_MIN - 1},
        {"standard_bytes_max": 5_000_000},
        {"preview_side_px": 2_000},
        {"standard_side_px_max": 8_192},
        {"preview_side_px": 0},
    ],
    ids=str,
)
def test_a_budget_that_makes_no_sense_is_not_made(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"bytes|sides|side"):
        PhotoBudget(**change)
