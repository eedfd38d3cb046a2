"""What a case still lacks of what its template asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from protocol.clinical import AllergyState, Note, Patient, Pregnancy, Sex
from sfnode.errors import ValueRefused

from .case_file import CaseFile
from .templates import FieldKind, Template, TemplateField


def missing_fields(case: CaseFile, template: Template) -> tuple[TemplateField, ...]:
    """In the template's order."""
    answered = _answered(case)
    return tuple(field for field in template.fields if not _is_there(field, case, answered))


def missing_for_sending(case: CaseFile, template: Template) -> tuple[str, ...]:
    """Labels of required fields that have no answer."""
    return tuple(field.label for field in missing_fields(case, template) if field.required)


def answers_note(template: Template, answers: Iterable[tuple[str, str]]) -> str | None:
    """One line for each answer, in the template's order. `ValueRefused` for a field or choice it does not
    have."""
    given = dict(answers)
    for key, text in given.items():
        field = template.field(key)
        if field is None or key in _OF_RECORDS or field.kind in (FieldKind.VITALS, FieldKind.PHOTO):
            raise ValueRefused(
                f"{template.name} has no field {key!r} to be answered in words. Nothing was saved."
            )
        if field.choices and text not in field.choices:
            raise ValueRefused(
                f"{key} is one of {', '.join(field.choices)}, not {text!r}. Nothing was saved."
            )
    lines = [_line(field, given[field.key]) for field in template.fields if field.key in given]
    return "\n".join(lines) or None


def _line(field: TemplateField, text: str) -> str:
    return f"{field.label}: {' '.join(text.split())}"


def _answered(case: CaseFile) -> frozenset[str]:
    """Starts of all note lines up to their colon: labels of fields that were answered in words."""
    notes: list[Note] = [record.body for record in case.state.notes]
    lines = (line for note in notes for line in note.text.splitlines())
    return frozenset(line.partition(":")[0] for line in lines if ":" in line)


def _is_there(field: TemplateField, case: CaseFile, answered: frozenset[str]) -> bool:
    known = _OF_RECORDS.get(field.key)
    if known is not None:
        return known(case, case.patient or Patient(code="-"))
    if field.kind is FieldKind.VITALS:
        return bool(case.state.vitals)
    if field.kind is FieldKind.PHOTO:
        return bool(case.state.media)
    return field.label in answered


_OF_RECORDS: Final[Mapping[str, Callable[[CaseFile, Patient], bool]]] = {
    "complaint": lambda case, patient: case.is_consult,
    "question": lambda case, patient: case.is_consult,
    "onset": lambda case, patient: case.is_consult and case.opened.onset_s is not None,
    "plan_if_silent": lambda case, patient: case.is_consult and case.opened.plan_if_silent is not None,
    "patient_code": lambda case, patient: case.patient is not None,
    "age": lambda case, patient: patient.age_years is not None,
    "sex": lambda case, patient: patient.sex is not Sex.UNKNOWN,
    "weight": lambda case, patient: patient.weight_hg is not None,
    "pregnancy": lambda case, patient: patient.sex is Sex.MALE or patient.pregnancy is not Pregnancy.UNKNOWN,
    "allergies": lambda case, patient: patient.allergy_state is not AllergyState.UNKNOWN,
    "medicines": lambda case, patient: bool(patient.medicines),
    "history": lambda case, patient: bool(patient.history),
    "note": lambda case, patient: bool(case.state.notes),
    "treatment": lambda case, patient: bool(case.state.treatments),
}
"""Fields whose answer is a value of a record."""
