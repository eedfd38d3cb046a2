"""Lines are measured in cells, fitted exactly, and never cut without a mark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.lines import (
    CUT_MARK,
    Span,
    Tone,
    columns,
    cut,
    fit,
    fit_right,
    flow,
    line,
    spread,
    text_of,
    width_of,
    wrap,
)

# Latin, accents and Hangul: one and two cells wide.
TEXTS = st.text(alphabet="abc XYZ ñé 한글사람 09,.", max_size=60)
WIDTHS = st.integers(1, 90)


@given(TEXTS, WIDTHS)
def test_a_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit_right(text, width)) == width


@given(TEXTS, WIDTHS)
def test_a_text_that_does_not_fit_ends_in_the_mark(text: str, width: int) -> None:
    shown = cut(text, width)
    assert cell_len(shown) <= width
    assert shown == text or shown.endswith(CUT_MARK)


@given(TEXTS, WIDTHS.filter(lambda width: width > 1))
def test_wrapping_loses_nothing_and_stays_within_the_width(text: str, width: int) -> None:
    pieces = wrap(text, width)
    assert all(cell_len(piece) <= width for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


@given(st.lists(TEXTS.filter(str.strip), max_size=6), st.integers(20, 90))
def test_flowing_spans_are_whole_unless_too_long_alone(texts: list[str], width: int) -> None:
    lines = flow([Span(text) for text in texts], width)
    assert all(width_of(content) <= width for content in lines)
    shown = "".join(text_of(content) for content in lines)
    assert all(text in shown for text in texts if cell_len(text) <= width)


@pytest.mark.parametrize("width", [20, 21, 40])
def test_the_right_end_survives_on_a_narrow_screen(width: int) -> None:
    content = spread(line("a long text on the left side"), line(Span("21:42Z")), width)
    assert width_of(content) == width
    assert text_of(content).endswith("21:42Z")


def test_columns_align_numbers_right_and_texts_left() -> None:
    content = columns([Span("ab"), Span("7")], [4, -3], gap="|")
    assert text_of(content) == "ab  |  7"


def test_a_gap_after_an_alarm_is_not_painted_as_one() -> None:
    content = columns([Span("EMER", Tone.ALARM), Span("x")], [4, 1], gap="  ")
    assert [span.text for span in content if span.tone is Tone.ALARM] == ["EMER"]
