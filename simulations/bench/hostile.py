"""How long the costliest hostile input keeps each entrance busy, as a median of several meetings."""

from __future__ import annotations

import time
from statistics import median
from typing import Final

from simulations.hostile.entrances import ENTRANCES, Entrance

from .rows import Row

REPEATS: Final = 9
CANDIDATES: Final = 4
"""The slowest of a first round: what was only unlucky there does not stay slow."""
REFUSAL_MS: Final = 10.0


def hostile_rows() -> list[Row]:
    """Milliseconds for the worst input of up to 1 MB, or of one channel record to a session."""
    return [
        Row(
            name=f"worst {'flood of' if entrance.takes_floods else 'input to'}: {entrance.name}",
            value=_worst_ms(entrance),
            unit="ms",
            reach=None if entrance.takes_floods else REFUSAL_MS,
        )
        for entrance in ENTRANCES.values()
    ]


def _worst_ms(entrance: Entrance) -> float:
    for sample in entrance.samples():  # What is loaded once is no input's cost.
        _meeting_ms(entrance, sample)
    inputs = entrance.hostile_inputs()
    first = {name: _meeting_ms(entrance, data) for name, data in inputs.items()}
    slowest = sorted(first, key=lambda name: first[name])[-CANDIDATES:]
    return max(median(_meeting_ms(entrance, inputs[name]) for _ in range(REPEATS)) for name in slowest)


def _meeting_ms(entrance: Entrance, data: bytes) -> float:
    started_s = time.perf_counter()
    try:
        entrance.enter(data)
    except entrance.refusals:
        pass
    return (time.perf_counter() - started_s) * 1000
