"""What is entered is kept exactly, or refused in a sentence that names the field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.clinical import AllergyState, Consciousness, Patient, Pregnancy, Sex, Vitals
from protocol.header import Priority
from sfnode.domain.intake import (
    PatientChange,
    capability_items,
    new_case,
    patient_change,
    treatment,
    vitals_sets,
)
from sfnode.domain.wording import tenths
from sfnode.errors import BadRequest, NodeError, ValueRefused

FIELDS: dict[str, Any] = {
    "template": "chest-pain",
    "urgency": "urgent",
    "complaint": "chest pain",
    "question": "What now?",
    "patient_code": "P-0917",
}


def one_set(**readings: Any) -> Vitals:
    return vitals_sets([readings], now_s=1_000)[0]


def test_a_case_with_everything() -> None:
    case = new_case(
        FIELDS
        | {
            "age_years": 54,
            "sex": "m",
            "weight_kg": "82.5",
            "weight_measured": True,
            "pregnancy": "not-applicable",
            "allergies": ["penicillin"],
            "medicines": ["warfarin"],
            "history": ["stroke"],
            "answers": {"character": "pressing"},
            "onset_s": 900,
            "note": "  Since two.  ",
        },
        language="ko",
    )
    assert case.urgency is Priority.URGENT
    assert case.patient == Patient(
        code="P-0917",
        age_years=54,
        sex=Sex.MALE,
        weight_hg=825,
        weight_measured=True,
        pregnancy=Pregnancy.NOT_APPLICABLE,
        allergy_state=AllergyState.LISTED,
        allergies=("penicillin",),
        medicines=("warfarin",),
        history=("stroke",),
    )
    assert (case.language, case.note, case.answers) == ("ko", "Since two.", (("character", "pressing"),))


def test_unknown_and_none_known_allergies_differ() -> None:
    assert new_case(FIELDS).patient.allergy_state is AllergyState.UNKNOWN
    none = new_case(FIELDS | {"no_known_allergies": True}).patient
    assert none.allergy_state is AllergyState.NONE_KNOWN


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"urgency": "soon"}, "urgency is one of emergency, urgent, routine"),
        ({"complaint": ""}, "complaint is missing"),
        ({"sex": "x"}, "sex is one of"),
        ({"age_years": 131}, "age_years: 131"),
        ({"age_years": "54"}, "age_years is a whole number"),
        ({"weight_kg": "82.55"}, "weight_kg has at most one decimal"),
        ({"weight_kg": "82,5 kg"}, "weight_kg has at most one decimal"),
        ({"weight_kg": True}, "weight_kg has at most one decimal"),
        ({"allergies": ["penicillin"], "no_known_allergies": True}, "at once"),
        ({"allergies": "penicillin"}, "allergies is a list of texts"),
        ({"answers": ["pressing"]}, "answers gives a text"),
        ({"patient_code": "P\x1b[2J"}, "control character"),
        ({"alergies": ["penicillin"]}, "no field alergies"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_saved(fields: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueRefused, BadRequest), match="Nothing was saved") as refusal:
        new_case(FIELDS | fields)
    assert words in str(refusal.value)


def test_age_and_sex_can_be_completed_later() -> None:
    born_today = patient_change({"age_years": 0, "sex": "f"}).applied_to(Patient(code="P-1"))
    assert (born_today.age_years, born_today.sex) == (0, Sex.FEMALE)
    heavier = patient_change({"weight_kg": "3.4"}).applied_to(born_today)
    assert (heavier.age_years, heavier.sex) == (0, Sex.FEMALE)
    with pytest.raises(ValueRefused, match="sex is one of"):
        patient_change({"sex": "x"})


def test_vitals_are_kept_exactly_and_what_is_not_given_is_not_measured() -> None:
    assert one_set(
        observed_s=900,
        heart_rate_min=0,
        temperature_c="38.6",
        glucose_mmol_l=5.4,
        consciousness="v",
        on_oxygen=False,
    ) == Vitals(
        observed_s=900,
        heart_rate_min=0,
        temperature_decicelsius=386,
        glucose_decimmol_l=54,
        consciousness=Consciousness.VOICE,
        on_oxygen=False,
    )
    assert one_set(temperature_c=38).temperature_decicelsius == 380
    assert one_set(temperature_c="38,6").temperature_decicelsius == 386
    assert one_set(pain=0).observed_s == 1_000


def test_sets_are_put_in_order_of_observation() -> None:
    sets = vitals_sets([{"observed_s": 20, "pain": 1}, {"observed_s": 10, "pain": 2}], now_s=0)
    assert [each.observed_s for each in sets] == [10, 20]


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        ({}, "holds no reading"),
        ({"observed_s": 5}, "holds no reading"),
        ({"spo2_percent": 101}, "spo2_percent: 101"),
        ({"spo2_percent": 97.5}, "spo2_percent is a whole number"),
        ({"heart_rate_min": True}, "heart_rate_min is a whole number"),
        ({"heart_rate_min": -1}, "heart_rate_min: -1"),
        ({"temperature_c": "386"}, "temperature_decicelsius: 3860"),
        ({"temperature_c": "-1.0"}, "at most one decimal"),
        ({"temperature_c": float("nan")}, "at most one decimal"),
        ({"consciousness": "X"}, "consciousness is one of A, C, V, P, U"),
        ({"glasgow_coma": 2}, "glasgow_coma: 2"),
        ({"on_oxygen": 1}, "on_oxygen is yes or no"),
        ({"hr": 80}, "no field hr"),
    ],
)
def test_impossible_readings_are_refused(readings: dict[str, Any], words: str) -> None:
    with pytest.raises(NodeError, match="Nothing was saved") as refusal:
        one_set(**readings)
    assert words in str(refusal.value)


def test_the_number_of_sets_is_bounded() -> None:
    with pytest.raises(ValueRefused, match="201 sets"):
        vitals_sets([{"pain": 1}] * 201, now_s=0)
    with pytest.raises(ValueRefused, match="0 sets"):
        vitals_sets([], now_s=0)


@given(st.integers(100, 500))
def test_a_temperature_reads_back_as_it_was_typed(decicelsius: int) -> None:
    assert one_set(temperature_c=tenths(decicelsius)).temperature_decicelsius == decicelsius
    assert one_set(temperature_c=decicelsius / 10).temperature_decicelsius == decicelsius


def test_a_change_adds_and_never_drops() -> None:
    before = Patient(
        code="P", allergies=("latex",), allergy_state=AllergyState.LISTED, medicines=("warfarin",)
    )
    change = patient_change({"add_allergies": ["penicillin", "latex"], "weight_kg": "70", "pregnancy": "no"})
    after = change.applied_to(before)
    assert after.allergies == ("latex", "penicillin")
    assert (after.weight_hg, after.weight_measured, after.pregnancy) == (700, False, Pregnancy.NO)
    assert after.medicines == ("warfarin",)
    assert PatientChange(weight_measured=True).applied_to(after).weight_measured is True


def test_a_change_that_contradicts_or_says_nothing_is_refused() -> None:
    listed = Patient(code="P", allergies=("latex",), allergy_state=AllergyState.LISTED)
    with pytest.raises(ValueRefused, match="latex"):
        PatientChange(no_known_allergies=True).applied_to(listed)
    with pytest.raises(ValueRefused, match="Nothing new"):
        PatientChange(add_allergies=("latex",)).applied_to(listed)
    with pytest.raises(ValueRefused, match="Nothing new"):
        PatientChange(weight_measured=True).applied_to(listed)


def test_treatments_and_the_list_aboard() -> None:
    assert treatment({"what": "Aspirin", "dose": "300 mg"}, now_s=7).given_s == 7
    with pytest.raises(BadRequest, match="what is missing"):
        treatment({"dose": "300 mg"}, now_s=7)
    items = capability_items([{"name": "Aspirin", "quantity": 40}, {"name": "Oxygen", "item": 7}])
    assert [(each.item, each.quantity) for each in items] == [(1, 40), (7, 0)]
    with pytest.raises(ValueRefused, match="item number 2"):
        capability_items([{"name": "Aspirin", "item": 2}, {"name": "Oxygen"}])
