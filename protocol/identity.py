"""Bodies of records about who the patient is: name and papers, and whether two patients are one person.

Law: a clinical record never holds a name. An identity travels in a bundle of its own, on request or by the
site's policy, and is erased by itself.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .errors import InvalidRecord
from .ids import PATIENT_ID_BYTES
from .schema import Choice, ListOf, Number, Raw, Shaped, Struct, Text, wire

_LINE: Final = Text(400)
_WORD: Final = Text(120)
_COUNTRY: Final = Shaped("[A-Z]{3}", 3)
"""ISO 3166-1 alpha-3, as passports and seafarers' books print it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDate:
    """A day as far as it is known: the year, or year and month, or all three."""

    year: int = wire(1, Number(1850, 2200))
    month: int | None = wire(2, Number(1, 12), default=None)
    day: int | None = wire(3, Number(1, 31), default=None)

    def __post_init__(self) -> None:
        if self.day is not None and self.month is None:
            raise InvalidRecord("a day of the month needs its month")
        in_range = self.month is not None and 1 <= self.month <= 12 and 1 <= self.year <= 9999
        if self.day is not None and in_range and self.month is not None:
            if self.day > monthrange(self.year, self.month)[1]:
                raise InvalidRecord(f"{self.year}-{self.month:02} has no day {self.day}")

    def __str__(self) -> str:
        parts = [f"{self.year:04}", *(f"{part:02}" for part in (self.month, self.day) if part is not None)]
        return "-".join(parts)


class DocumentKind(IntEnum):
    OTHER = 0
    PASSPORT = 1
    SEAFARER_BOOK = 2
    NATIONAL_CARD = 3
    DRIVING_LICENCE = 4
    MILITARY_CARD = 5
    PRISON_NUMBER = 6
    HOSPITAL_NUMBER = 7
    INSURANCE_NUMBER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A number that some authority gave this person, copied as printed."""

    kind: DocumentKind = wire(1, Choice(DocumentKind))
    number: str = wire(2, _WORD)
    country: str | None = wire(3, _COUNTRY, default=None)
    expires: CalendarDate | None = wire(4, Struct(CalendarDate), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The person behind a patient's code; a later one supersedes the earlier, and two that do not know of
    each other stand side by side."""

    name: str = wire(1, _WORD)
    """In the order and the script that the person uses."""
    name_latin: str | None = wire(2, _WORD, default=None)
    birth_date: CalendarDate | None = wire(3, Struct(CalendarDate), default=None)
    documents: tuple[Document, ...] = wire(4, ListOf(Struct(Document), 8), default=())
    nationality: str | None = wire(5, _COUNTRY, default=None)
    rank: str | None = wire(6, _WORD, default=None)
    """Rank, rating or job at the site."""
    employer: str | None = wire(7, _LINE, default=None)
    next_of_kin: str | None = wire(8, _LINE, default=None)
    """Who is to be told, and how they are reached."""


class SamePerson(IntEnum):
    """What somebody says about two patients."""

    SAME = 1
    NOT_SAME = 2
    CANNOT_TELL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLink:
    """This patient and another are, or are not, one person. It joins nothing by itself: a screen shows the
    other's allergies with the words "said to be the same person", and the two histories stay apart."""

    patient: bytes = wire(1, Raw(PATIENT_ID_BYTES))
    verdict: SamePerson = wire(2, Choice(SamePerson))
    grounds: str = wire(3, _LINE)
    """How it is known: papers compared, face and birth date, the person's own word."""
