"""Each refusal has its own stable code and a whole, plain sentence."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnode.media.errors import (
    DETAIL_CHARS_MAX,
    LABEL_CHARS_MAX,
    REFUSALS,
    PhotoDamaged,
    PhotoRefused,
    file_label,
    plain_text,
)


def test_the_codes_that_scripts_and_documents_rely_on() -> None:
    assert sorted(REFUSALS) == [
        "photo-damaged",
        "photo-format-unsupported",
        "photo-not-a-file",
        "photo-not-an-image",
        "photo-not-found",
        "photo-not-permitted",
        "photo-reader-stopped",
        "photo-timed-out",
        "photo-too-large",
        "photo-too-many-pixels",
        "photo-unreadable",
    ]
    assert set(REFUSALS.values()) == set(PhotoRefused.__subclasses__())


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=lambda refusal: refusal.code)
def test_a_sentence_says_what_happened_what_is_safe_and_what_to_do(refusal: type[PhotoRefused]) -> None:
    happened, safe, advice = str(refusal("because", label="'x.jpg'")).split(". ", maxsplit=2)
    assert "'x.jpg'" in happened
    assert "(because)" in happened
    assert safe == "The case is unchanged"
    assert advice.endswith(".")
    assert "()" not in str(refusal())


@given(st.text(max_size=200))
def test_shown_text_cannot_steer_a_terminal(text: str) -> None:
    shown = plain_text(text, LABEL_CHARS_MAX)
    assert len(shown) <= LABEL_CHARS_MAX
    assert not [c for c in shown if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029"]
    if text.isascii() and text.isprintable() and len(text) <= LABEL_CHARS_MAX:
        assert shown == text


def test_a_hostile_name_stays_one_quoted_line() -> None:
    name = "holiday\n\x1b]0;owned\x07\x9b2J\u202egpj.exe\udce9" + "x" * 200 + ".jpg"
    label = file_label(Path("/somewhere") / name)
    assert label.startswith("'holiday??]0;owned??2J?gpj.exe?xxx")
    assert label.endswith("...'")
    assert len(label) == LABEL_CHARS_MAX + 2


def test_a_detail_that_a_file_shaped_is_bounded_and_plain() -> None:
    refusal = PhotoDamaged("\x1b[2J" + "y" * 1_000)
    assert len(refusal.detail) == DETAIL_CHARS_MAX
    assert "\x1b" not in str(refusal)
