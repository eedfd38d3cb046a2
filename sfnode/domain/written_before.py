"""What a reply was written before: facts its author cannot have known, in words, and which of them were
accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.basis import OutsideBasis, outside_basis
from protocol.clinical import Patient, Treatment, Vitals
from protocol.fold import CaseState
from protocol.ids import RecordId
from protocol.news2 import Input, News2, news2, worsened
from protocol.orders import Quantity
from protocol.plain_words import described
from protocol.records import Kind, Record, Relation

from .case_file import CaseFile
from .wording import (
    ACVPU_LETTERS,
    PREGNANCY_WORDS,
    allergies_text,
    clock,
    quantity_value,
    reading,
    weight_text,
)

SHOWN_MAX: Final = 12
"""Lines shown; the rest is counted, never dropped in silence."""
_EARLIER_MISSING: Final = "an earlier entry of this case that had not reached its author"
_NOT_ALL_HERE: Final = (
    "something its author had read that is not here yet, and perhaps an earlier entry that had not reached "
    "its author"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """One fact that a reply's author had not seen."""

    record: RecordId
    text: str


def unknown_to(reply: Record, case: CaseFile) -> tuple[Unknown, ...]:
    """In the records' order. Routine readings no worse than those the author knew are left out: they would
    bury what matters; so is what was done on this very reply's orders."""
    outside = outside_basis(case.state.records, reply.body.basis)
    later = [record for record in outside.later if record.record_id not in case.state.voided]
    facts = [
        Unknown(record=record.record_id, text=f"{text}, {clock(record.stamp.wall_s)}")
        for record in later
        for text in _texts(record, reply, case, outside)
    ]
    if outside.earlier_missing:
        facts.append(
            Unknown(record=reply.record_id, text=_NOT_ALL_HERE if outside.not_here else _EARLIER_MISSING)
        )
    return tuple(facts)


def accepted_by(reply: Record, facts: Iterable[Unknown], state: CaseState) -> str | None:
    """Who went on with the reply knowing all of `facts`; None as long as one of them is not accepted."""
    accepting = [
        record for record in state.plan_accepted if reply.record_id in record.referred(Relation.ABOUT)
    ]
    accepted = {target for record in accepting for target in record.referred(Relation.ABOUT)}
    if not accepting or any(fact.record not in accepted for fact in facts):
        return None
    return state.name_of(accepting[-1].author)


def shown(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once, at most `SHOWN_MAX` of them and a count of the others."""
    unique = tuple(dict.fromkeys(texts))
    if len(unique) <= SHOWN_MAX:
        return unique
    return (*unique[:SHOWN_MAX], f"and {len(unique) - SHOWN_MAX} more")


def _texts(record: Record, reply: Record, case: CaseFile, outside: OutsideBasis) -> tuple[str, ...]:
    match record.kind:
        case Kind.PATIENT:
            return _patient_changes(record, case.state)
        case Kind.VITALS:
            return _worse_vitals(record, case, outside)
        case Kind.TREATMENT:
            body: Treatment = record.body
            return ("treatment: " + " ".join(part for part in (body.what, body.dose, body.route) if part),)
        case Kind.NOTE:
            corrects = bool(record.referred(Relation.SUPERSEDES))
            return ("a note was corrected" if corrects else "a note was written",)
        case Kind.ORDER_GIVEN | Kind.ORDER_REFUSED:
            if reply.record_id in record.referred(Relation.ABOUT):
                return ()
            done = "done" if record.kind == Kind.ORDER_GIVEN else "refused"
            return (f"order {record.body.order} of another reply {done}",)
        case Kind.VOIDED:
            return (f"struck as entered in error: {record.body.reason}",)
        case _:
            said = described(record)
            return () if said is None else (f"{said.title}: {said.text}",)


def _patient_changes(record: Record, state: CaseState) -> tuple[str, ...]:
    """What this statement says that those it supersedes did not."""
    new: Patient = record.body
    replaced = record.referred(Relation.SUPERSEDES)
    before: list[Patient] = [each.body for each in state.records if each.record_id in replaced]
    old = before[-1] if before else None
    texts = [f"allergy: {each}" for each in _added(new.allergies, [each.allergies for each in before])]
    gone = sorted({each for body in before for each in body.allergies} - set(new.allergies))
    texts += [f"no longer listed as allergy: {each}" for each in gone]
    if not texts and (old is None or old.allergy_state is not new.allergy_state):
        texts.append(f"allergies: {allergies_text(new)}")
    if old is None or (old.weight_hg, old.weight_measured) != (new.weight_hg, new.weight_measured):
        texts.append(f"weight: {weight_text(new)}")
    if old is None or old.pregnancy is not new.pregnancy:
        texts.append(f"pregnancy: {PREGNANCY_WORDS[new.pregnancy]}")
    if old is not None and (old.age_years, old.sex) != (new.age_years, new.sex):
        texts.append("age or sex corrected")
    texts += [f"medicine: {each}" for each in _added(new.medicines, [each.medicines for each in before])]
    texts += [f"history: {each}" for each in _added(new.history, [each.history for each in before])]
    return tuple(texts)


def _added(new: tuple[str, ...], before: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    known = {each for values in before for each in values}
    return tuple(each for each in new if each not in known)


_QUANTITY_OF: Final = {
    Input.RESPIRATORY_RATE: Quantity.RESPIRATORY_RATE,
    Input.SPO2: Quantity.SPO2,
    Input.SYSTOLIC: Quantity.SYSTOLIC,
    Input.PULSE: Quantity.HEART_RATE,
    Input.TEMPERATURE: Quantity.TEMPERATURE,
}


def _worse_vitals(record: Record, case: CaseFile, outside: OutsideBasis) -> tuple[str, ...]:
    """The readings that score more than the last set the author can have known; any set when none can be
    scored."""
    vitals: Vitals = record.body
    later = {each.record_id for each in outside.later}
    known = [each.body for each in case.state.vitals if each.record_id not in later]
    score = news2(vitals, case.patient)
    if score.refused is not None or score.total is None or not known:
        return (f"vitals: {score.text}",)
    worse = worsened(vitals, known, case.patient)
    if not worse:
        return ()
    return (", ".join(_input_text(each, vitals) for each in worse) + f" ({_total_text(score)})",)


def _input_text(each: Input, vitals: Vitals) -> str:
    quantity = _QUANTITY_OF.get(each)
    value = None if quantity is None else quantity_value(vitals, quantity)
    if quantity is not None and value is not None:
        return reading(quantity, value)
    if each is Input.CONSCIOUSNESS and vitals.consciousness is not None:
        return f"consciousness {ACVPU_LETTERS[vitals.consciousness]}"
    return "on oxygen"


def _total_text(score: News2) -> str:
    return f"NEWS2 at least {score.total}" if score.is_partial else f"NEWS2 {score.total}"
