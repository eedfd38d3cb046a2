"""The consult that the demonstration plays: one invented patient, and what a specialist would answer.

Invented for demonstration and testing; not medical advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SITE: Final = "MV Synthetic Star"
ORGANISATION: Final = "Demonstration Health"
HUB: Final = "Shore Hub"
MEDIC: Final = "Second officer on watch"
DOCTOR: Final = "Cardiologist on call"

COMPLAINT: Final = "Chest pain, sweating, since 02:10"
QUESTION: Final = "Is this a heart attack? What from our chest, in what order, and do we divert?"
PLAN_IF_SILENT: Final = (
    "Oxygen if SpO2 falls under 90, aspirin 300 mg chewed, rest, turn towards the nearest port."
)
NOTE: Final = " ".join(
    """
    54-year-old motorman woke at 02:10 with crushing pain behind the breastbone, 8 of 10, going into the
    left arm and jaw, with sweating and nausea, vomited once. Pain has not gone away at rest. Smoker, 20
    a day for 30 years; high blood pressure, takes amlodipine. Father died of the heart at 58. No fall,
    no fever, no cough, calves soft and equal. Pale, cold and wet skin, talking normally. Chest clear
    both sides, no murmur that I can hear. Both arms measured, 98/60 right and 96/58 left. ECG strip
    taken at 02:35, photograph 1. No drugs given yet except oxygen tried and taken off again. Position
    11 N 58 W, nearest port 14 h at full speed, helicopter range in 9 h.
    """.split()
)

CASE_OPTIONS: Final = (
    *("--template", "chest-pain", "--urgency", "urgent", "--complaint", COMPLAINT, "--question", QUESTION),
    *("--patient-code", "P-0917", "--age", "54", "--sex", "m", "--weight-kg", "88", "--no-known-allergies"),
    *(
        "--medicine",
        "amlodipine 5 mg daily",
        "--history",
        "hypertension",
        "--history",
        "smoker, 30 pack-years",
    ),
    *("--plan-if-silent", PLAN_IF_SILENT),
)
LATE_ALLERGY: Final = "morphine (face swelling, 2019)"
CROSSING_SPO2: Final = 84
GIVEN_DOSE: Final = "300 mg"

CAPABILITY_TOML: Final = """\
[[item]]
item = 1
name = "Aspirin"
strength = "300 mg"
form = "tablet"
quantity = 40
expires = "2028-03"

[[item]]
item = 2
name = "Glyceryl trinitrate"
strength = "400 microgram per dose"
form = "spray"
quantity = 2
expires = "2027-11"

[[item]]
item = 3
name = "Morphine"
strength = "10 mg/ml"
form = "ampoule"
quantity = 10
expires = "2027-06"

[[item]]
item = 4
name = "Metoclopramide"
strength = "10 mg"
form = "tablet"
quantity = 20
expires = "2028-01"

[[item]]
item = 5
name = "Oxygen"
form = "cylinder, 10 l with mask"
quantity = 3
"""

REPLY: Final[dict[str, object]] = {
    "assessment": (
        "Probable acute inferior myocardial infarction: ST elevation in II, III and aVF. Low pressure: "
        "no nitrate. Keep him lying flat and still; someone stays with him."
    ),
    "certainty": "probable",
    "orders": [
        {
            "name": "Aspirin",
            "item": 1,
            "strength": "300 mg",
            "dose": "1 tablet (300 mg)",
            "route": "chewed",
            "frequency": "once, now",
        },
        {
            "name": "Morphine",
            "item": 3,
            "strength": "10 mg/ml",
            "dose": "2.5 mg (0.25 ml)",
            "route": "intramuscular",
            "frequency": "once if pain is above 6 of 10",
            "read_back": True,
        },
        {
            "name": "Oxygen",
            "item": 5,
            "dose": "6 l/min by mask",
            "frequency": "only while SpO2 is below 90 %",
        },
    ],
    "contingencies": [
        {"quantity": "spo2", "below": 90, "then": "Give oxygen 6 l/min by mask, call the hub", "order": 3},
        {"quantity": "systolic", "below": 85, "then": "Raise both legs, no morphine, call the hub"},
        {"quantity": "heart_rate", "below": 45, "then": "Lie flat, call the hub at once"},
    ],
    "recheck_every_min": 15,
    "stop_rule": "Stop morphine if he is hard to wake or breathes less than 10 times a minute.",
    "evacuation": "now",
    "valid_for_min": 360,
    "follow_up": "New ECG photograph in 60 minutes or when the pain changes.",
}


@dataclass(frozen=True, slots=True)
class VitalsSet:
    """One set of readings as a medic types them."""

    observed_s: int
    heart_rate_min: int
    respiratory_rate_min: int
    spo2_percent: int
    on_oxygen: bool
    systolic_mmhg: int
    diastolic_mmhg: int
    temperature_c: str
    consciousness: str
    pain: int


def vitals_sets(last_s: int, count: int = 20, every_s: int = 180) -> tuple[VitalsSet, ...]:
    """`count` sets ending at `last_s`: pulse rising, pressure falling, oxygen slowly going."""
    return tuple(
        VitalsSet(
            observed_s=last_s - (count - 1 - index) * every_s + (index * 7) % 23,
            heart_rate_min=94 + index + (index * 5) % 4,
            respiratory_rate_min=18 + index // 4 + index % 2,
            spo2_percent=96 - index // 5 - index % 2,
            on_oxygen=False,
            systolic_mmhg=124 - index - (index * 3) % 5,
            diastolic_mmhg=78 - index // 2 - index % 3,
            temperature_c=f"36.{6 + index % 3}",
            consciousness="A",
            pain=min(9, 6 + index // 6),
        )
        for index in range(count)
    )
