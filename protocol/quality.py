"""Bodies of records by which care is judged: what became of the patient, what went wrong, what people say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .schema import Choice, Flag, ListOf, Number, Shaped, Struct, Text, wire
from .stamps import WALL_S_MAX

SURVEY_ITEMS_MAX: Final = 64
_LINE: Final = Text(400)
_WORD: Final = Text(120)
_PARAGRAPH: Final = Text(2000)
_MOMENT: Final = Number(0, WALL_S_MAX)


class Respondent(IntEnum):
    PATIENT = 1
    RELATIVE = 2
    SITE = 3
    SPECIALIST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyItem:
    """One item under its number in the instrument; a score that is left out was not answered."""

    item: int = wire(1, Number(1, 999))
    score: int | None = wire(2, Number(0, 100), default=None)
    text: str | None = wire(3, _LINE, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Answers to a questionnaire that is named with its version."""

    instrument: str = wire(1, _WORD)
    respondent: Respondent = wire(2, Choice(Respondent))
    items: tuple[SurveyItem, ...] = wire(3, ListOf(Struct(SurveyItem), SURVEY_ITEMS_MAX))
    language: str | None = wire(4, Shaped("[a-z]{2,3}", 3), default=None)
    remark: str | None = wire(5, _PARAGRAPH, default=None)


class IncidentSort(IntEnum):
    OTHER = 0
    WRONG_PATIENT = 1
    MEDICINE = 2
    LATE_REPLY = 3
    MISUNDERSTOOD = 4
    EQUIPMENT = 5
    SOFTWARE = 6
    PRIVACY = 7
    TRANSFER = 8


class Harm(IntEnum):
    NEAR_MISS = 0
    """It was caught before it reached the patient."""
    NONE = 1
    MILD = 2
    MODERATE = 3
    SEVERE = 4
    DEATH = 5
    NOT_KNOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something went wrong, or nearly did. It accuses nobody: what happened, was done, and would help."""

    sort: IncidentSort = wire(1, Choice(IncidentSort))
    harm: Harm = wire(2, Choice(Harm))
    what: str = wire(3, Text(4000))
    happened_s: int | None = wire(4, _MOMENT, default=None)
    done: str | None = wire(5, _PARAGRAPH, default=None)
    prevention: str | None = wire(6, _PARAGRAPH, default=None)


class Course(IntEnum):
    RECOVERED = 1
    IMPROVED = 2
    UNCHANGED = 3
    WORSE = 4
    DIED = 5
    NOT_KNOWN = 6


class Whereabouts(IntEnum):
    """Where the patient was taken in the end."""

    NOT_STATED = 0
    STAYED = 1
    EVACUATED = 2
    DIVERTED = 3
    LANDED_AT_PORT = 4
    REFERRED = 5


class Hindsight(IntEnum):
    """Of an evacuation or its absence, judged afterwards."""

    NEEDED_AND_MADE = 1
    NEEDED_AND_MISSED = 2
    MADE_AND_NOT_NEEDED = 3
    AVOIDED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the patient, for those who advised; a later one adds to the earlier."""

    course: Course = wire(1, Choice(Course))
    judged_s: int = wire(2, _MOMENT)
    whereabouts: Whereabouts = wire(3, Choice(Whereabouts), default=Whereabouts.NOT_STATED)
    diagnosis: str | None = wire(4, _LINE, default=None)
    """The final one, where somebody made it with better means."""
    advice_followed: bool | None = wire(5, Flag(), default=None)
    advice_helped: bool | None = wire(6, Flag(), default=None)
    evacuation: Hindsight | None = wire(7, Choice(Hindsight), default=None)
    remark: str | None = wire(8, _PARAGRAPH, default=None)
