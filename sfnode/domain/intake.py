"""What a medic enters, as maps of plain values, made into record bodies: refused in sentences that name the
field.

Law: a value is kept exactly as entered or refused; nothing is rounded, clipped or guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from protocol.clinical import AllergyState, Consciousness, Patient, Pregnancy, Sex, Treatment, Vitals
from protocol.errors import InvalidRecord
from protocol.header import Priority
from protocol.ids import Mailbox
from protocol.orders import CapabilityItem
from protocol.schema import encode_fields
from sfnode.errors import ValueRefused

from .form import Fields, Form, choose

Body = TypeVar("Body")

URGENCIES: Final = {
    "emergency": Priority.EMERGENCY,
    "urgent": Priority.URGENT,
    "routine": Priority.ROUTINE,
}
SEXES: Final = {"f": Sex.FEMALE, "m": Sex.MALE, "o": Sex.OTHER, "u": Sex.UNKNOWN}
PREGNANCIES: Final = {
    "unknown": Pregnancy.UNKNOWN,
    "no": Pregnancy.NO,
    "yes": Pregnancy.YES,
    "not-applicable": Pregnancy.NOT_APPLICABLE,
}
ACVPU: Final = {
    "A": Consciousness.ALERT,
    "C": Consciousness.CONFUSED,
    "V": Consciousness.VOICE,
    "P": Consciousness.PAIN,
    "U": Consciousness.UNRESPONSIVE,
}
VITALS_SETS_MAX: Final = 200
AHEAD_S_MAX: Final = 10 * 60
"""Two clocks of one site may differ by this; a date further ahead is a slip that would hide later ones."""
_CLOCK_SET_S: Final = 1_735_689_600
"""2025-01-01: below it the machine's clock was never set, and cannot say what is ahead."""
"""Sets in one call: an hour of minutely readings and more, and well inside one entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A consult as it is opened."""

    template: str
    urgency: Priority
    complaint: str
    question: str
    patient: Patient
    language: str = "en"
    note: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    """Fields of the template that have no record of their own, as (field key, text): they become a note."""
    onset_s: int | None = None
    plan_if_silent: str | None = None
    reply_wanted_by_s: int | None = None
    hub: Mailbox | None = None
    """Whom it asks; None for the hub that was joined first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientChange:
    """Something new about a patient, to be applied to the present statement."""

    age_years: int | None = None
    sex: Sex | None = None
    add_allergies: tuple[str, ...] = ()
    no_known_allergies: bool = False
    weight_hg: int | None = None
    weight_measured: bool | None = None
    pregnancy: Pregnancy | None = None
    add_medicines: tuple[str, ...] = ()
    add_history: tuple[str, ...] = ()

    def applied_to(self, patient: Patient) -> Patient:
        """The new statement. `ValueRefused` when it contradicts itself or what is listed, or says nothing
        new."""
        allergies = _joined(patient.allergies, self.add_allergies)
        if self.no_known_allergies and allergies:
            raise ValueRefused(
                f'Allergies are listed ({", ".join(allergies)}), so "no known allergies" was not saved. '
                "If one of them was entered in error, write a note that says so."
            )
        state = AllergyState.LISTED if allergies else patient.allergy_state
        changed = replace(
            patient,
            age_years=patient.age_years if self.age_years is None else self.age_years,
            sex=patient.sex if self.sex is None else self.sex,
            allergies=allergies,
            allergy_state=AllergyState.NONE_KNOWN if self.no_known_allergies else state,
            weight_hg=self.weight_hg or patient.weight_hg,
            weight_measured=self._measured(patient),
            pregnancy=patient.pregnancy if self.pregnancy is None else self.pregnancy,
            medicines=_joined(patient.medicines, self.add_medicines),
            history=_joined(patient.history, self.add_history),
        )
        if changed == patient:
            raise ValueRefused("Nothing new was stated about the patient, so nothing was saved.")
        return checked(changed)

    def _measured(self, patient: Patient) -> bool | None:
        """A new weight is an estimate unless it is said to be measured; without any weight there is nothing
        to say."""
        if self.weight_hg is not None:
            return bool(self.weight_measured)
        if self.weight_measured is None or patient.weight_hg is None:
            return patient.weight_measured
        return self.weight_measured


def new_case(fields: Fields, *, language: str = "en") -> NewCase:
    """A case from the parameters of `case_new`; `language` is the site's, for text that does not name its
    own."""
    form = Form(fields)
    case = NewCase(
        template=form.text("template"),
        urgency=form.choice("urgency", URGENCIES),
        complaint=form.text("complaint"),
        question=form.text("question"),
        patient=_patient(form),
        language=form.optional_text("language") or language,
        note=form.optional_text("note"),
        answers=form.pairs("answers"),
        onset_s=form.optional_whole("onset_s"),
        plan_if_silent=form.optional_text("plan_if_silent"),
        reply_wanted_by_s=form.optional_whole("reply_wanted_by_s"),
    )
    form.refuse_rest()
    return case


def vitals_sets(sets: Iterable[Fields], *, now_s: int) -> tuple[Vitals, ...]:
    """Sets from the parameters of `vitals_add`, in order of observation; without a time they were taken
    now."""
    read = tuple(_vitals(each, now_s) for each in sets)
    if not 1 <= len(read) <= VITALS_SETS_MAX:
        raise ValueRefused(
            f"{len(read)} sets of vitals were given; 1 to {VITALS_SETS_MAX} fit. Nothing was saved."
        )
    return tuple(sorted(read, key=lambda each: each.observed_s))


def patient_change(fields: Fields) -> PatientChange:
    """A change from the parameters of `patient_update`."""
    form = Form(fields)
    pregnancy, sex = form.optional_text("pregnancy"), form.optional_text("sex")
    change = PatientChange(
        age_years=form.optional_whole("age_years"),
        sex=None if sex is None else choose("sex", sex, SEXES),
        add_allergies=form.texts("add_allergies"),
        no_known_allergies=bool(form.optional_flag("no_known_allergies")),
        weight_hg=form.optional_tenths("weight_kg"),
        weight_measured=form.optional_flag("weight_measured"),
        pregnancy=None if pregnancy is None else choose("pregnancy", pregnancy, PREGNANCIES),
        add_medicines=form.texts("add_medicines"),
        add_history=form.texts("add_history"),
    )
    form.refuse_rest()
    return change


def treatment(fields: Fields, *, now_s: int) -> Treatment:
    """Something done, from the parameters of `treatment_add`."""
    form = Form(fields)
    given_s = form.optional_whole("given_s")
    body = Treatment(
        given_s=now_s if given_s is None else given_s,
        what=form.text("what"),
        dose=form.optional_text("dose"),
        route=form.optional_text("route"),
        effect=form.optional_text("effect"),
    )
    form.refuse_rest()
    return checked(body)


def capability_items(items: Iterable[Fields]) -> tuple[CapabilityItem, ...]:
    """The list aboard from the parameters of `capability_set`; an item without a number gets its position."""
    read = tuple(_capability_item(number, each) for number, each in enumerate(items, start=1))
    numbers = [each.item for each in read]
    if twice := next((number for number in numbers if numbers.count(number) > 1), None):
        raise ValueRefused(f"Two things have the item number {twice}. Nothing was saved. Give each its own.")
    return read


def checked(body: Body) -> Body:
    """`body`, known to fit its record. `ValueRefused` names the field that does not."""
    try:
        encode_fields(body)
    except InvalidRecord as error:
        raise ValueRefused(f"{error}. Nothing was saved. Correct this value and try again.") from error
    return body


def _patient(form: Form) -> Patient:
    allergies = form.texts("allergies")
    none_known = bool(form.optional_flag("no_known_allergies"))
    if allergies and none_known:
        raise ValueRefused(
            "Allergies are listed and said to be none at once. Nothing was saved. Give one of the two."
        )
    state = AllergyState.LISTED if allergies else AllergyState.UNKNOWN
    weight_hg = form.optional_tenths("weight_kg")
    measured = form.optional_flag("weight_measured")
    pregnancy = form.optional_text("pregnancy") or "unknown"
    return checked(
        Patient(
            code=form.text("patient_code"),
            age_years=form.optional_whole("age_years"),
            sex=choose("sex", form.optional_text("sex") or "u", SEXES),
            weight_hg=weight_hg,
            weight_measured=None if weight_hg is None else bool(measured),
            pregnancy=choose("pregnancy", pregnancy, PREGNANCIES),
            allergy_state=AllergyState.NONE_KNOWN if none_known else state,
            allergies=allergies,
            medicines=form.texts("medicines"),
            history=form.texts("history"),
        )
    )


def _vitals(fields: Fields, now_s: int) -> Vitals:
    form = Form(fields)
    observed_s = form.optional_whole("observed_s")
    if observed_s is not None and now_s >= _CLOCK_SET_S and observed_s > now_s + AHEAD_S_MAX:
        raise ValueRefused(
            "The readings are dated in the future. Nothing was saved. "
            "Correct the time, or leave it out for now."
        )
    letter = form.optional_text("consciousness")
    body = Vitals(
        observed_s=now_s if observed_s is None else observed_s,
        heart_rate_min=form.optional_whole("heart_rate_min"),
        respiratory_rate_min=form.optional_whole("respiratory_rate_min"),
        spo2_percent=form.optional_whole("spo2_percent"),
        on_oxygen=form.optional_flag("on_oxygen"),
        systolic_mmhg=form.optional_whole("systolic_mmhg"),
        diastolic_mmhg=form.optional_whole("diastolic_mmhg"),
        temperature_decicelsius=form.optional_tenths("temperature_c"),
        consciousness=None if letter is None else choose("consciousness", letter.upper(), ACVPU),
        glasgow_coma=form.optional_whole("glasgow_coma"),
        pain=form.optional_whole("pain"),
        glucose_decimmol_l=form.optional_tenths("glucose_mmol_l"),
    )
    form.refuse_rest()
    _check_pressure(body)
    if body == Vitals(observed_s=body.observed_s):
        raise ValueRefused("A set of vitals holds no reading. Nothing was saved. Enter at least one value.")
    return checked(body)


def _check_pressure(body: Vitals) -> None:
    upper, lower = body.systolic_mmhg, body.diastolic_mmhg
    if upper is not None and lower is not None and upper <= lower:
        raise ValueRefused(
            f"Blood pressure {upper}/{lower}: the upper value is not above the lower. Nothing was saved. "
            "Enter it as upper/lower."
        )


def _capability_item(position: int, fields: Fields) -> CapabilityItem:
    form = Form(fields)
    number, quantity = form.optional_whole("item"), form.optional_whole("quantity")
    item = CapabilityItem(
        item=position if number is None else number,
        name=form.text("name"),
        strength=form.optional_text("strength"),
        form=form.optional_text("form"),
        quantity=0 if quantity is None else quantity,
        expires=form.optional_text("expires"),
    )
    form.refuse_rest()
    return checked(item)


def _joined(present: tuple[str, ...], added: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*present, *added)))
