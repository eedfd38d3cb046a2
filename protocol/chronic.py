"""Bodies of records of long care: plans with targets, changes of a prescription, and recalls.

A recall belongs to the patient and to no consult: it stands in the patient's own pseudo-case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from .errors import InvalidRecord
from .findings import VALUE_MAX, Measure
from .ids import CASE_ID_BYTES, CaseId, PatientId
from .schema import Choice, ListOf, Number, Struct, Text, wire
from .stamps import WALL_S_MAX

TARGETS_MAX: Final = 32
TASKS_MAX: Final = 32
_LINE: Final = Text(400)
_WORD: Final = Text(120)
_MOMENT: Final = Number(0, WALL_S_MAX)
_DAYS: Final = Number(1, 3660)


def patient_case_id(patient: PatientId) -> CaseId:
    """The pseudo-case in which a patient's recalls stand."""
    return CaseId(blake2b(patient, digest_size=CASE_ID_BYTES, person=b"sf-patient-case").digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Between which values a measure should stay; a bound that is left out is not set."""

    measure: Measure = wire(1, Choice(Measure))
    low: int | None = wire(2, Number(0, VALUE_MAX), default=None)
    high: int | None = wire(3, Number(0, VALUE_MAX), default=None)
    """Both in the steps of `measure`; the bounds themselves are within."""
    measured_every_days: int | None = wire(4, _DAYS, default=None)

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise InvalidRecord("a target has at least one bound")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InvalidRecord("a target's lower bound is above its upper one")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarePlan:
    """How a long illness is to be looked after; a later plan supersedes the earlier."""

    condition: str = wire(1, _LINE)
    targets: tuple[Target, ...] = wire(2, ListOf(Struct(Target), TARGETS_MAX), default=())
    tasks: tuple[str, ...] = wire(3, ListOf(_LINE, TASKS_MAX), default=())
    warning_signs: str | None = wire(4, Text(2000), default=None)
    next_review_s: int | None = wire(5, _MOMENT, default=None)


class PrescriptionAction(IntEnum):
    START = 1
    CHANGE = 2
    STOP = 3
    CONTINUE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionChanged:
    """One medicine that is taken for long: begun, changed or stopped, with the dose whole."""

    action: PrescriptionAction = wire(1, Choice(PrescriptionAction))
    medicine: str = wire(2, _WORD)
    strength: str | None = wire(3, _WORD, default=None)
    dose: str | None = wire(4, _WORD, default=None)
    route: str | None = wire(5, _WORD, default=None)
    frequency: str | None = wire(6, _WORD, default=None)
    supply_days: int | None = wire(7, _DAYS, default=None)
    reason: str | None = wire(8, _LINE, default=None)
    from_s: int | None = wire(9, _MOMENT, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """The patient is to be seen again, even if nobody thinks of it: when, for what, and when it is late."""

    due_s: int = wire(1, _MOMENT)
    reason: str = wire(2, _LINE)
    tasks: tuple[str, ...] = wire(3, ListOf(_LINE, TASKS_MAX), default=())
    late_after_days: int | None = wire(4, _DAYS, default=None)
    repeats_every_days: int | None = wire(5, _DAYS, default=None)
