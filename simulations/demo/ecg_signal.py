"""A synthetic 12-lead electrocardiogram of an inferior infarction, in millivolts over time.

Each wave is a bell curve, and the ST segment a plateau between the QRS complex and the T wave. Only two limb
leads are modelled; the other four follow from them by Einthoven and Goldberger, as on a body.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LIMB_LEADS: Final = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST_LEADS: Final = ("V1", "V2", "V3", "V4", "V5", "V6")
LEADS: Final = LIMB_LEADS + CHEST_LEADS

_J_POINT_S: Final = 0.050
_ST_RISE_S: Final = 0.007
_ST_FALL_S: Final = 0.030
_T_PEAK_S: Final = 0.30
_T_WIDTH_S: Final = 0.055


@dataclass(frozen=True, slots=True)
class _Waves:
    """Heights of one beat's waves in millivolts."""

    p: float
    q: float
    r: float
    s: float
    st: float
    t: float


_MODELLED: Final = {
    "I": _Waves(p=0.07, q=-0.03, r=0.55, s=-0.08, st=-0.11, t=-0.06),
    "II": _Waves(p=0.14, q=-0.10, r=0.80, s=-0.06, st=0.24, t=0.26),
    "V1": _Waves(p=0.05, q=0.0, r=0.20, s=-0.95, st=-0.03, t=0.10),
    "V2": _Waves(p=0.06, q=0.0, r=0.40, s=-1.10, st=-0.10, t=0.28),
    "V3": _Waves(p=0.07, q=0.0, r=0.60, s=-0.75, st=-0.05, t=0.32),
    "V4": _Waves(p=0.08, q=-0.03, r=1.05, s=-0.40, st=0.0, t=0.30),
    "V5": _Waves(p=0.08, q=-0.05, r=1.05, s=-0.15, st=0.03, t=0.25),
    "V6": _Waves(p=0.08, q=-0.06, r=0.85, s=-0.05, st=0.06, t=0.22),
}


def lead_mv(lead: str, time_s: float, heart_rate_bpm: float) -> float:
    """What `lead` shows `time_s` after some R wave of a regular rhythm."""
    match lead:
        case "III":
            return lead_mv("II", time_s, heart_rate_bpm) - lead_mv("I", time_s, heart_rate_bpm)
        case "aVR":
            return -(lead_mv("I", time_s, heart_rate_bpm) + lead_mv("II", time_s, heart_rate_bpm)) / 2
        case "aVL":
            return lead_mv("I", time_s, heart_rate_bpm) - lead_mv("II", time_s, heart_rate_bpm) / 2
        case "aVF":
            return lead_mv("II", time_s, heart_rate_bpm) - lead_mv("I", time_s, heart_rate_bpm) / 2
        case _:
            return _modelled_mv(_MODELLED[lead], time_s, 60 / heart_rate_bpm)


def _modelled_mv(waves: _Waves, time_s: float, beat_s: float) -> float:
    since_r_s = time_s % beat_s
    # The P wave belongs to the beat to come, and at a fast rate the T wave still ends when it begins.
    return _beat_mv(waves, since_r_s, beat_s) + _beat_mv(waves, since_r_s - beat_s, beat_s)


def _beat_mv(waves: _Waves, since_r_s: float, beat_s: float) -> float:
    # Repolarisation shortens with the root of the beat (Bazett).
    stretch = math.sqrt(beat_s)
    t_peak_s = _T_PEAK_S * stretch
    plateau = _step((since_r_s - _J_POINT_S) / _ST_RISE_S) * _step((t_peak_s - since_r_s) / _ST_FALL_S)
    return (
        waves.p * _bell(since_r_s + 0.165 * stretch, 0.020)
        + waves.q * _bell(since_r_s + 0.028, 0.009)
        + waves.r * _bell(since_r_s, 0.011)
        + waves.s * _bell(since_r_s - 0.028, 0.011)
        + waves.st * plateau
        + waves.t * _bell(since_r_s - t_peak_s, _T_WIDTH_S * stretch)
    )


def _bell(distance_s: float, width_s: float) -> float:
    return math.exp(-0.5 * (distance_s / width_s) ** 2)


def _step(steps: float) -> float:
    """From 0 to 1 around zero, smoothly."""
    return 0.5 + 0.5 * math.tanh(steps)
