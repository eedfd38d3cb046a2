"""Views of cases, put together from the fold, the outbox, what its carriers know, and the alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from protocol.clinical import CaseOpened, Layer, Media, Note, Treatment, Vitals
from protocol.fold_notes import NoteState
from protocol.ids import BundleId, CaseId, Mailbox, short
from protocol.news2 import news2
from protocol.orders import Capability
from protocol.plain_words import note_text
from protocol.records import Record
from sfnode.domain.asked import question_views
from sfnode.domain.case_file import CaseFile
from sfnode.domain.completeness import missing_fields
from sfnode.domain.lifecycle import Transit, case_row
from sfnode.domain.moments import Moment
from sfnode.domain.other_records import other_lines
from sfnode.domain.plan import Surroundings, current_plan
from sfnode.domain.templates import find_template
from sfnode.domain.wording import (
    ACVPU_LETTERS,
    PREGNANCY_WORDS,
    allergies_text,
    clock,
    tenths,
    weight_text,
)
from sfnode.errors import NotFound
from sfnode.vault.hubs import Hub
from sfnode.vault.outbox import OutboxRow
from sfnode.views import (
    CaseRow,
    CaseView,
    LayerView,
    NoteView,
    PhotoView,
    PlanView,
    TransferView,
    VitalsView,
)

from .outgoing import HELD_BACK, LEFT, NO_LINK, STORED_AT_HUB, WAITING_FOR_LINK, Progress

_LAYER_WORDS = {
    Layer.PREVIEW: "preview",
    Layer.STANDARD: "standard",
    Layer.FULL: "full",
    Layer.REGION: "region",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHub:
    """How the hub of a case is called."""

    name: str
    shown: str
    """Its name where a site has several, else nothing."""
    is_left: bool


CaseHubs = Mapping[Mailbox, CaseHub]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that one case's views are made of, read at one moment."""

    case: CaseFile
    rows: tuple[OutboxRow, ...]
    progress: Mapping[BundleId, Progress]
    alarms: int
    capability: Capability | None
    now: Moment
    hubs: CaseHubs
    language: str
    """The site's: what coded questions are asked in."""


def case_hubs(hubs: Sequence[Hub]) -> CaseHubs:
    """Of all that were ever joined: also whose cases are only read."""
    return {
        hub.hub: CaseHub(
            name=hub.name, shown=hub.name if len(hubs) > 1 else "", is_left=hub.left_s is not None
        )
        for hub in hubs
    }


def short_name(case_id: CaseId) -> str:
    return f"C-{short(case_id)}"


def row_view(scene: Scene) -> CaseRow:
    return case_row(
        scene.case,
        _transit(scene),
        hub=scene.hubs[scene.case.hub].shown,
        short=short_name(scene.case.case_id),
        alarms=scene.alarms,
        now=scene.now,
    )


def plan_view(scene: Scene) -> PlanView:
    around = Surroundings(
        now=scene.now,
        capability=scene.capability,
        transit=_transit_words(scene),
        language=scene.language,
    )
    return current_plan(scene.case, around)


def case_view(scene: Scene) -> CaseView:
    case, patient = scene.case, scene.case.patient
    answered = bool(case.state.replies or case.state.advice)
    contradiction = "CONTRADICTION: " if len(case.state.patients) > 1 else ""
    return CaseView(
        row=row_view(scene),
        question=case.opened.question,
        allergies=contradiction + "; or: ".join(allergies_text(each.body) for each in case.state.patients),
        weight=weight_text(patient),
        pregnancy=PREGNANCY_WORDS[patient.pregnancy] if patient else "NOT ASKED",
        medicines=patient.medicines if patient else (),
        history=patient.history if patient else (),
        notes=tuple(_note(state, case, scene.now) for state in case.state.note_states),
        note_views=tuple(_note_view(record) for record in case.state.notes),
        treatments=tuple(_treatment(record, scene.now) for record in case.state.treatments),
        vitals=tuple(_vitals(record, case) for record in case.state.vitals),
        photos=tuple(photo_view(record) for record in case.state.media),
        plan=plan_view(scene) if answered or case.sent_s is not None else None,
        transfers=transfer_views(scene.rows, scene.progress, scene.hubs),
        not_understood=tuple(
            f"a record of kind {record.kind}, {clock(record.stamp.wall_s, scene.now.wall_s)}: update or call"
            for record in case.state.not_understood
        ),
        missing=_missing(case),
        questions=question_views(case, scene.language),
        others=other_lines(case, scene.now, scene.language),
        sent=case.sent_s is not None,
    )


def photo_view(record: Record) -> PhotoView:
    media: Media = record.body
    return PhotoView(
        record=record.record_id.hex(),
        caption=media.caption,
        layers=tuple(
            LayerView(layer=_LAYER_WORDS[each.layer], size_bytes=each.size_bytes, blob=each.blob.hex())
            for each in media.layers
        ),
        # Layers are drawn anew from pixels; nothing else of the file is in them.
        metadata_removed=True,
    )


def transfer_views(
    rows: Iterable[OutboxRow], progress: Mapping[BundleId, Progress], hubs: CaseHubs
) -> tuple[TransferView, ...]:
    """Upward transfers; a bundle the spool does not know yet waits."""
    views = []
    for row in rows:
        hub = hubs[row.hub]
        waits = f"{LEFT}{hub.name}" if hub.is_left else WAITING_FOR_LINK
        known = (progress.get(row.bundle_id) if row.bundle_id else None) or Progress(
            done_bytes=0, state=waits
        )
        views.append(
            TransferView(
                what=row.what,
                hub=hub.shown,
                case=row.case_id.hex(),
                direction="up",
                size_bytes=row.size_bytes if known.size_bytes is None else known.size_bytes,
                done_bytes=known.done_bytes,
                state=known.state,
                eta_s=known.eta_s,
                stored_s=known.stored_s,
                usd=known.usd,
                arrival=known.arrival,
            )
        )
    return tuple(views)


def _transit(scene: Scene) -> Transit:
    """How far the case's bundles are, and what else keeps them here than the link."""
    transit, hub = transit_of(scene.rows, scene.progress), scene.hubs[scene.case.hub]
    if hub.is_left and transit.stored < transit.count:
        return replace(transit, no_way=f"{hub.name} was left")
    return transit


def transit_of(rows: Sequence[OutboxRow], progress: Mapping[BundleId, Progress]) -> Transit:
    known = _known(rows, progress)
    waiting = {each.state for each in known} - {STORED_AT_HUB}
    return Transit(
        count=len(rows),
        stored=sum(each.state == STORED_AT_HUB for each in known),
        started=sum(each.state == STORED_AT_HUB or each.done_bytes > 0 for each in known),
        held=waiting == {HELD_BACK},
        no_way=next((state for state in waiting if state.startswith(NO_LINK)), ""),
    )


def _known(rows: Sequence[OutboxRow], progress: Mapping[BundleId, Progress]) -> list[Progress]:
    """What the carriage knows of these bundles; those it has not taken yet are left out."""
    found = (progress.get(row.bundle_id) for row in rows if row.bundle_id is not None)
    return [each for each in found if each is not None]


def _transit_words(scene: Scene) -> str:
    """ "sent 21:40Z, stored at hub 21:41Z": the second only when every bundle is."""
    if scene.case.sent_s is None:
        return "not sent"
    now_s = scene.now.wall_s
    transit = _transit(scene)
    sent = f"sent {clock(scene.case.sent_s, now_s)}"
    stored = [each.stored_s for each in _known(scene.rows, scene.progress) if each.stored_s is not None]
    if scene.case.state.case_seen:
        return f"{sent}, seen by doctor {clock(scene.case.state.case_seen[-1].stamp.wall_s, now_s)}"
    if transit.count and transit.stored == transit.count:
        return f"{sent}, stored at hub" + (f" {clock(max(stored), now_s)}" if stored else "")
    if transit.no_way:
        return f"{sent}, {transit.no_way}"
    if transit.started:
        return f"{sent}, {transit.stored} of {transit.count} stored at hub"
    return f"{sent}, {HELD_BACK if transit.held else WAITING_FOR_LINK}"


def _note(state: NoteState, case: CaseFile, now: Moment) -> str:
    note: Note = state.note.body
    when = clock(state.note.stamp.wall_s, now.wall_s)
    return f"{when} {case.state.name_of(state.note.author)} [{note.language}]: {note_text(state)}"


def _note_view(record: Record) -> NoteView:
    note: Note = record.body
    return NoteView(record=record.record_id.hex(), language=note.language, text=note.text)


def _treatment(record: Record, now: Moment) -> str:
    body: Treatment = record.body
    words = " ".join(part for part in (body.what, body.dose, body.route) if part)
    effect = f": {body.effect}" if body.effect else ""
    return f"{clock(body.given_s, now.wall_s)} {words}{effect}"


def _vitals(record: Record, case: CaseFile) -> VitalsView:
    body: Vitals = record.body
    score = news2(body, case.patient)
    return VitalsView(
        record=record.record_id.hex(),
        observed_s=body.observed_s,
        heart_rate_min=body.heart_rate_min,
        respiratory_rate_min=body.respiratory_rate_min,
        spo2_percent=body.spo2_percent,
        on_oxygen=body.on_oxygen,
        systolic_mmhg=body.systolic_mmhg,
        diastolic_mmhg=body.diastolic_mmhg,
        temperature_c=_tenths(body.temperature_decicelsius),
        consciousness=None if body.consciousness is None else ACVPU_LETTERS[body.consciousness],
        glasgow_coma=body.glasgow_coma,
        pain=body.pain,
        glucose_mmol_l=_tenths(body.glucose_decimmol_l),
        news2=score.total,
        news2_text=score.text,
        news2_parts=tuple(f"{each.value} {points}" for each, points in score.points),
        news2_rule=score.rule,
    )


def _tenths(value: int | None) -> str | None:
    return None if value is None else tenths(value)


def _missing(case: CaseFile) -> tuple[str, ...]:
    opened: CaseOpened = case.opened
    try:
        template = find_template(opened.template)
    except NotFound:
        return ()
    return tuple(
        f"*{field.label}" if field.required else field.label for field in missing_fields(case, template)
    )
