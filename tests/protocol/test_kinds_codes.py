"""Codes and units: every quantity that a record carries has one, and keeps it."""

from __future__ import annotations

import dataclasses
import re

import pytest

from protocol.clinical import Vitals
from protocol.codes import coded_vitals, measure_codes, measured
from protocol.findings import Measure
from protocol.orders import Quantity

FIXED = {
    1: ("8867-4", "/min", 1),
    2: ("9279-1", "/min", 1),
    3: ("2708-6", "%", 1),
    4: ("8480-6", "mm[Hg]", 1),
    5: ("8462-4", "mm[Hg]", 1),
    6: ("8310-5", "Cel", 10),
    7: ("9269-2", "{score}", 1),
    8: ("72514-3", "{score}", 1),
    9: ("14743-9", "mmol/L", 10),
    10: ("29463-7", "kg", 10),
    11: ("8302-2", "cm", 1),
    14: ("3150-0", "%", 1),
    20: ("15074-8", "mmol/L", 10),
    21: ("", "mmol/mol", 1),
    26: ("", "mL", 1),
    30: ("", "d", 1),
}
"""Number, first LOINC code, UCUM unit, steps: what was once sent under these must be read so for ever."""


def test_every_measure_has_a_code_and_a_unit() -> None:
    codes = measure_codes()
    assert set(codes) == set(Measure)
    assert len({code.code for code in codes.values()}) == len(Measure)
    for code in codes.values():
        assert code.unit
        assert code.steps_per_unit in (1, 10)
        assert all(re.fullmatch(r"\d{1,5}-\d", loinc) for loinc in code.loinc)


@pytest.mark.parametrize("number", FIXED)
def test_a_unit_never_changes_under_a_number(number: int) -> None:
    code = measure_codes()[Measure(number)]
    assert ("".join(code.loinc[:1]), code.unit, code.steps_per_unit) == FIXED[number]


def test_loinc_check_digits_are_right() -> None:
    """Mod 10 of the digits, every second one doubled: a code with a slip of the pen does not pass."""
    for loinc in (one for code in measure_codes().values() for one in code.loinc):
        digits, check = loinc.split("-")
        doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(digits))]
        total = sum(value // 10 + value % 10 for value in doubled)
        assert (10 - total % 10) % 10 == int(check), loinc


def test_every_vital_sign_has_its_code() -> None:
    named = {code.vitals_field for code in measure_codes().values()} | {
        coded.vitals_field for coded in coded_vitals()
    }
    assert named - {None} == {field.name for field in dataclasses.fields(Vitals)} - {"observed_s"}


def test_what_a_contingency_watches_is_the_measure_of_the_same_number() -> None:
    for quantity in Quantity:
        measure = measure_codes()[Measure(quantity)]
        assert measure.measure.name == quantity.name
        assert measure.vitals_field is not None


@pytest.mark.parametrize(
    ("measure", "steps", "text"),
    [
        (Measure.TEMPERATURE, 386, "temperature 38.6 Cel"),
        (Measure.TEMPERATURE, 400, "temperature 40.0 Cel"),
        (Measure.BLOOD_LOSS, 1250, "blood loss 1250 mL"),
        (Measure.GLASGOW_MOTOR, 5, "Glasgow motor response 5"),
    ],
)
def test_a_value_reads_exactly_with_its_unit(measure: Measure, steps: int, text: str) -> None:
    assert measured(measure, steps) == text
