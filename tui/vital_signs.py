"""The vital signs as a medic types them: fields, limits, and what a typed text means.

An impossible value is refused here as the record would refuse it; an improbable one is asked about once. The
limits of the improbable need a clinician's review before use on patients.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ACVPU: Final = {"a": "A", "c": "C", "v": "V", "p": "P", "u": "U"}


class Mistyped(ValueError):
    """What was typed cannot be this sign; the message says what can."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign: its place in the row, its name in a call, what it can be and what is likely."""

    key: str
    label: str
    unit: str
    width: int
    hint: str
    possible: tuple[float, float] = (0, 0)
    likely: tuple[float, float] = (0, 0)
    decimals: int = 0


RESPIRATION: Final = Sign("respiratory_rate_min", "RR", "/min", 5, "/min", (0, 150), (6, 60))
SPO2: Final = Sign("spo2_percent", "SpO2", "%", 5, "%", (0, 100), (70, 100))
OXYGEN: Final = Sign("on_oxygen", "O2", "air/oxygen", 5, "a/o")
PRESSURE: Final = Sign("pressure", "BP", "mmHg", 8, "120/80", (0, 400), (50, 260))
DIASTOLIC: Final = Sign("diastolic_mmhg", "BP", "mmHg", 0, "", (0, 300), (20, 160))
HEART_RATE: Final = Sign("heart_rate_min", "HR", "/min", 5, "/min", (0, 400), (30, 220))
CONSCIOUSNESS: Final = Sign("consciousness", "ACVPU", "A C V P U", 6, "A")
TEMPERATURE: Final = Sign("temperature_c", "Temp", "C", 6, "C", (10, 50), (32, 42), decimals=1)
GLASGOW: Final = Sign("glasgow_coma", "GCS", "3-15", 5, "3-15", (3, 15), (3, 15))
PAIN: Final = Sign("pain", "Pain", "0-10", 6, "0-10", (0, 10), (0, 10))
GLUCOSE: Final = Sign("glucose_mmol_l", "Glucose", "mmol/L", 8, "mmol/L", (0, 100), (2, 33), decimals=1)

SCORED: Final = (RESPIRATION, SPO2, OXYGEN, PRESSURE, HEART_RATE, CONSCIOUSNESS, TEMPERATURE)
OTHERS: Final = (GLASGOW, PAIN, GLUCOSE)
SIGNS: Final = SCORED + OTHERS
BY_KEY: Final = {sign.key: sign for sign in SIGNS}


def read_sign(sign: Sign, typed: str) -> Mapping[str, object]:
    """The parameters that `typed` stands for, as vitals_add takes them; `Mistyped` if it stands for none."""
    typed = typed.strip()
    if not typed:
        return {}
    if sign is PRESSURE:
        return _pressure(typed)
    if sign is OXYGEN:
        return {sign.key: _letter(sign, typed, {"a": False, "o": True})}
    if sign is CONSCIOUSNESS:
        return {sign.key: _letter(sign, typed, ACVPU)}
    value = _number(sign, typed)
    return {sign.key: f"{value:.{sign.decimals}f}" if sign.decimals else int(value)}


def shown(sign: Sign, typed: str) -> str:
    """What the field shows once it was left: `386` as `38.6`, `a` as `air`; what cannot be read stays."""
    try:
        values = read_sign(sign, typed)
    except Mistyped:
        return typed
    if sign is OXYGEN and values:
        return "oxy" if values[sign.key] else "air"
    if sign is PRESSURE and values:
        return f"{values['systolic_mmhg']}/{values['diastolic_mmhg']}" if len(values) == 2 else typed
    return str(values[sign.key]) if values else ""


def improbable(values: Mapping[str, object]) -> tuple[str, ...]:
    """The values to ask about once before they are kept."""
    named: dict[str, Sign] = {**BY_KEY, "systolic_mmhg": PRESSURE, DIASTOLIC.key: DIASTOLIC}
    return tuple(
        f"{sign.label} {value}"
        for key, value in values.items()
        if (sign := named.get(key)) is not None
        and sign.likely != (0, 0)
        and not sign.likely[0] <= float(str(value)) <= sign.likely[1]
    )


def _number(sign: Sign, typed: str) -> float:
    text = typed.replace(",", ".")
    if not re.fullmatch(r"\d{1,4}(\.\d)?" if sign.decimals else r"\d{1,4}", text):
        raise Mistyped(f"{sign.label} is a number in {sign.unit}, not {typed!r}.")
    value = float(text)
    if sign is TEMPERATURE and "." not in text and value >= 100:
        # Nobody is at 386 degrees: the point was left out.
        value /= 10
    low, high = sign.possible
    if not low <= value <= high:
        raise Mistyped(f"{sign.label} {typed} is not possible: {low:g} to {high:g} {sign.unit}.")
    return value


def _pressure(typed: str) -> Mapping[str, object]:
    parts = re.split(r"[/ ]+", typed)
    if not 1 <= len(parts) <= 2:
        raise Mistyped(f"BP is systolic/diastolic, such as 120/80, not {typed!r}.")
    systolic = int(_number(PRESSURE, parts[0]))
    if len(parts) == 1 or not parts[1]:
        return {"systolic_mmhg": systolic}
    diastolic = int(_number(DIASTOLIC, parts[1]))
    if diastolic > systolic:
        raise Mistyped(f"BP {typed}: the second number is above the first.")
    return {"systolic_mmhg": systolic, "diastolic_mmhg": diastolic}


def _letter(sign: Sign, typed: str, meanings: Mapping[str, object]) -> object:
    if (meaning := meanings.get(typed[0].casefold())) is None:
        raise Mistyped(f"{sign.label} is one of {sign.unit}, not {typed!r}.")
    return meaning
