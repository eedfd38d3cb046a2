"""The worklist's row of a case, and its page."""

from __future__ import annotations

from protocol.clinical import Patient, Vitals
from protocol.ids import short
from protocol.orders import Capability
from protocol.records import Record

from ..storage.cases import CaseHead
from ..views import CapabilityView, CaseView, ItemView, PatientView, QueueRow, VitalsView
from .arrivals import arrivals_of, media_views, missing, photo_counts, unnamed_layers
from .case_file import CaseFile
from .loops import note_texts, question_views
from .news2 import SCORE_MAX, Score, applies, news2
from .reply_view import advice_views, reply_views
from .standing import Stand, score_of, standing_of
from .timeline import timeline
from .words import (
    ACVPU,
    PREGNANCY_WORDS,
    URGENCY_WORDS,
    age_sex,
    allergies,
    claim,
    decimal,
    headline_text,
    patient_text,
    treatment_text,
    weight,
)

NOT_FOR_PATIENT = "not for this patient"


def queue_row(file: CaseFile) -> QueueRow:
    """What the worklist shows and sorts by."""
    standing = standing_of(file)
    score = score_of(file)
    here, named = photo_counts(file)
    opened, headline = file.opened, file.headline
    complaint = opened.complaint if opened else headline.complaint if headline else ""
    return QueueRow(
        case=file.case_id.hex(),
        short=short(file.case_id),
        site=file.site_name,
        urgency=file.urgency,
        urgency_word=URGENCY_WORDS[file.urgency],
        patient=age_sex(file.patient or headline),
        complaint=complaint or "nothing readable has arrived yet",
        news2=score.text if score else NOT_FOR_PATIENT,
        score_worst=score.worst if score else SCORE_MAX,
        score_band=score.band if score else "",
        needs_answer=standing.needs_answer,
        state=_state_words(file, standing.stand),
        since_s=standing.since_s,
        photos_arrived=here,
        photos_named=named,
        missing=missing(file),
        headline_only=opened is None and headline is not None,
        provisional=opened is None and file.provisional_headline is not None,
        site_mailbox=file.site.hex(),
        closed=standing.stand is Stand.CLOSED,
    )


def damaged_row(head: CaseHead, site_name: str) -> QueueRow:
    """A case whose entries cannot be read: it waits like one of which nothing is known."""
    return QueueRow(
        case=head.case_id.hex(),
        short=short(head.case_id),
        site=site_name,
        urgency=head.priority,
        urgency_word=URGENCY_WORDS[head.priority],
        patient="not readable",
        complaint="DAMAGED on the hub's disk: restore hub.db from a backup, and call the site",
        news2="not readable",
        score_worst=SCORE_MAX,
        score_band="",
        needs_answer=True,
        state=Stand.NEW.value,
        since_s=head.first_arrived_s,
        photos_arrived=0,
        photos_named=0,
        missing=("the whole case cannot be read",),
        headline_only=False,
        provisional=False,
        site_mailbox=head.site.hex(),
        closed=False,
    )


def case_view(file: CaseFile, capability: Capability | None, last_heard_s: float | None) -> CaseView:
    """All of the case that may be shown."""
    opened = file.opened
    state = file.state
    return CaseView(
        row=queue_row(file),
        case=file.case_id.hex(),
        site=file.site_name,
        last_heard_s=last_heard_s,
        seen=file.seen,
        question=opened.question if opened else (file.headline and file.headline.question) or "",
        template=f"{opened.template} {opened.template_version}" if opened else "",
        plan_if_silent=opened.plan_if_silent if opened else None,
        onset_s=opened.onset_s if opened else None,
        reply_wanted_by_s=opened.reply_wanted_by_s if opened else None,
        patient=_patient(file),
        headline=headline_text(file.headline) if file.headline else None,
        vitals=_vitals(file),
        treatments=tuple(
            f"{claim(record.stamp)} {treatment_text(record.body)}" for record in reversed(state.treatments)
        ),
        notes=note_texts(file),
        media=media_views(file),
        layers_unnamed=unnamed_layers(file),
        replies=reply_views(file),
        advice=advice_views(file),
        questions=question_views(file),
        plan_accepted=tuple(
            f"{file.author(record)} goes on with the plan, {claim(record.stamp)}: {record.body.remark or ''}"
            for record in state.plan_accepted
        ),
        timeline=timeline(file),
        arrivals=arrivals_of(file),
        capability=_capability(capability),
        not_understood=tuple(f"record of kind {record.kind}" for record in state.not_understood),
        closed=state.closed[-1].body.outcome if state.closed else None,
    )


def _state_words(file: CaseFile, stand: Stand) -> str:
    if stand is Stand.OPENED:
        return f"opened by {file.author(file.state.case_seen[0])}"
    if stand is Stand.ANSWERED and len(file.state.replies) > 1:
        return f"{len(file.state.replies)} answers side by side"
    return stand.value


def _patient(file: CaseFile) -> PatientView:
    """Contradictions are shown beside the newest statement; nobody but a person chooses."""
    source = file.patient or file.headline
    patient = file.patient
    others: list[Patient] = [record.body for record in file.state.patients[:-1]]
    return PatientView(
        code=patient.code if patient else "",
        age_sex=age_sex(source),
        weight=weight(source),
        pregnancy=PREGNANCY_WORDS[source.pregnancy] if source else "NOT ASKED",
        allergies=allergies(source),
        allergic=bool(source and source.allergies),
        medicines=patient.medicines if patient else (),
        history=patient.history if patient else (),
        contradictions=tuple(patient_text(other) for other in others),
        from_headline=patient is None and source is not None,
    )


def _vitals(file: CaseFile) -> tuple[VitalsView, ...]:
    source = file.patient or file.headline
    scored = applies(source.age_years, source.pregnancy) if source else True
    if not file.state.vitals and file.headline and file.headline.vitals:
        return (_headline_vitals(file, file.headline.vitals, scored=scored),)
    series = sorted(
        file.state.vitals, key=lambda record: (record.body.observed_s, record.order_key), reverse=True
    )
    return tuple(
        _vitals_view(record, record.body, file.arrival(record).received_s, scored=scored, headline=False)
        for record in series
    )


def _headline_vitals(file: CaseFile, vitals: Vitals, *, scored: bool) -> VitalsView:
    """The set that a headline brought; nobody has signed it if the headline is provisional."""
    if file.state.headlines:
        record = file.state.headlines[-1]
        return _vitals_view(record, vitals, file.arrival(record).received_s, scored=scored, headline=True)
    here = file.provisional_headline
    assert here is not None  # There is a headline, and it is not a signed one.
    return _vitals_view(here.said.record, vitals, here.received_s, scored=scored, headline=True)


def _vitals_view(
    record: Record, vitals: Vitals, arrived_s: float, *, scored: bool, headline: bool
) -> VitalsView:
    score: Score | None = news2(vitals) if scored else None
    return VitalsView(
        record=record.record_id.hex(),
        observed_s=vitals.observed_s,
        arrived_s=arrived_s,
        heart_rate_min=vitals.heart_rate_min,
        respiratory_rate_min=vitals.respiratory_rate_min,
        spo2_percent=vitals.spo2_percent,
        on_oxygen=vitals.on_oxygen,
        systolic_mmhg=vitals.systolic_mmhg,
        diastolic_mmhg=vitals.diastolic_mmhg,
        temperature_c=decimal(vitals.temperature_decicelsius),
        consciousness=None if vitals.consciousness is None else ACVPU[vitals.consciousness],
        glasgow_coma=vitals.glasgow_coma,
        pain=vitals.pain,
        glucose_mmol_l=decimal(vitals.glucose_decimmol_l),
        news2=score.text if score else NOT_FOR_PATIENT,
        news2_band=score.band if score else "",
        headline=headline,
    )


def _capability(capability: Capability | None) -> CapabilityView | None:
    if capability is None:
        return None
    return CapabilityView(
        version=capability.version,
        items=tuple(
            ItemView(
                item=item.item,
                name=item.name,
                strength=item.strength,
                form=item.form,
                quantity=item.quantity,
                expires=item.expires,
            )
            for item in capability.items
        ),
    )
