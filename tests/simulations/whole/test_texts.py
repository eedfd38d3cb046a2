"""Texts come out as long as the sizes ask for, and no longer than their forms take."""

from __future__ import annotations

import random

import pytest

from protocol.compress import compress
from simulations.whole.texts import SHORT_LETTERS, text_of


@pytest.mark.parametrize("size_bytes", [1_600, 6_000, 25_000])
def test_a_long_text_takes_about_so_many_bytes(size_bytes: int) -> None:
    """Shorter ones share what a bundle has besides; `test_agreement.py` holds them to their sizes."""
    text = text_of(size_bytes, random.Random(1))
    assert len(text) > size_bytes
    assert len(compress(text.encode()).data) == pytest.approx(size_bytes, rel=0.1)


def test_a_short_one_has_a_letter_for_each_byte_and_one_at_least() -> None:
    draw = random.Random(2)
    assert len(text_of(SHORT_LETTERS / 2, draw)) in (SHORT_LETTERS // 2, SHORT_LETTERS // 2 - 1)
    assert len(text_of(-50, draw)) == 1


def test_no_text_is_longer_than_its_form() -> None:
    assert len(text_of(1_000_000, random.Random(3), letters_max=4_000)) <= 4_000
