"""The catalogue of coded questions: what each number asks, in four languages, and what answers it takes.

Law: a number means the same for good. A reader whose catalogue lacks a number shows the number and asks for
words; it never guesses.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from .codec import encode
from .questions import CODED_BYTES_MAX, OPTION_MAX, Answer, AnswerState, Question
from .schema import encode_fields

LANGUAGES: Final = ("en", "ko", "es", "tl")
_STATE_WORDS: Final[Mapping[AnswerState, str]] = {
    AnswerState.NOT_DONE: "not done",
    AnswerState.CANNOT: "cannot be found out here",
    AnswerState.REFUSED: "the patient does not want to answer",
    AnswerState.NOT_KNOWN: "not known",
}
_YES_NO: Final[tuple[Mapping[str, str], ...]] = (
    {"en": "no", "ko": "아니요", "es": "no", "tl": "hindi"},
    {"en": "yes", "ko": "예", "es": "sí", "tl": "oo"},
)


class CatalogueBroken(ValueError):
    """The catalogue breaks a rule of its format: a fault of whoever wrote it."""


class AnswerType(StrEnum):
    """What kind of answer a question takes."""

    YES_NO = "yes_no"
    CHOICE = "choice"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedQuestion:
    """One number of the catalogue."""

    code: int
    answer: AnswerType
    unit: str | None
    """UCUM, of a number."""
    texts: Mapping[str, str]
    options: tuple[Mapping[str, str], ...]
    """What may be chosen, by position; empty where nothing is."""

    def text(self, language: str = "en") -> str:
        """The question in that language, or in English where the catalogue does not speak it."""
        return self.texts.get(language, self.texts["en"])

    def accepts(self, answer: Answer) -> bool:
        """Whether the answer is of the kind asked for; "not done" and its like always are."""
        if answer.state is not AnswerState.ANSWERED:
            return not answer.options and answer.number is None
        if self.options:
            return bool(answer.options) and all(option < len(self.options) for option in answer.options)
        if self.answer is AnswerType.NUMBER:
            return answer.number is not None and not answer.options
        return answer.text is not None and answer.number is None and not answer.options


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    version: int
    questions: Mapping[int, CodedQuestion]


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with the software."""
    return parse_catalogue(files("protocol").joinpath("tables", "questions.toml").read_text("utf-8"))


def parse_catalogue(text: str) -> Catalogue:
    """A catalogue from its TOML; `CatalogueBroken` says what is wrong with it."""
    try:
        match tomllib.loads(text):
            case {"version": int(version), "question": list(rows)} if version >= 1:
                questions = [_question(row) for row in rows]
            case _:
                raise CatalogueBroken("a catalogue has a version and questions")
    except tomllib.TOMLDecodeError as error:
        raise CatalogueBroken(f"a catalogue is not TOML: {error}") from error
    by_code = {question.code: question for question in questions}
    if len(by_code) != len(questions):
        raise CatalogueBroken("a number is given to two questions")
    return Catalogue(version=version, questions=by_code)


def question_text(question: Question, language: str = "en") -> str:
    """The question as a person reads it: of a coded one the catalogue's words, then any words of its own."""
    known = None if question.code is None else catalogue().questions.get(question.code)
    parts: list[str | None] = [question.text]
    if known is not None:
        parts = [known.text(language), question.text]
    elif question.code is not None:
        parts = [f"question {question.code}, which this version does not know: ask for words", question.text]
    return " ".join(part for part in parts if part)


def answer_text(answer: Answer, language: str = "en") -> str:
    """The answer as a person reads it; a number stands with its unit."""
    known = None if answer.code is None else catalogue().questions.get(answer.code)
    parts = [] if answer.state is AnswerState.ANSWERED else [_STATE_WORDS[answer.state]]
    parts += [_option(known, option, language) for option in answer.options]
    if answer.number is not None:
        unit = known.unit if known else None
        parts.append(f"{answer.number} {unit}" if unit and not unit.startswith("{") else str(answer.number))
    return ", ".join([*parts, *([answer.text] if answer.text else [])])


def coded_size_bytes(body: Question | Answer) -> int:
    """Bytes of the body on the wire: what a satellite message must have room for."""
    return len(encode(encode_fields(body)))


def fits_a_message(body: Question | Answer) -> bool:
    """Whether it can travel beside a headline."""
    return coded_size_bytes(body) <= CODED_BYTES_MAX


def _option(known: CodedQuestion | None, option: int, language: str) -> str:
    if known is None or option >= len(known.options):
        return f"option {option}, which this version does not know"
    return known.options[option].get(language, known.options[option]["en"])


def _question(row: object) -> CodedQuestion:
    match row:
        case {"code": int(code), "answer": str(answer), **rest} if answer in AnswerType.__members__.values():
            kind = AnswerType(answer)
            options = rest.get("options", [])
            if not isinstance(options, list):
                raise CatalogueBroken(f"question {code}: options are a list")
            unit = rest.get("unit")
            question = CodedQuestion(
                code=code,
                answer=kind,
                unit=None if unit is None else str(unit),
                texts=_texts(code, rest),
                options=_YES_NO if kind is AnswerType.YES_NO else tuple(_texts(code, o) for o in options),
            )
            _check(question)
            return question
    raise CatalogueBroken(f"a question has a code and a kind of answer: {row!r}")


def _texts(code: int, row: object) -> Mapping[str, str]:
    match row:
        case {"en": str(en), "ko": str(ko), "es": str(es), "tl": str(tl)}:
            return {"en": en, "ko": ko, "es": es, "tl": tl}
    raise CatalogueBroken(f"question {code}: a text in {', '.join(LANGUAGES)} is missing")


def _check(question: CodedQuestion) -> None:
    if (question.answer is AnswerType.NUMBER) != (question.unit is not None):
        raise CatalogueBroken(f"question {question.code}: a number has a unit, nothing else does")
    wants_options = question.answer in (AnswerType.CHOICE, AnswerType.YES_NO)
    if wants_options != bool(question.options) or len(question.options) > OPTION_MAX + 1:
        raise CatalogueBroken(f"question {question.code}: a choice has 1..{OPTION_MAX + 1} options")
