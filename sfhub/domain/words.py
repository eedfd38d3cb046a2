"""How values of records are put in words, the same on every surface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from protocol.clinical import (
    AllergyState,
    Consciousness,
    Headline,
    Patient,
    Pregnancy,
    Sex,
    Treatment,
    Vitals,
)
from protocol.header import Priority
from protocol.orders import Comparison, Contingency, Evacuation, Order, OrderGiven
from protocol.stamps import Certainty, Stamp

from .measures import MEASURES

_MINUTE_S: Final = 60
_LATEST_S: Final = 253_402_300_799
"""The last second of the year 9999; a claim beyond it is no date."""

URGENCY_WORDS: Final[Mapping[Priority, str]] = {
    Priority.EMERGENCY: "EMER",
    Priority.URGENT: "URG",
    Priority.ROUTINE: "ROUT",
    Priority.BULK: "BULK",
}
SEX_LETTERS: Final[Mapping[Sex, str]] = {
    Sex.FEMALE: "F",
    Sex.MALE: "M",
    Sex.OTHER: "X",
    Sex.UNKNOWN: "sex not stated",
}
PREGNANCY_WORDS: Final[Mapping[Pregnancy, str]] = {
    Pregnancy.UNKNOWN: "NOT ASKED",
    Pregnancy.NO: "no",
    Pregnancy.YES: "YES",
    Pregnancy.NOT_APPLICABLE: "not applicable",
}
ACVPU: Final[Mapping[Consciousness, str]] = {
    Consciousness.ALERT: "A",
    Consciousness.CONFUSED: "C",
    Consciousness.VOICE: "V",
    Consciousness.PAIN: "P",
    Consciousness.UNRESPONSIVE: "U",
}
EVACUATION_WORDS: Final[Mapping[Evacuation, str]] = {
    Evacuation.NOT_STATED: "not stated",
    Evacuation.NO: "no",
    Evacuation.PREPARE: "prepare",
    Evacuation.NOW: "NOW",
}


def moment(wall_s: float) -> str:
    """ "22 Nov 21:42Z"."""
    if not 0 <= wall_s <= _LATEST_S:
        return "no date"
    return datetime.fromtimestamp(wall_s, UTC).strftime("%d %b %H:%MZ")


def clock(wall_s: float) -> str:
    """ "21:42Z"."""
    return datetime.fromtimestamp(wall_s, UTC).strftime("%H:%MZ") if 0 <= wall_s <= _LATEST_S else "no date"


def claim(stamp: Stamp) -> str:
    """What the author's clock said, and how far that can be trusted."""
    if stamp.certainty is Certainty.UNSET:
        return "clock not set"
    text = moment(stamp.wall_s)
    if stamp.offset_minutes and 0 <= stamp.wall_s <= _LATEST_S - 86_400:
        local = datetime.fromtimestamp(stamp.wall_s, UTC) + timedelta(minutes=stamp.offset_minutes)
        text += f" ({local.strftime('%H:%M')} local)"
    return text + (" ?" if stamp.certainty is Certainty.DRIFTING else "")


def span(seconds: float) -> str:
    """ "<1 min", "12 min", "3 h 05", "2 d 4 h"."""
    minutes = int(max(0.0, seconds) // _MINUTE_S)
    if minutes < 1:
        return "<1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02}" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def minutes(count: int) -> str:
    """A length that somebody chose: "45 min", "12 h", "7 days"."""
    for size, unit in ((24 * 60, "days"), (60, "h")):
        if count >= 2 * size and count % size == 0:
            return f"{count // size} {unit}"
    return "1 h" if count == 60 else f"{count} min"


def age_sex(source: Patient | Headline | None) -> str:
    if source is None:
        return "not stated yet"
    age = "age not stated" if source.age_years is None else str(source.age_years)
    return f"{age} {SEX_LETTERS[source.sex]}"


def weight(source: Patient | Headline | None) -> str:
    if source is None or source.weight_hg is None:
        return "NOT STATED"
    text = f"{source.weight_hg // 10}.{source.weight_hg % 10} kg".replace(".0 ", " ")
    measured = source.weight_measured if isinstance(source, Patient) else None
    return text if measured is None else f"{text} {'measured' if measured else 'estimated'}"


def allergies(source: Patient | Headline | None) -> str:
    """Unknown and none known are different answers."""
    if source is None or source.allergy_state is AllergyState.UNKNOWN:
        return "NOT ASKED"
    if source.allergy_state is AllergyState.NONE_KNOWN:
        return "none known"
    return ", ".join(source.allergies) or "yes, not named yet"


def patient_text(source: Patient) -> str:
    """One line of what a statement about the patient says."""
    parts = (
        source.code,
        age_sex(source),
        weight(source),
        f"allergies: {allergies(source)}",
        f"pregnancy: {PREGNANCY_WORDS[source.pregnancy]}" if source.pregnancy is Pregnancy.YES else None,
    )
    return ", ".join(part for part in parts if part)


def decimal(steps: int | None) -> str | None:
    """A value kept in tenths."""
    return None if steps is None else f"{steps // 10}.{steps % 10}"


def vitals_text(vitals: Vitals) -> str:
    """One line; what was not measured is left out."""
    parts: Iterable[tuple[str, object]] = (
        ("HR", vitals.heart_rate_min),
        ("RR", vitals.respiratory_rate_min),
        ("SpO2", _saturation(vitals)),
        ("BP", _pressure(vitals)),
        ("T", decimal(vitals.temperature_decicelsius)),
        ("ACVPU", None if vitals.consciousness is None else ACVPU[vitals.consciousness]),
        ("GCS", vitals.glasgow_coma),
        ("pain", vitals.pain),
        ("glucose", decimal(vitals.glucose_decimmol_l)),
    )
    return "  ".join(f"{name} {value}" for name, value in parts if value is not None) or "nothing measured"


def treatment_text(treatment: Treatment) -> str:
    parts = (treatment.what, treatment.dose, treatment.route, treatment.effect and f"→ {treatment.effect}")
    return " ".join(part for part in parts if part)


def order_text(order: Order) -> str:
    """The whole order as it was written."""
    thing = f"{order.name} {order.strength}" if order.strength else order.name
    dose = f"dose {order.dose}" if order.dose else None
    text = ", ".join(part for part in (thing, dose, order.route, order.frequency) if part)
    return f"{text} ({order.details})" if order.details else text


def contingency_text(rule: Contingency) -> str:
    side = "below" if rule.comparison is Comparison.BELOW else "above"
    measure = MEASURES[rule.quantity]
    twice = ", two readings in a row" if rule.confirm_reading else ""
    order = f" (order {rule.order})" if rule.order else ""
    return f"if {measure.word} {side} {measure.text(rule.threshold)}{twice}: {rule.then}{order}"


def given_text(given: OrderGiven) -> str:
    """What was done, and when by the site's clock."""
    parts = (f"done {clock(given.given_s)}", given.dose, given.remark)
    return ", ".join(part for part in parts if part)


def headline_text(headline: Headline) -> str:
    """The headline as one paragraph: what the doctor can act on before the rest is here."""
    score = None
    if headline.news2 is not None:
        partial = "at least " if headline.news2_missing else ""
        score = f"NEWS2 {partial}{headline.news2}"
    parts = (
        f"{URGENCY_WORDS[headline.urgency]}: {headline.complaint}",
        age_sex(headline),
        None if headline.weight_hg is None else weight(headline),
        f"allergies {allergies(headline)}",
        f"pregnancy {PREGNANCY_WORDS[headline.pregnancy]}" if headline.pregnancy is Pregnancy.YES else None,
        score,
        vitals_text(headline.vitals) if headline.vitals else None,
        f"given: {'; '.join(headline.treatments)}" if headline.treatments else None,
        f"question: {headline.question}" if headline.question else None,
        f"{headline.photo_count} photos" if headline.photo_count else None,
        _position(headline),
        None if headline.eta_min is None else f"reaches help in {minutes(headline.eta_min)}",
    )
    return " · ".join(part for part in parts if part)


def _position(headline: Headline) -> str | None:
    """ "at 35.18 N 129.07 W", exact to what was stated."""
    latitude, longitude = headline.latitude_centidegrees, headline.longitude_centidegrees
    if latitude is None or longitude is None:
        return None
    north = f"{_hundredths(latitude)} {'N' if latitude >= 0 else 'S'}"
    east = f"{_hundredths(longitude)} {'E' if longitude >= 0 else 'W'}"
    return f"at {north} {east}"


def _hundredths(steps: int) -> str:
    return f"{abs(steps) // 100}.{abs(steps) % 100:02}"


def _saturation(vitals: Vitals) -> str | None:
    if vitals.spo2_percent is None:
        return None
    gas = {None: "", True: " on O2", False: " on air"}[vitals.on_oxygen]
    return f"{vitals.spo2_percent}{gas}"


def _pressure(vitals: Vitals) -> str | None:
    if vitals.systolic_mmhg is None and vitals.diastolic_mmhg is None:
        return None
    high = "?" if vitals.systolic_mmhg is None else vitals.systolic_mmhg
    low = "?" if vitals.diastolic_mmhg is None else vitals.diastolic_mmhg
    return f"{high}/{low}"
