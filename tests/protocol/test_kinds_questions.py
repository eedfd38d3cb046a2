"""Coded questions and answers: small, the same in every language, and never guessed at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalogue import (
    LANGUAGES,
    AnswerType,
    CatalogueBroken,
    CodedQuestion,
    answer_text,
    catalogue,
    coded_size_bytes,
    fits_a_message,
    parse_catalogue,
    question_text,
)
from protocol.questions import (
    CODE_MAX,
    CODED_BYTES_MAX,
    NUMBER_MAX,
    OPTION_MAX,
    OPTIONS_CHOSEN_MAX,
    Answer,
    AnswerState,
    Question,
)

ALL = tuple(catalogue().questions.values())


def answers_to(question: CodedQuestion) -> list[Answer]:
    """The longest answer of its kind, and each that says why there is none."""
    states = [Answer(code=question.code, state=state) for state in AnswerState if state.value > 1]
    if question.options:
        chosen = tuple(range(len(question.options)))[:OPTIONS_CHOSEN_MAX]
        return [Answer(code=question.code, options=chosen), *states]
    if question.answer is AnswerType.NUMBER:
        return [Answer(code=question.code, number=NUMBER_MAX), *states]
    return [Answer(code=question.code, text="aspirin 300 mg"), *states]


def test_there_are_enough_questions_in_every_language() -> None:
    assert len(ALL) >= 60
    for question in ALL:
        assert set(question.texts) == set(LANGUAGES)
        assert len(set(question.texts.values())) == len(LANGUAGES)
        assert all(set(option) == set(LANGUAGES) for option in question.options)


@pytest.mark.parametrize("question", ALL, ids=lambda question: str(question.code))
def test_a_coded_question_and_its_answers_fit_a_message(question: CodedQuestion) -> None:
    assert coded_size_bytes(Question(code=question.code)) <= CODED_BYTES_MAX
    for answer in answers_to(question):
        assert coded_size_bytes(answer) <= CODED_BYTES_MAX
        assert question.accepts(answer)


def test_the_largest_coded_question_and_answer_fit_a_message() -> None:
    asked = Question(code=CODE_MAX, language="zzz", answer_within_min=60 * 24 * 60)
    assert coded_size_bytes(asked) <= CODED_BYTES_MAX
    answer = Answer(code=CODE_MAX, options=(OPTION_MAX,) * OPTIONS_CHOSEN_MAX, number=NUMBER_MAX)
    assert coded_size_bytes(answer) <= CODED_BYTES_MAX
    assert not fits_a_message(Answer(code=CODE_MAX, text="so many words that they would crowd it out"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_read_in_the_readers_language(language: str) -> None:
    pain = catalogue().questions[3]
    assert question_text(Question(code=3), language) == pain.texts[language]
    assert question_text(Question(code=3, text="On breathing in?"), language).startswith(pain.texts[language])


def test_a_language_that_nobody_translated_is_english() -> None:
    assert question_text(Question(code=3), "fr") == catalogue().questions[3].texts["en"]


def test_a_number_is_shown_with_the_unit_of_its_question() -> None:
    assert answer_text(Answer(code=24, number=120)) == "120 mm[Hg]"
    assert answer_text(Answer(code=3, number=7)) == "7"
    assert answer_text(Answer(code=28, options=(3,)), "ko") == "오른쪽 아래"
    assert answer_text(Answer(code=4, options=(0,))) == "no"


def test_what_was_not_found_out_is_never_a_no() -> None:
    for state in AnswerState:
        if state is not AnswerState.ANSWERED:
            said = answer_text(Answer(code=4, state=state, text="no light to look by"))
            assert said not in ("no", "yes", "")
            assert said.endswith("no light to look by")


@given(st.integers(1, CODE_MAX).filter(lambda code: code not in catalogue().questions))
def test_a_number_that_is_not_known_is_not_guessed(code: int) -> None:
    assert f"question {code}" in question_text(Question(code=code))
    assert "does not know" in answer_text(Answer(code=code, options=(1,)))


def test_an_answer_of_another_kind_is_seen() -> None:
    pain, awake = catalogue().questions[3], catalogue().questions[4]
    assert not pain.accepts(Answer(code=3, options=(1,)))
    assert not awake.accepts(Answer(code=4, number=1))
    assert not awake.accepts(Answer(code=4, options=(2,)))
    assert not awake.accepts(Answer(code=4, state=AnswerState.NOT_DONE, options=(1,)))


@pytest.mark.parametrize(
    "text",
    [
        "version = 1\nquestion = 3",
        'version = 1\n[[question]]\ncode = 1\nanswer = "yes_no"\nen = "x"\nko = "x"\nes = "x"',
        'version = 1\n[[question]]\ncode = 1\nanswer = "number"\nen = "x"\nko = "x"\nes = "x"\ntl = "x"',
        'version = 1\n[[question]]\ncode = 1\nanswer = "smell"\nen = "x"\nko = "x"\nes = "x"\ntl = "x"',
        "version = ",
    ],
)
def test_a_broken_catalogue_says_so(text: str) -> None:
    with pytest.raises(CatalogueBroken):
        parse_catalogue(text)


def test_a_number_is_not_given_twice() -> None:
    one = '[[question]]\ncode = 1\nanswer = "yes_no"\nen = "x"\nko = "x"\nes = "x"\ntl = "x"\n'
    with pytest.raises(CatalogueBroken, match="two questions"):
        parse_catalogue(f"version = 1\n{one}{one}")
