"""Values in words, the same on every screen: moments, numbers with their units, patients, orders,
contingencies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from protocol.clinical import AllergyState, Consciousness, Patient, Pregnancy, Sex, Vitals
from protocol.header import Priority
from protocol.orders import Comparison, Contingency, Order, Quantity

URGENCY_WORDS: Final = {
    Priority.EMERGENCY: "EMER",
    Priority.URGENT: "URG",
    Priority.ROUTINE: "ROUT",
    Priority.BULK: "BULK",
}
SEX_LETTERS: Final = {Sex.UNKNOWN: "sex?", Sex.FEMALE: "F", Sex.MALE: "M", Sex.OTHER: "other sex"}
PREGNANCY_WORDS: Final = {
    Pregnancy.UNKNOWN: "NOT ASKED",
    Pregnancy.NO: "no",
    Pregnancy.YES: "YES",
    Pregnancy.NOT_APPLICABLE: "not applicable",
}
ACVPU_LETTERS: Final = {
    Consciousness.ALERT: "A",
    Consciousness.CONFUSED: "C",
    Consciousness.VOICE: "V",
    Consciousness.PAIN: "P",
    Consciousness.UNRESPONSIVE: "U",
}
QUANTITY_WORDS: Final = {
    Quantity.HEART_RATE: ("heart rate", "/min"),
    Quantity.RESPIRATORY_RATE: ("respiratory rate", "/min"),
    Quantity.SPO2: ("SpO2", "%"),
    Quantity.SYSTOLIC: ("systolic pressure", "mmHg"),
    Quantity.DIASTOLIC: ("diastolic pressure", "mmHg"),
    Quantity.TEMPERATURE: ("temperature", "°C"),
    Quantity.GLASGOW_COMA: ("Glasgow coma score", ""),
    Quantity.PAIN: ("pain", "of 10"),
    Quantity.GLUCOSE: ("glucose", "mmol/l"),
}
TENTHS: Final = frozenset({Quantity.TEMPERATURE, Quantity.GLUCOSE})
"""Quantities whose field counts tenths of the unit shown."""
_LAST_DATED_S: Final = 253_402_300_799
"""The last second of the year 9999."""
_SAME_DAY_S: Final = 20 * 3600


def clock(moment_s: int, now_s: int | None = None) -> str:
    """ "21:30Z"; with the date when it is not within a day of `now_s`."""
    if moment_s > _LAST_DATED_S:
        return "at a time past year 9999"
    moment = datetime.fromtimestamp(moment_s, tz=UTC)
    if now_s is not None and abs(now_s - moment_s) > _SAME_DAY_S:
        return f"{moment:%d %b %Y %H:%MZ}"
    return f"{moment:%H:%MZ}"


def tenths(value: int) -> str:
    """386 → "38.6": exact, no float in between."""
    return f"{value // 10}.{value % 10}"


def span(seconds: float) -> str:
    """ "45 min", "6 h", "2 d 3 h": rounded down, so that nothing seems to last longer than it does."""
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 48:
        rest = f" {minutes % 60} min" if hours < 6 and minutes % 60 else ""
        return f"{hours} h{rest}"
    return f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")


def quantity_value(vitals: Vitals, quantity: Quantity) -> int | None:
    """The reading that a contingency watches, in the field's own unit."""
    values = {
        Quantity.HEART_RATE: vitals.heart_rate_min,
        Quantity.RESPIRATORY_RATE: vitals.respiratory_rate_min,
        Quantity.SPO2: vitals.spo2_percent,
        Quantity.SYSTOLIC: vitals.systolic_mmhg,
        Quantity.DIASTOLIC: vitals.diastolic_mmhg,
        Quantity.TEMPERATURE: vitals.temperature_decicelsius,
        Quantity.GLASGOW_COMA: vitals.glasgow_coma,
        Quantity.PAIN: vitals.pain,
        Quantity.GLUCOSE: vitals.glucose_decimmol_l,
    }
    return values[quantity]


def reading(quantity: Quantity, value: int) -> str:
    """ "SpO2 84 %"."""
    name, unit = QUANTITY_WORDS[quantity]
    return " ".join(part for part in (name, _number(quantity, value), unit) if part)


def threshold(contingency: Contingency) -> str:
    """ "below 90 %"."""
    side = "below" if contingency.comparison is Comparison.BELOW else "above"
    unit = QUANTITY_WORDS[contingency.quantity][1]
    number = _number(contingency.quantity, contingency.threshold)
    return " ".join(part for part in (side, number, unit) if part)


def action(contingency: Contingency) -> str:
    """ "give oxygen 10 l/min (order 3)"."""
    return contingency.then + ("" if contingency.order is None else f" (order {contingency.order})")


def contingency_text(contingency: Contingency) -> str:
    """ "if SpO2 below 90 %: give oxygen 10 l/min (order 3)"."""
    name = QUANTITY_WORDS[contingency.quantity][0]
    twice = ", in two readings in a row" if contingency.confirm_reading else ""
    return f"if {name} {threshold(contingency)}{twice}: {action(contingency)}"


def order_text(order: Order) -> str:
    """The whole order as the specialist wrote it: name and strength, then dose, route, how often, details."""
    name = " ".join(part for part in (order.name, order.strength) if part)
    how = ", ".join(part for part in (order.dose, order.route, order.frequency, order.details) if part)
    return f"{name}: {how}" if how else name


def patient_line(patient: Patient | None) -> str:
    """ "P-0917 54 M"; what is not known says so."""
    if patient is None:
        return "patient not described"
    age = "age?" if patient.age_years is None else str(patient.age_years)
    return f"{patient.code} {age} {SEX_LETTERS[patient.sex]}"


def allergies_text(patient: Patient | None) -> str:
    """ "penicillin, latex", "none known", "NOT ASKED"."""
    if patient is None or patient.allergy_state is AllergyState.UNKNOWN:
        return "NOT ASKED"
    if patient.allergy_state is AllergyState.NONE_KNOWN:
        return "none known"
    return ", ".join(patient.allergies) or "listed, but no names given"


def weight_text(patient: Patient | None) -> str:
    """ "82.5 kg measured", "80 kg estimated", "NOT KNOWN"."""
    if patient is None or patient.weight_hg is None:
        return "NOT KNOWN"
    how = {True: " measured", False: " estimated", None: ""}[patient.weight_measured]
    return f"{tenths(patient.weight_hg)} kg{how}"


def _number(quantity: Quantity, value: int) -> str:
    return tenths(value) if quantity in TENTHS else str(value)
