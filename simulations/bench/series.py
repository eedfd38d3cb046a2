"""Invented series of vital signs, for measuring: a patient who drifts, measured by hand, with gaps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from protocol.clinical import Vitals

_STARTED_S: Final = 1_760_000_000
_GAP_SHARE: Final = 0.06
_SIGNALS: Final = {
    "heart_rate_min": (40, 180, 4),
    "respiratory_rate_min": (8, 40, 2),
    "spo2_percent": (75, 100, 1),
    "systolic_mmhg": (70, 210, 6),
    "diastolic_mmhg": (40, 120, 4),
    "temperature_decicelsius": (350, 410, 2),
    "glasgow_coma": (3, 15, 0.2),
    "pain": (0, 10, 0.7),
}
"""Lowest, highest and usual change from row to row."""
_SICK: Final = (104, 22, 93, 118, 72, 381, 15, 6)


def vitals_series(seed: int, count: int) -> Sequence[Vitals]:
    """`count` sets of eight signals about every 15 minutes, 6 % of the readings missing."""
    random_ = random.Random(seed)
    level = {name: float(start) for name, start in zip(_SIGNALS, _SICK, strict=True)}
    moment_s = _STARTED_S
    rows = []
    for _ in range(count):
        moment_s += 900 + round(random_.gauss(0, 50))
        for name, (low, high, step) in _SIGNALS.items():
            level[name] = min(high, max(low, level[name] + random_.gauss(0, step)))
        readings = {name: round(value) for name, value in level.items() if random_.random() >= _GAP_SHARE}
        rows.append(
            Vitals(
                observed_s=moment_s,
                heart_rate_min=readings.get("heart_rate_min"),
                respiratory_rate_min=readings.get("respiratory_rate_min"),
                spo2_percent=readings.get("spo2_percent"),
                systolic_mmhg=readings.get("systolic_mmhg"),
                diastolic_mmhg=readings.get("diastolic_mmhg"),
                temperature_decicelsius=readings.get("temperature_decicelsius"),
                glasgow_coma=readings.get("glasgow_coma"),
                pain=readings.get("pain"),
            )
        )
    return rows
