"""NEWS2 while a set is being typed: the node's own rule, applied to what can be read so far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from protocol.clinical import Patient, Pregnancy
from protocol.news2 import HIGH_MIN, MEDIUM_MIN, Input, News2, news2
from sfnode.domain.intake import vitals_sets
from sfnode.views import CaseView

from .lines import Tone

_SIGN_OF: Final = {
    Input.RESPIRATORY_RATE: "respiratory_rate_min",
    Input.SPO2: "spo2_percent",
    Input.OXYGEN: "on_oxygen",
    Input.SYSTOLIC: "pressure",
    Input.PULSE: "heart_rate_min",
    Input.CONSCIOUSNESS: "consciousness",
    Input.TEMPERATURE: "temperature_c",
}
_EMPTY: Final = "NEWS2 is shown as you type."
_AGE_IN_ROW: Final = re.compile(r" (\d{1,3}) (?:F|M|other sex|sex\?)$")


@dataclass(frozen=True, slots=True)
class Score:
    """What stands below the fields."""

    points: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    tone: Tone = Tone.FAINT


def patient_facts(*, age_years: int | None = None, pregnant: bool = False) -> Patient:
    """What decides whether the score applies at all."""
    return Patient(
        code="-",
        age_years=age_years,
        pregnancy=Pregnancy.YES if pregnant else Pregnancy.UNKNOWN,
    )


def patient_of(view: CaseView) -> Patient:
    """The same, read from what the case shows."""
    found = _AGE_IN_ROW.search(view.row.patient)
    return patient_facts(age_years=int(found[1]) if found else None, pregnant=view.pregnancy == "YES")


def scored(values: Mapping[str, object], patient: Patient, *, wrong: str | None = None) -> Score:
    """Points by sign and the rule in words; what cannot be read is said before anything else."""
    if not values:
        return Score(words=wrong or _EMPTY, tone=Tone.WARNING if wrong else Tone.FAINT)
    # The time of observation does not count for the score.
    score = news2(vitals_sets([values], now_s=0)[0], patient)
    points = {_SIGN_OF[each]: str(number) for each, number in score.points}
    if wrong is not None:
        return Score(points, wrong, Tone.WARNING)
    if score.total is None and score.refused is None:
        return Score(points, _EMPTY, Tone.FAINT)
    words = f"{score.text}. {score.rule}." if score.rule else f"{score.text}."
    return Score(points, words, _tone(score))


def _tone(score: News2) -> Tone:
    if score.refused is not None or score.total is None:
        return Tone.WARNING
    return (
        Tone.ALARM if score.total >= HIGH_MIN else Tone.WARNING if score.total >= MEDIUM_MIN else Tone.STRONG
    )
