"""Text from elsewhere cannot steer the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.inert import inert, inert_values

ANY_TEXT = st.text(alphabet=st.characters(), max_size=80)


@given(ANY_TEXT)
def test_no_control_format_or_surrogate_is_left(text: str) -> None:
    left = {unicodedata.category(character) for character in inert(text) if character != "\n"}
    assert not left & {"Cc", "Cf", "Cs", "Co", "Cn"}


@given(ANY_TEXT)
def test_it_is_inert_the_second_time(text: str) -> None:
    assert inert(inert(text)) == inert(text)


@pytest.mark.parametrize("text", ["plain", "Señor Núñez", "흉통 두 시간", "38.6 °C, ≥ 3", "two\nlines"])
def test_what_people_write_stays(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "?[2Jgone"),
        ("\x9b31m", "?31m"),
        ("a\u202eb", "a?b"),
        ("zero\u200bwidth", "zero?width"),
        ("bell\a", "bell?"),
        ("one\r\ntwo\tthree", "one\ntwo three"),
    ],
)
def test_what_could_act_is_replaced_visibly(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_a_whole_answer_is_made_inert() -> None:
    answer = {"rows": [{"patient": "\x1b]0;x", "age": 54}], "flag": None}
    assert inert_values(answer) == {"rows": [{"patient": "?]0;x", "age": 54}], "flag": None}
