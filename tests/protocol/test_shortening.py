"""Texts that were shortened: at words, within their bytes, and never in silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.shortening import shorten


def test_texts_are_cut_at_words_and_say_so() -> None:
    assert shorten("crushing chest pain", 40) == "crushing chest pain"
    assert shorten("crushing chest pain since two", 23) == "crushing chest pain ..."
    assert shorten("crushing chest pain since two", 22) == "crushing chest ..."
    assert shorten("가슴이답답하고숨이찹니다", 20) == "가슴이답답 ..."
    assert shorten("one\n two", 40) == "one two"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" ")), st.integers(8, 130)
)
def test_a_shortened_text_fits_and_ends_in_dots(text: str, bytes_max: int) -> None:
    short = shorten(text, bytes_max)
    assert len(short.encode()) <= bytes_max
    whole = " ".join(text.split())
    assert short == whole or (short.endswith("...") and whole.startswith(short.removesuffix("...").rstrip()))
