"""Bodies of the clinical records: what a medic or a specialist states, with units fixed by the field.

Field lists follow common maritime and rural tele-advice forms and need a clinician's review before use on
patients. Missing is never zero, and nothing is clipped: a value that a field cannot hold exactly is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .errors import InvalidRecord
from .header import Priority
from .schema import Choice, Flag, ListOf, Number, Raw, Struct, Text, wire
from .stamps import WALL_S_MAX

_LINE: Final = Text(400)
_WORD: Final = Text(120)
_MOMENT: Final = Number(0, WALL_S_MAX)


class Sex(IntEnum):
    UNKNOWN = 0
    FEMALE = 1
    MALE = 2
    OTHER = 3


class Pregnancy(IntEnum):
    UNKNOWN = 0
    NO = 1
    YES = 2
    NOT_APPLICABLE = 3


class AllergyState(IntEnum):
    """Unknown and none known are different answers; neither is an empty list."""

    UNKNOWN = 0
    NONE_KNOWN = 1
    LISTED = 2


class Consciousness(IntEnum):
    """ACVPU scale of NEWS2 (Royal College of Physicians, 2017)."""

    ALERT = 0
    CONFUSED = 1
    VOICE = 2
    PAIN = 3
    UNRESPONSIVE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who, without a name: a later one supersedes the earlier and both stay readable."""

    code: str = wire(1, _WORD)
    age_years: int | None = wire(2, Number(0, 130), default=None)
    sex: Sex = wire(3, Choice(Sex), default=Sex.UNKNOWN)
    weight_hg: int | None = wire(4, Number(1, 6000), default=None)
    """Weight in 0.1 kg."""
    weight_measured: bool | None = wire(5, Flag(), default=None)
    pregnancy: Pregnancy = wire(6, Choice(Pregnancy), default=Pregnancy.UNKNOWN)
    allergy_state: AllergyState = wire(7, Choice(AllergyState), default=AllergyState.UNKNOWN)
    allergies: tuple[str, ...] = wire(8, ListOf(_LINE, 32), default=())
    medicines: tuple[str, ...] = wire(9, ListOf(_LINE, 64), default=())
    history: tuple[str, ...] = wire(10, ListOf(_LINE, 64), default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened:
    """The consult: its owner site, the service asked, the question, and what happens if nobody answers."""

    template: str = wire(1, _WORD)
    template_version: int = wire(2, Number(1, 65535))
    urgency: Priority = wire(3, Choice(Priority))
    complaint: str = wire(4, _LINE)
    question: str = wire(5, Text(2000))
    site: bytes = wire(6, Raw(8))
    hub: bytes = wire(7, Raw(8))
    reply_wanted_by_s: int | None = wire(8, _MOMENT, default=None)
    plan_if_silent: str | None = wire(9, Text(2000), default=None)
    onset_s: int | None = wire(10, _MOMENT, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Free text as written, with its language (ISO 639-1) so that nobody mistakes a translation for it."""

    language: str = wire(1, Text(8))
    text: str = wire(2, Text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One set of readings; None is "not measured". Units are in the names."""

    observed_s: int = wire(1, _MOMENT)
    heart_rate_min: int | None = wire(2, Number(0, 400), default=None)
    respiratory_rate_min: int | None = wire(3, Number(0, 150), default=None)
    spo2_percent: int | None = wire(4, Number(0, 100), default=None)
    on_oxygen: bool | None = wire(5, Flag(), default=None)
    systolic_mmhg: int | None = wire(6, Number(0, 400), default=None)
    diastolic_mmhg: int | None = wire(7, Number(0, 300), default=None)
    temperature_decicelsius: int | None = wire(8, Number(100, 500), default=None)
    """Temperature in 0.1 °C."""
    consciousness: Consciousness | None = wire(9, Choice(Consciousness), default=None)
    glasgow_coma: int | None = wire(10, Number(3, 15), default=None)
    pain: int | None = wire(11, Number(0, 10), default=None)
    """Verbal numeric rating, 0 none to 10 worst."""
    glucose_decimmol_l: int | None = wire(12, Number(0, 1000), default=None)
    """Capillary glucose in 0.1 mmol/L."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """Something already done, in the words of the one who did it."""

    given_s: int = wire(1, _MOMENT)
    what: str = wire(2, _LINE)
    dose: str | None = wire(3, _WORD, default=None)
    route: str | None = wire(4, _WORD, default=None)
    effect: str | None = wire(5, _LINE, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The case in one satellite message: enough for a specialist to act before the rest has arrived."""

    urgency: Priority = wire(1, Choice(Priority))
    complaint: str = wire(2, Text(120))
    age_years: int | None = wire(3, Number(0, 130), default=None)
    sex: Sex = wire(4, Choice(Sex), default=Sex.UNKNOWN)
    weight_hg: int | None = wire(5, Number(1, 6000), default=None)
    pregnancy: Pregnancy = wire(6, Choice(Pregnancy), default=Pregnancy.UNKNOWN)
    allergy_state: AllergyState = wire(7, Choice(AllergyState), default=AllergyState.UNKNOWN)
    allergies: tuple[str, ...] = wire(8, ListOf(Text(40), 4), default=())
    news2: int | None = wire(9, Number(0, 20), default=None)
    news2_missing: int | None = wire(10, Number(0, 7), default=None)
    """How many inputs of the score were not measured: the score is then "at least"."""
    vitals: Vitals | None = wire(11, Struct(Vitals), default=None)
    treatments: tuple[str, ...] = wire(12, ListOf(Text(60), 4), default=())
    question: str | None = wire(13, Text(120), default=None)
    photo_count: int = wire(14, Number(0, 99), default=0)
    latitude_centidegrees: int | None = wire(15, Number(-9_000, 9_000), default=None)
    """North is positive; 0.01 degrees is about a kilometre."""
    longitude_centidegrees: int | None = wire(16, Number(-18_000, 18_000), default=None)
    """East is positive."""
    eta_min: int | None = wire(17, Number(0, 60 * 24 * 60), default=None)
    """Minutes from the stamp to the next place with medical help, as the site states it."""


class Layer(IntEnum):
    """Separate pictures of one photograph, each complete in itself."""

    PREVIEW = 1
    STANDARD = 2
    FULL = 3
    REGION = 4
    """A part of the picture at full resolution, as somebody asked for it."""


BLOB_HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRegion:
    """A rectangle in thousandths of the picture's width and height, from its upper left corner."""

    x_permille: int = wire(1, Number(0, 999))
    y_permille: int = wire(2, Number(0, 999))
    width_permille: int = wire(3, Number(1, 1000))
    height_permille: int = wire(4, Number(1, 1000))

    def __post_init__(self) -> None:
        if self.x_permille + self.width_permille > 1000 or self.y_permille + self.height_permille > 1000:
            raise InvalidRecord("a region reaches beyond its picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLayer:
    """One layer of a photograph, named by the BLAKE2b-128 of its bytes."""

    layer: Layer = wire(1, Choice(Layer))
    blob: bytes = wire(2, Raw(BLOB_HASH_BYTES))
    size_bytes: int = wire(3, Number(1, 16 * 1024 * 1024))
    width: int = wire(4, Number(1, 65535))
    height: int = wire(5, Number(1, 65535))
    quality: int = wire(6, Number(0, 100))
    region: PictureRegion | None = wire(7, Struct(PictureRegion), default=None)
    """Which part of the picture this layer shows; the whole when absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What a photograph shows and which layers exist; always lossy, and says so wherever it is shown."""

    caption: str = wire(1, _LINE)
    taken_s: int | None = wire(2, _MOMENT, default=None)
    source: bytes = wire(3, Raw(BLOB_HASH_BYTES))
    """Hash of the original file, which stays at the site."""
    layers: tuple[MediaLayer, ...] = wire(4, ListOf(Struct(MediaLayer), 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The consult is over, with its outcome in words."""

    outcome: str = wire(1, _LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """Entered in error: the record that `refs` names no longer counts, and stays readable as struck."""

    reason: str = wire(1, _LINE)
