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
from protocol.shortening import shorten
from protocol.voyage import Position

from .case_file import CaseFile

SEALED_BYTES_MAX: Final = 320
"""Sealed in the small profile; with framing it still fits one 340-byte satellite message."""
_NAMES_MAX: Final = 4
_ALLERGY_BYTES_MAX: Final = 40
_TREATMENT_BYTES_MAX: Final = 60
_TEXT_BYTES_MAX: Final = 120
_PHOTOS_MAX: Final = 99
_ETA_MIN_MAX: Final = 60 * 24 * 60
_MINUTE_S: Final = 60
_TENTHOUSANDTHS: Final = 100
"""In a hundredth of a degree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How much of each text a version of the headline has; by default the least to act on."""

    complaint_bytes: int = 32
    question_bytes: int = 40
    allergies: int = 0
    """0: only that there are some, with the names in the text that follows."""
    treatments: int = 0
    treatment_bytes: int = 24


_GROWTH: Final = (
    ("allergies", 1),
    ("allergies", 2),
    ("allergies", _NAMES_MAX),
    ("question_bytes", 64),
    ("treatments", 1),
    ("complaint_bytes", 56),
    ("treatments", 2),
    ("question_bytes", 80),
    ("treatment_bytes", 40),
    ("complaint_bytes", 80),
    ("question_bytes", _TEXT_BYTES_MAX),
    ("treatments", _NAMES_MAX),
    ("treatment_bytes", _TREATMENT_BYTES_MAX),
    ("complaint_bytes", _TEXT_BYTES_MAX),
)
"""What is added as long as it fits, the most useful first. Vitals, score, patient and the question are always
there: without its question a specialist cannot answer a case."""


def compose_headline(case: CaseFile, fits: Callable[[Headline], bool], *, now_s: int) -> Headline:
    """The fullest version that `fits`; `ValueError` when not even the shortest does, which no record can
    cause."""
    fullest = _version(case, replace(_Room(), **dict(_GROWTH)), now_s)
    if fits(fullest):
        return fullest
    room = _Room()
    headline = _version(case, room, now_s)
    if not fits(headline):
        raise ValueError("not even the shortest headline fits one message")
    for name, value in _GROWTH:
        wider = replace(room, **{name: value})
        candidate = _version(case, wider, now_s)
        if candidate == headline or fits(candidate):
            room, headline = wider, candidate
    return headline


def _version(case: CaseFile, room: _Room, now_s: int) -> Headline:
    patient = case.patient or Patient(code="-")
    position = _position(case)
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
        question=shorten(case.opened.question, room.question_bytes) or None,
        photo_count=min(len(case.state.media), _PHOTOS_MAX),
        latitude_centidegrees=_hundredths(position.latitude_tenthousandths) if position else None,
        longitude_centidegrees=_hundredths(position.longitude_tenthousandths) if position else None,
        eta_min=_eta_min(position, now_s),
    )


def _position(case: CaseFile) -> Position | None:
    """The one observed last."""
    positions: list[Position] = [record.body for record in case.state.positions]
    return max(positions, key=lambda position: position.observed_s, default=None)


def _hundredths(degrees: int | None) -> int | None:
    """Of a degree, to the nearest: about a kilometre, enough to know who can come."""
    return None if degrees is None else (degrees + _TENTHOUSANDTHS // 2) // _TENTHOUSANDTHS


def _eta_min(position: Position | None, now_s: int) -> int | None:
    """Minutes from now to the nearest place with medical help that the site has named, else to its port."""
    if position is None:
        return None
    arrivals = [
        position.observed_s + port.reach_min * _MINUTE_S
        for port in position.ports
        if port.reach_min is not None
    ]
    arrival_s = min(arrivals, default=position.arrival_s)
    if arrival_s is None:
        return None
    return min(max(0, -((now_s - arrival_s) // _MINUTE_S)), _ETA_MIN_MAX)


def _names(names: tuple[str, ...], count_max: int, bytes_max: int) -> tuple[str, ...]:
    """The latest names that have room; the others are counted in the last place."""
    if len(names) <= count_max:
        return tuple(shorten(name, bytes_max) for name in names)
    shown = tuple(shorten(name, bytes_max) for name in names[len(names) - max(0, count_max - 1) :])
    return (*shown, f"+{len(names) - len(shown)} more" if shown else f"{len(names)} listed")


def _treatment_words(treatment: Treatment) -> str:
    return " ".join(part for part in (treatment.what, treatment.dose) if part)
