"""How measured quantities are written by people, and in which steps records keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocol.orders import Quantity


@dataclass(frozen=True, slots=True)
class Measure:
    word: str
    unit: str
    steps_per_unit: int
    """Steps of the record's unit in one of the unit that people write: 1 or 10."""

    @property
    def finest(self) -> str:
        """In words, for somebody who wrote it otherwise: "°C, in steps of 0.1"."""
        return f"{self.unit or 'points'}, in steps of {'0.1' if self.steps_per_unit == 10 else '1'}"

    def text(self, steps: int) -> str:
        """A recorded value with its unit, exactly: "38.6 °C"."""
        number = str(steps) if self.steps_per_unit == 1 else f"{steps // 10}.{steps % 10}"
        return f"{number} {self.unit}".rstrip()


MEASURES: Final[Mapping[Quantity, Measure]] = {
    Quantity.HEART_RATE: Measure("heart rate", "/min", 1),
    Quantity.RESPIRATORY_RATE: Measure("respiratory rate", "/min", 1),
    Quantity.SPO2: Measure("SpO2", "%", 1),
    Quantity.SYSTOLIC: Measure("systolic pressure", "mmHg", 1),
    Quantity.DIASTOLIC: Measure("diastolic pressure", "mmHg", 1),
    Quantity.TEMPERATURE: Measure("temperature", "°C", 10),
    Quantity.GLASGOW_COMA: Measure("Glasgow coma score", "", 1),
    Quantity.PAIN: Measure("pain", "of 10", 1),
    Quantity.GLUCOSE: Measure("glucose", "mmol/L", 10),
}
