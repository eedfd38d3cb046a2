"""Codes and units of every quantity that a record carries: LOINC, UCUM and steps.

Law: a step never changes under the number of a measure. A measure without a LOINC code that is known to be
right has none, never a likely one. The data stands with the notices of LOINC and
UCUM in `tables/measures.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from .findings import Measure

LOINC_SYSTEM: Final = "http://loinc.org"
UCUM_SYSTEM: Final = "http://unitsofmeasure.org"


class CodesBroken(ValueError):
    """The table of measures breaks a rule of its format: a fault of whoever wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureCode:
    """What one measure is called by others, and how its recorded values read."""

    measure: Measure
    code: str
    """Our own name of it, unique and lasting."""
    display: str
    loinc: tuple[str, ...]
    """None, one, or several that a receiver wants together."""
    unit: str
    """UCUM."""
    steps_per_unit: int
    vitals_field: str | None

    def number(self, steps: int) -> str:
        """A recorded value in the unit, exactly: 386 tenths are "38.6"."""
        if self.steps_per_unit == 1:
            return str(steps)
        return f"{steps // self.steps_per_unit}.{steps % self.steps_per_unit}"

    def text(self, steps: int) -> str:
        """ "temperature 38.6 Cel"; a score has no unit."""
        unit = "" if self.unit.startswith("{") else f" {self.unit}"
        return f"{self.display} {self.number(steps)}{unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedVital:
    """A vital sign whose value is a choice, not a number."""

    vitals_field: str
    code: str
    display: str
    loinc: tuple[str, ...]


@cache
def measure_codes() -> dict[Measure, MeasureCode]:
    """Every measure's codes."""
    found = {row.measure: row for row in (_measure(item) for item in _rows("measure"))}
    if len(found) != len(_rows("measure")) or set(found) != set(Measure):
        raise CodesBroken("each measure has one row, and no row is without a measure")
    return found


@cache
def coded_vitals() -> tuple[CodedVital, ...]:
    """Codes of vital signs that are not numbers."""
    return tuple(_coded_vital(item) for item in _rows("coded_vital"))


def measured(measure: Measure, steps: int) -> str:
    """A recorded value in words, with its unit."""
    return measure_codes()[measure].text(steps)


@cache
def _rows(title: str) -> tuple[object, ...]:
    text = files("protocol").joinpath("tables", "measures.toml").read_text("utf-8")
    match tomllib.loads(text).get(title):
        case list(rows):
            return tuple(rows)
    raise CodesBroken(f"the table of measures has no rows under {title}")


def _measure(row: object) -> MeasureCode:
    match row:
        case {
            "number": int(number),
            "code": str(code),
            "display": str(display),
            "loinc": list(loinc),
            "unit": str(unit),
            "steps_per_unit": (1 | 10) as steps,
            **rest,
        }:
            field = rest.get("vitals")
            return MeasureCode(
                measure=Measure(number),
                code=code,
                display=display,
                loinc=tuple(str(each) for each in loinc),
                unit=unit,
                steps_per_unit=int(steps),
                vitals_field=None if field is None else str(field),
            )
    raise CodesBroken(f"a measure lacks number, code, display, loinc, unit or steps_per_unit: {row!r}")


def _coded_vital(row: object) -> CodedVital:
    match row:
        case {"vitals": str(field), "code": str(code), "display": str(display), "loinc": list(loinc)}:
            return CodedVital(
                vitals_field=field, code=code, display=display, loinc=tuple(str(each) for each in loinc)
            )
    raise CodesBroken(f"a coded vital lacks vitals, code, display or loinc: {row!r}")
