"""NEWS2, the National Early Warning Score of the Royal College of Physicians (2017), for adults who are not
pregnant.

Law: an input that was not measured never counts as normal: the score is then "at least" and names what is
missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .clinical import Consciousness, Patient, Pregnancy, Vitals
from .records import Record

ADULT_YEARS: Final = 16
HIGH_MIN: Final = 7
MEDIUM_MIN: Final = 5
SINGLE_MAX: Final = 3
"""What one input can score at most; a single one of these calls for an urgent review."""

Bands = tuple[tuple[int, int], ...]
"""(highest value of the band, points), ascending; the last band has no end."""
_ENDLESS: Final = 1_000_000

RESPIRATORY_RATE: Final[Bands] = ((8, 3), (11, 1), (20, 0), (24, 2), (_ENDLESS, 3))
SPO2_SCALE_1: Final[Bands] = ((91, 3), (93, 2), (95, 1), (_ENDLESS, 0))
SPO2_SCALE_2: Final[Bands] = ((83, 3), (85, 2), (87, 1), (92, 0))
"""Up to 92 %; above it, `SPO2_SCALE_2_ON_OXYGEN` on oxygen and 0 on air."""
SPO2_SCALE_2_ON_OXYGEN: Final[Bands] = ((94, 1), (96, 2), (_ENDLESS, 3))
SYSTOLIC: Final[Bands] = ((90, 3), (100, 2), (110, 1), (219, 0), (_ENDLESS, 3))
PULSE: Final[Bands] = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_ENDLESS, 3))
TEMPERATURE_DECI: Final[Bands] = ((350, 3), (360, 1), (380, 0), (390, 1), (_ENDLESS, 2))
OXYGEN_POINTS: Final = 2


class Spo2Scale(Enum):
    """Scale 2 (target 88 to 92 %) only when a clinician has set it for this patient."""

    ONE = 1
    TWO = 2


class Input(Enum):
    """What the score is made of; the value is its name on screens."""

    RESPIRATORY_RATE = "respiratory rate"
    SPO2 = "SpO2"
    OXYGEN = "air or oxygen"
    SYSTOLIC = "systolic pressure"
    PULSE = "pulse"
    CONSCIOUSNESS = "consciousness"
    TEMPERATURE = "temperature"


@dataclass(frozen=True, slots=True, kw_only=True)
class News2:
    """One set of vitals, scored."""

    refused: str | None
    """Why the score does not apply to this patient; everything else is then empty."""
    points: tuple[tuple[Input, int], ...] = ()
    """Each measured input with its own score."""
    missing: tuple[Input, ...] = ()

    @property
    def total(self) -> int | None:
        """The sum over what was measured; None when nothing was, or the score does not apply."""
        return sum(points for _, points in self.points) if self.points else None

    @property
    def is_partial(self) -> bool:
        return bool(self.points) and bool(self.missing)

    @property
    def single_three(self) -> tuple[Input, ...]:
        return tuple(each for each, points in self.points if points == SINGLE_MAX)

    @property
    def band(self) -> str:
        """LOW, LOW-MEDIUM (one input scores 3), MEDIUM or HIGH, of what was measured."""
        total = self.total or 0
        if total >= HIGH_MIN:
            return "HIGH"
        if total >= MEDIUM_MIN:
            return "MEDIUM"
        return "LOW-MEDIUM" if self.single_three else "LOW"

    @property
    def text(self) -> str:
        """The score in one line, never without what is missing."""
        if self.refused is not None:
            return self.refused
        if self.total is None:
            return "NEWS2 not scored: none of its inputs was measured"
        if not self.missing:
            return f"NEWS2 {self.total} {self.band}"
        names = ", ".join(each.value for each in self.missing)
        return f"NEWS2 at least {self.total} {self.band} ({names} not measured)"

    @property
    def rule(self) -> str:
        """What the score asks for, in the words of the chart."""
        if self.total is None:
            return ""
        threes = ", ".join(each.value for each in self.single_three)
        alone = f"; {threes} alone scores 3" if threes else ""
        return _RULES[self.band if self.total else "ZERO"] + alone


_RULES: Final = {
    "HIGH": "7 or more: emergency assessment, continuous monitoring",
    "MEDIUM": "5 or 6: urgent review, at least every hour",
    "LOW-MEDIUM": "a single 3: urgent review, at least every hour",
    "LOW": "1 to 4: at least every 4 to 6 hours",
    "ZERO": "0: at least every 12 hours",
}


def news2(vitals: Vitals, patient: Patient | None, scale: Spo2Scale = Spo2Scale.ONE) -> News2:
    """The score of one set; refused under 16 and in pregnancy, where it misleads."""
    if patient is not None and patient.age_years is not None and patient.age_years < ADULT_YEARS:
        return News2(refused=f"NEWS2 does not apply under {ADULT_YEARS}")
    if patient is not None and patient.pregnancy is Pregnancy.YES:
        return News2(refused="NEWS2 does not apply in pregnancy")
    scored = tuple(_inputs(vitals, scale))
    return News2(
        refused=None,
        points=tuple((each, points) for each, points in scored if points is not None),
        missing=tuple(each for each, points in scored if points is None),
    )


def worsened(vitals: Vitals, known: Sequence[Vitals], patient: Patient | None) -> tuple[Input, ...]:
    """Inputs that score more than in the last of the sets that a reply's author can have known.

    Both ends ask this: the site to mark the reply "written before", the hub to call for a new answer.
    """
    before = dict(news2(known[-1], patient).points) if known else {}
    return tuple(each for each, points in news2(vitals, patient).points if points > before.get(each, 0))


def telling_set(sets: Iterable[Record]) -> Record | None:
    """The readings that stand for the patient now: those taken last, unless they are partial and the last
    complete ones score higher. One reading entered alone must not hide a worse whole."""
    taken = sorted(sets, key=lambda record: (record.body.observed_s, record.order_key))
    if not taken:
        return None
    newest = taken[-1]
    complete = [record for record in taken if not news2(record.body, None).missing]
    if complete and (news2(complete[-1].body, None).total or 0) > (news2(newest.body, None).total or 0):
        return complete[-1]
    return newest


def _inputs(vitals: Vitals, scale: Spo2Scale) -> Iterable[tuple[Input, int | None]]:
    yield Input.RESPIRATORY_RATE, _banded(vitals.respiratory_rate_min, RESPIRATORY_RATE)
    yield Input.SPO2, _spo2_points(vitals, scale)
    yield Input.OXYGEN, None if vitals.on_oxygen is None else OXYGEN_POINTS * vitals.on_oxygen
    yield Input.SYSTOLIC, _banded(vitals.systolic_mmhg, SYSTOLIC)
    yield Input.PULSE, _banded(vitals.heart_rate_min, PULSE)
    yield Input.CONSCIOUSNESS, _consciousness_points(vitals.consciousness)
    yield Input.TEMPERATURE, _banded(vitals.temperature_decicelsius, TEMPERATURE_DECI)


def _banded(value: int | None, bands: Bands) -> int | None:
    return None if value is None else next(points for highest, points in bands if value <= highest)


def _spo2_points(vitals: Vitals, scale: Spo2Scale) -> int | None:
    value = vitals.spo2_percent
    if scale is Spo2Scale.ONE or value is None:
        return _banded(value, SPO2_SCALE_1)
    if value <= SPO2_SCALE_2[-1][0]:
        return _banded(value, SPO2_SCALE_2)
    if vitals.on_oxygen is None:
        # Above the target it matters whether oxygen drives it there: unknown is missing, not normal.
        return None
    return _banded(value, SPO2_SCALE_2_ON_OXYGEN) if vitals.on_oxygen else 0


def _consciousness_points(state: Consciousness | None) -> int | None:
    if state is None:
        return None
    return 0 if state is Consciousness.ALERT else SINGLE_MAX
