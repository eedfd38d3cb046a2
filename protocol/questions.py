"""Bodies of a specialist's question and the site's answer, coded or in words.

Law: a coded question means what its number says in `protocol.catalogue`, in every language and for good. An
answer repeats the number, so that it can be read without its question; not done, cannot and refused are
answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .errors import InvalidRecord
from .schema import Choice, ListOf, Number, Shaped, Text, wire

CODED_BYTES_MAX: Final = 40
"""A coded question, and a coded answer, fit beside the headline of a satellite message."""
CODE_MAX: Final = 65_535
OPTION_MAX: Final = 31
OPTIONS_CHOSEN_MAX: Final = 16
NUMBER_MAX: Final = 2**31 - 1
_TEXT: Final = Text(2000)
_LANGUAGE: Final = Shaped("[a-z]{2,3}", 3)
"""ISO 639."""


class AnswerState(IntEnum):
    ANSWERED = 1
    NOT_DONE = 2
    CANNOT = 3
    """There is no means to find out here; words may say which is missing."""
    REFUSED = 4
    """The patient does not want to answer."""
    NOT_KNOWN = 5
    """It was asked, and nobody here knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a specialist needs to know next: a number of the catalogue, or words, or both."""

    code: int | None = wire(1, Number(1, CODE_MAX), default=None)
    text: str | None = wire(2, _TEXT, default=None)
    language: str | None = wire(3, _LANGUAGE, default=None)
    """Of the words."""
    answer_within_min: int | None = wire(4, Number(1, 60 * 24 * 60), default=None)

    def __post_init__(self) -> None:
        if self.code is None and self.text is None:
            raise InvalidRecord("a question has a number or words")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the site says to the question that `refs` answers. Of two that do not know of each other both
    stay."""

    code: int | None = wire(1, Number(1, CODE_MAX), default=None)
    """That of the question."""
    state: AnswerState = wire(2, Choice(AnswerState), default=AnswerState.ANSWERED)
    options: tuple[int, ...] = wire(3, ListOf(Number(0, OPTION_MAX), OPTIONS_CHOSEN_MAX), default=())
    """Of a choice, the numbers chosen; of yes or no, 1 is yes and 0 is no."""
    number: int | None = wire(4, Number(0, NUMBER_MAX), default=None)
    """In the unit that the catalogue gives the question."""
    text: str | None = wire(5, _TEXT, default=None)
    language: str | None = wire(6, _LANGUAGE, default=None)

    def __post_init__(self) -> None:
        empty = not self.options and self.number is None and self.text is None
        if self.state is AnswerState.ANSWERED and empty:
            raise InvalidRecord("an answer has an option, a number or words")
