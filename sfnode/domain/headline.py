"""The headline: a case in one satellite message, made to fit by leaving out what helps least, never in
silence.

Law: a name in a list is whole or replaced by a count, and a text that was shortened ends in dots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from protocol.clinical import Headline, Patient, Treatment, Vitals
from protocol.news2 import news2, telling_set

from .case_file import CaseFile

SEALED_BYTES_MAX: Final = 320
"""Sealed and signed; with framing it still fits one 340-byte satellite message."""
DOTS: Final = "..."
_NAMES_MAX: Final = 4
_ALLERGY_BYTES_MAX: Final = 40
_TREATMENT_BYTES_MAX: Final = 60
_TEXT_BYTES_MAX: Final = 120
_PHOTOS_MAX: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How much of each text a version of the headline has; by default the least to act on."""

    complaint_bytes: int = 32
    allergies: int = 0
    """0: only that there are some, with the names in the text that follows."""
    treatments: int = 0
    treatment_bytes: int = 24
    question_bytes: int = 0


_GROWTH: Final = (
    ("allergies", 1),
    ("allergies", 2),
    ("allergies", _NAMES_MAX),
    ("treatments", 1),
    ("complaint_bytes", 40),
    ("question_bytes", 24),
    ("treatments", 2),
    ("question_bytes", 40),
    ("complaint_bytes", 56),
    ("treatment_bytes", 40),
    ("question_bytes", 64),
    ("complaint_bytes", 80),
    ("treatments", _NAMES_MAX),
    ("question_bytes", 80),
    ("treatment_bytes", _TREATMENT_BYTES_MAX),
    ("complaint_bytes", _TEXT_BYTES_MAX),
    ("question_bytes", _TEXT_BYTES_MAX),
)
"""What is added as long as it fits, the most useful first: vitals, score and patient are always there."""


def compose_headline(case: CaseFile, fits: Callable[[Headline], bool]) -> Headline:
    """The fullest version that `fits`; `ValueError` when not even the shortest does, which no record can
    cause."""
    room = _Room()
    headline = _version(case, room)
    if not fits(headline):
        raise ValueError("not even the shortest headline fits one message")
    for name, value in _GROWTH:
        wider = replace(room, **{name: value})
        candidate = _version(case, wider)
        if candidate == headline or fits(candidate):
            room, headline = wider, candidate
    return headline


def shorten(text: str, bytes_max: int) -> str:
    """`text`, or as many whole words of it as fit with the dots that say that there is more."""
    text = " ".join(text.split())
    if len(text.encode()) <= bytes_max:
        return text
    room_bytes = bytes_max - len(DOTS) - 1
    # A cut inside a character of several bytes drops that character.
    cut = text.encode()[:room_bytes].decode(errors="ignore")
    words, space, _ = cut.rpartition(" ")
    if text[len(cut) : len(cut) + 1] == " ":
        words = cut
    # Scripts without spaces, or one long word, are cut between characters.
    return f"{words if space else cut} {DOTS}".strip()


def _version(case: CaseFile, room: _Room) -> Headline:
    patient = case.patient or Patient(code="-")
    telling = telling_set(case.state.vitals)
    vitals: Vitals | None = telling.body if telling else None
    score = None if vitals is None else news2(vitals, patient)
    given = tuple(_treatment_words(record.body) for record in case.state.treatments)
    return Headline(
        urgency=case.opened.urgency,
        complaint=shorten(case.opened.complaint, room.complaint_bytes),
        age_years=patient.age_years,
        sex=patient.sex,
        weight_hg=patient.weight_hg,
        pregnancy=patient.pregnancy,
        allergy_state=patient.allergy_state,
        allergies=_names(patient.allergies, room.allergies, _ALLERGY_BYTES_MAX) if room.allergies else (),
        news2=None if score is None else score.total,
        news2_missing=None if score is None or score.total is None else len(score.missing),
        vitals=vitals,
        treatments=_names(given, room.treatments, room.treatment_bytes),
        question=shorten(case.opened.question, room.question_bytes) if room.question_bytes else None,
        photo_count=min(len(case.state.media), _PHOTOS_MAX),
    )


def _names(names: tuple[str, ...], count_max: int, bytes_max: int) -> tuple[str, ...]:
    """The latest names that have room; the others are counted in the last place."""
    if len(names) <= count_max:
        return tuple(shorten(name, bytes_max) for name in names)
    shown = tuple(shorten(name, bytes_max) for name in names[len(names) - max(0, count_max - 1) :])
    return (*shown, f"+{len(names) - len(shown)} more" if shown else f"{len(names)} listed")


def _treatment_words(treatment: Treatment) -> str:
    return " ".join(part for part in (treatment.what, treatment.dose) if part)
