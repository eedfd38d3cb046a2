"""NEWS2 at every boundary of the chart, and never a missing input taken for normal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.clinical import Consciousness, Patient, Pregnancy, Vitals
from protocol.news2 import Input, Spo2Scale, news2, telling_set, worsened
from protocol.records import Record
from tests.protocol.cases import MEDIC

NORMAL = {
    "respiratory_rate_min": 16,
    "spo2_percent": 98,
    "on_oxygen": False,
    "systolic_mmhg": 120,
    "heart_rate_min": 70,
    "consciousness": Consciousness.ALERT,
    "temperature_decicelsius": 370,
}
ADULT = Patient(code="P-1", age_years=54)

# The chart's columns, written down a second time from its text: (value, points) on both sides of a boundary.
BOUNDARIES: dict[str, list[tuple[Any, int]]] = {
    "respiratory_rate_min": [
        (0, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (150, 3),
    ],
    "spo2_percent": [(0, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)],
    "on_oxygen": [(False, 0), (True, 2)],
    "systolic_mmhg": [
        (0, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3), (400, 3),
    ],
    "heart_rate_min": [
        (0, 3), (40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2),
        (131, 3), (400, 3),
    ],
    "consciousness": [
        (Consciousness.ALERT, 0), (Consciousness.CONFUSED, 3), (Consciousness.VOICE, 3),
        (Consciousness.PAIN, 3), (Consciousness.UNRESPONSIVE, 3),
    ],
    "temperature_decicelsius": [
        (100, 3), (350, 3), (351, 1), (360, 1), (361, 0), (380, 0), (381, 1), (390, 1), (391, 2), (500, 2),
    ],
}  # fmt: skip


def vitals(**readings: Any) -> Vitals:
    return Vitals(**{"observed_s": 0, **NORMAL, **readings})


@pytest.mark.parametrize(
    ("field", "value", "points"),
    [(field, value, points) for field, rows in BOUNDARIES.items() for value, points in rows],
)
def test_each_boundary_of_the_chart(field: str, value: Any, points: int) -> None:
    score = news2(vitals(**{field: value}), ADULT)
    assert score.total == points
    assert not score.is_partial


@pytest.mark.parametrize(
    ("value", "on_oxygen", "points"),
    [
        (83, False, 3), (84, False, 2), (85, False, 2), (86, False, 1), (87, False, 1), (88, False, 0),
        (92, False, 0), (93, False, 0), (100, False, 0), (83, True, 3), (88, True, 0), (92, True, 0),
        (93, True, 1), (94, True, 1), (95, True, 2), (96, True, 2), (97, True, 3), (100, True, 3),
    ],
)  # fmt: skip
def test_scale_2_is_for_a_target_of_88_to_92(value: int, on_oxygen: bool, points: int) -> None:
    scored = dict(news2(vitals(spo2_percent=value, on_oxygen=on_oxygen), ADULT, Spo2Scale.TWO).points)
    assert scored[Input.SPO2] == points


def test_scale_2_above_the_target_without_knowing_of_oxygen_is_missing() -> None:
    score = news2(vitals(spo2_percent=96, on_oxygen=None), ADULT, Spo2Scale.TWO)
    assert score.missing == (Input.SPO2, Input.OXYGEN)


def test_the_total_and_its_bands() -> None:
    sick = vitals(
        respiratory_rate_min=24,
        spo2_percent=91,
        systolic_mmhg=98,
        heart_rate_min=118,
        temperature_decicelsius=386,
    )
    assert news2(sick, ADULT).text == "NEWS2 10 HIGH"
    assert "emergency assessment" in news2(sick, ADULT).rule
    assert "SpO2 alone scores 3" in news2(sick, ADULT).rule
    assert news2(vitals(respiratory_rate_min=8), ADULT).text == "NEWS2 3 LOW-MEDIUM"
    assert (
        news2(vitals(heart_rate_min=111, systolic_mmhg=100, spo2_percent=95), ADULT).text == "NEWS2 5 MEDIUM"
    )
    assert news2(vitals(heart_rate_min=111, systolic_mmhg=100), ADULT).text == "NEWS2 4 LOW"
    assert news2(vitals(), ADULT).text == "NEWS2 0 LOW"


@pytest.mark.parametrize("field", NORMAL)
def test_a_missing_input_is_named_and_never_counts_as_normal(field: str) -> None:
    score = news2(vitals(**{field: None}), ADULT)
    assert score.is_partial
    assert len(score.missing) == 1
    assert score.text == f"NEWS2 at least 0 LOW ({score.missing[0].value} not measured)"


def test_partial_scores_say_at_least() -> None:
    score = news2(vitals(temperature_decicelsius=None, heart_rate_min=131, respiratory_rate_min=21), ADULT)
    assert score.text == "NEWS2 at least 5 MEDIUM (temperature not measured)"


def test_nothing_measured_is_no_score() -> None:
    score = news2(Vitals(observed_s=0, pain=3), ADULT)
    assert score.total is None
    assert len(score.missing) == 7
    assert "not scored" in score.text


@pytest.mark.parametrize(
    ("patient", "words"),
    [
        (Patient(code="P", age_years=15), "under 16"),
        (Patient(code="P", age_years=0), "under 16"),
        (Patient(code="P", age_years=30, pregnancy=Pregnancy.YES), "pregnancy"),
    ],
)
def test_it_is_refused_where_it_misleads(patient: Patient, words: str) -> None:
    score = news2(vitals(respiratory_rate_min=30), patient)
    assert score.total is None
    assert words in score.text


def test_it_applies_from_sixteen_and_when_the_patient_is_not_described() -> None:
    assert news2(vitals(), Patient(code="P", age_years=16)).total == 0
    assert news2(vitals(), None).total == 0


@given(st.sets(st.sampled_from(sorted(NORMAL))))
def test_leaving_inputs_out_never_raises_the_score(left_out: set[str]) -> None:
    sick = {"respiratory_rate_min": 25, "spo2_percent": 90, "on_oxygen": True, "systolic_mmhg": 90}
    whole = news2(vitals(**sick), ADULT)
    part = news2(vitals(**{**sick, **dict.fromkeys(left_out)}), ADULT)
    assert (part.total or 0) <= (whole.total or 0)
    assert len(part.missing) == len(left_out)


def _set(counter: int, observed_s: int, **values: object) -> Record:
    body = Vitals(observed_s=observed_s, **values)  # type: ignore[arg-type]  # Names of the body's own fields.
    return MEDIC.entry(body, counter=counter).records[1]


_WHOLE = {
    "respiratory_rate_min": 26,
    "spo2_percent": 90,
    "on_oxygen": False,
    "systolic_mmhg": 95,
    "heart_rate_min": 118,
    "consciousness": Consciousness.ALERT,
    "temperature_decicelsius": 370,
}


def test_one_reading_alone_never_hides_a_worse_whole() -> None:
    whole, alone = _set(1, 100, **_WHOLE), _set(9, 200, heart_rate_min=80)
    assert telling_set([alone, whole]) is whole
    worse = _set(20, 300, **(_WHOLE | {"spo2_percent": 80, "on_oxygen": True}))
    assert telling_set([whole, alone, worse]) is worse
    better = _set(30, 400, **(_WHOLE | {"respiratory_rate_min": 16, "spo2_percent": 97}))
    assert telling_set([whole, worse, better]) is better
    assert telling_set([]) is None


def test_what_got_worse_is_told_by_input_against_the_last_known_set() -> None:
    worst, good = _set(1, 100, **_WHOLE).body, _set(9, 200, spo2_percent=97, heart_rate_min=70).body
    alone = _set(20, 300, spo2_percent=70).body
    assert worsened(alone, [worst, good], None) == (Input.SPO2,)
    assert worsened(alone, [good, worst], None) == ()
    assert worsened(good, [worst], None) == ()
