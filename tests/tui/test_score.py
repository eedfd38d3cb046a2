"""The score under the fields is the node's own, and does not show where it does not apply."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.clinical import Patient, Sex
from sfnode.domain.wording import patient_line
from tests.tui import story
from tui.lines import Tone
from tui.score import patient_facts, patient_of, scored

SICK = {
    "respiratory_rate_min": 24,
    "spo2_percent": 91,
    "on_oxygen": False,
    "systolic_mmhg": 98,
    "heart_rate_min": 118,
    "consciousness": "A",
    "temperature_c": "38.6",
}


def test_each_sign_has_its_points_and_the_rule_is_in_words() -> None:
    score = scored(SICK, patient_facts(age_years=54))
    assert score.points == {
        "respiratory_rate_min": "2",
        "spo2_percent": "3",
        "on_oxygen": "0",
        "pressure": "2",
        "heart_rate_min": "2",
        "consciousness": "0",
        "temperature_c": "1",
    }
    assert score.words.startswith("NEWS2 10 HIGH. 7 or more: emergency assessment")
    assert score.tone is Tone.ALARM


def test_what_is_not_measured_makes_it_at_least() -> None:
    assert "NEWS2 at least 3" in scored({"spo2_percent": 91}, patient_facts()).words


@pytest.mark.parametrize("facts", [patient_facts(age_years=15), patient_facts(pregnant=True)])
def test_it_is_refused_where_it_misleads(facts: Patient) -> None:
    score = scored(SICK, facts)
    assert not score.points
    assert "does not apply" in score.words


def test_what_cannot_be_read_is_said_before_the_score() -> None:
    score = scored(SICK, patient_facts(), wrong="SpO2 910 is not possible: 0 to 100 %.")
    assert score.words == "SpO2 910 is not possible: 0 to 100 %."


def test_nothing_typed_is_no_score() -> None:
    assert scored({}, patient_facts()).words == "NEWS2 is shown as you type."


@pytest.mark.parametrize("age", [None, 0, 7, 15, 16, 54, 101])
@pytest.mark.parametrize("sex", list(Sex))
def test_the_age_is_found_in_what_the_node_writes_of_a_patient(age: int | None, sex: Sex) -> None:
    line = patient_line(Patient(code="P-0917 7", age_years=age, sex=sex))
    view = replace(story.chest(), row=replace(story.rows()[0], patient=line))
    assert patient_of(view).age_years == age


def test_a_pregnancy_is_found_in_the_case() -> None:
    assert "does not apply" in scored(SICK, patient_of(story.chest(pregnancy="YES"))).words
