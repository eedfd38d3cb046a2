"""Body of the examination: what was looked for, where, and what was found, not done or not possible.

Law: not done and cannot are answers, and neither is "normal". A measured value is a whole number of the steps
that `protocol.codes` fixes for its measure; no step ever changes under a number. Lists need a clinician's
review before use on patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .errors import InvalidRecord
from .schema import Choice, ListOf, Number, Struct, Text, wire
from .stamps import WALL_S_MAX

FINDINGS_MAX: Final = 96
VALUE_MAX: Final = 2**31 - 1


class BodySystem(IntEnum):
    GENERAL = 1
    AIRWAY = 2
    RESPIRATORY = 3
    CARDIOVASCULAR = 4
    ABDOMEN = 5
    NEUROLOGICAL = 6
    MENTAL_STATE = 7
    EYES = 8
    EAR_NOSE_THROAT = 9
    TEETH_AND_MOUTH = 10
    SKIN = 11
    MUSCULOSKELETAL = 12
    GENITOURINARY = 13
    OBSTETRIC = 14
    WOUND = 15
    BURN = 16
    TEST_RESULT = 17


class BodySite(IntEnum):
    HEAD = 1
    FACE = 2
    EYE = 3
    EAR = 4
    MOUTH = 5
    NECK = 6
    CHEST = 7
    UPPER_BACK = 8
    LOWER_BACK = 9
    UPPER_ABDOMEN = 10
    LOWER_ABDOMEN = 11
    GROIN = 12
    GENITALS = 13
    BUTTOCK = 14
    SHOULDER = 15
    UPPER_ARM = 16
    ELBOW = 17
    FOREARM = 18
    WRIST = 19
    HAND = 20
    FINGER = 21
    HIP = 22
    THIGH = 23
    KNEE = 24
    LOWER_LEG = 25
    ANKLE = 26
    FOOT = 27
    TOE = 28
    WHOLE_BODY = 29


class Side(IntEnum):
    """The patient's own left and right."""

    LEFT = 1
    RIGHT = 2
    BOTH = 3
    MIDLINE = 4


class FindingState(IntEnum):
    """What an examiner can say about one item."""

    PRESENT = 1
    ABSENT = 2
    NORMAL = 3
    NOT_DONE = 4
    CANNOT = 5
    """It was meant to be done and could not be; the text says why."""


class Measure(IntEnum):
    """What can be measured. 1 to 9 are those of `protocol.orders.Quantity` under the same numbers."""

    HEART_RATE = 1
    RESPIRATORY_RATE = 2
    SPO2 = 3
    SYSTOLIC = 4
    DIASTOLIC = 5
    TEMPERATURE = 6
    GLASGOW_COMA = 7
    PAIN = 8
    GLUCOSE = 9
    WEIGHT = 10
    HEIGHT = 11
    MEAN_PRESSURE = 12
    OXYGEN_FLOW = 13
    INSPIRED_OXYGEN = 14
    GLASGOW_EYE = 15
    GLASGOW_VERBAL = 16
    GLASGOW_MOTOR = 17
    BODY_MASS_INDEX = 18
    HEAD_CIRCUMFERENCE = 19
    BLOOD_GLUCOSE = 20
    HBA1C = 21
    BURNT_AREA = 22
    WOUND_LENGTH = 23
    WOUND_WIDTH = 24
    WOUND_DEPTH = 25
    BLOOD_LOSS = 26
    URINE_OUTPUT = 27
    FLUID_GIVEN = 28
    FETAL_HEART_RATE = 29
    GESTATION = 30
    FUNDAL_HEIGHT = 31
    PEAK_FLOW = 32
    CAPILLARY_REFILL = 33
    PUPIL_WIDTH = 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One item of the examination."""

    system: BodySystem = wire(1, Choice(BodySystem))
    state: FindingState = wire(2, Choice(FindingState))
    site: BodySite | None = wire(3, Choice(BodySite), default=None)
    side: Side | None = wire(4, Choice(Side), default=None)
    measure: Measure | None = wire(5, Choice(Measure), default=None)
    value: int | None = wire(6, Number(0, VALUE_MAX), default=None)
    """In the steps of `measure`; see `protocol.codes`."""
    text: str | None = wire(7, Text(2000), default=None)

    def __post_init__(self) -> None:
        if self.value is not None and self.measure is None:
            raise InvalidRecord("a value needs to say what it measures")
        if self.value is not None and self.state in (FindingState.NOT_DONE, FindingState.CANNOT):
            raise InvalidRecord("what was not measured has no value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """One examination. What it does not list was not looked for."""

    observed_s: int = wire(1, Number(0, WALL_S_MAX))
    items: tuple[Finding, ...] = wire(2, ListOf(Struct(Finding), FINDINGS_MAX))
    template: str | None = wire(3, Text(120), default=None)
    """The form that was gone through, with its version."""
