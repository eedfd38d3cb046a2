"""Findings become entries: each function is the inside of one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.clinical import CaseOpened, Closed, Media, MediaLayer, Note, Patient, Treatment, Vitals
from protocol.ids import CASE_ID_BYTES, PATIENT_ID_BYTES, CaseId, PatientId
from protocol.limits import TEXT_BYTES_MAX
from protocol.orders import Capability, CapabilityItem
from protocol.records import Kind, NewRecord, Reference, Relation
from sfnode.domain.aboard import current_list
from sfnode.domain.case_file import CaseFile
from sfnode.domain.completeness import answers_note
from sfnode.domain.contingency import crossing_alarms
from sfnode.domain.intake import NewCase, checked
from sfnode.domain.templates import find_template
from sfnode.errors import Refused, ValueRefused
from sfnode.vault.alarms import raise_alarms
from sfnode.vault.entries import insert_case
from sfnode.vault.hubs import Hub, hub_asked
from sfnode.views import AlarmView
from sync.ports import Rank

from .happenings import Saved
from .sending import queue_layers
from .writing import Pen, Written, with_entry

NOTES_MAX: Final = 5
"""Records into which one text is split at most: as many as one entry holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhoto:
    """A photograph whose layers the vault holds already."""

    caption: str
    taken_s: int | None
    source: bytes
    layers: tuple[MediaLayer, ...]


def open_case(pen: Pen, new: NewCase, random_bytes: Callable[[int], bytes]) -> Saved:
    """A draft with its patient, and a note if there is one."""
    hub = hub_asked(pen.connection, new.hub)
    template = find_template(new.template)
    case_id, patient_id = CaseId(random_bytes(CASE_ID_BYTES)), PatientId(random_bytes(PATIENT_ID_BYTES))
    opened = CaseOpened(
        template=template.name,
        template_version=template.version,
        urgency=new.urgency,
        complaint=new.complaint,
        question=new.question,
        site=hub.site,
        hub=hub.hub,
        reply_wanted_by_s=new.reply_wanted_by_s,
        plan_if_silent=new.plan_if_silent,
        onset_s=new.onset_s,
    )
    texts = [text for text in (answers_note(template, new.answers), new.note) if text]
    notes = [note for text in texts for note in _notes(new.language, text)]
    insert_case(pen.connection, case_id, patient_id, hub=hub.hub, priority=new.urgency, sent_s=None)
    records = [checked(opened), new.patient, *notes]
    return saved(pen.first(case_id, patient_id, [NewRecord(body) for body in records]))


def add_vitals(pen: Pen, case_id: CaseId, sets: Sequence[Vitals]) -> Saved:
    """Readings, and an alarm for each contingency that they cross."""
    if not sets:
        raise ValueRefused("No set of vitals was given. Nothing was saved.")
    case = consult(pen, case_id)
    what = "vitals" if len(sets) == 1 else f"{len(sets)} sets of vitals"
    written = pen.add(case, [NewRecord(each) for each in sets], what=what)
    after = with_entry(case, written, place=pen.hub_of(case_id).site, now=pen.occasion.now)
    alarms = raise_alarms(pen.connection, case_id, crossing_alarms(after), since_s=pen.now_s)
    return saved(written, alarms=alarms)


def add_note(pen: Pen, case_id: CaseId, *, language: str, text: str) -> Saved:
    notes = [NewRecord(note) for note in _notes(language, text)]
    return saved(pen.add(consult(pen, case_id), notes, what="note"))


def add_treatment(pen: Pen, case_id: CaseId, treatment: Treatment) -> Saved:
    return saved(pen.add(consult(pen, case_id), [NewRecord(treatment)], what="treatment"))


def update_patient(pen: Pen, case_id: CaseId, change: Callable[[Patient], Patient]) -> Saved:
    """A statement that supersedes every current one, so that a contradiction ends here."""
    case = consult(pen, case_id)
    present = case.patient
    if present is None:
        raise Refused("This case does not describe its patient yet. Nothing was saved.")
    refs = tuple(Reference(Relation.SUPERSEDES, record.record_id) for record in case.state.patients)
    return saved(pen.add(case, [NewRecord(checked(change(present)), refs)], what="patient"))


def add_photo(pen: Pen, case_id: CaseId, photo: NewPhoto) -> Saved:
    """The manifest; its layers follow as bundles of their own if the case was sent."""
    case = consult(pen, case_id)
    body = Media(caption=photo.caption, taken_s=photo.taken_s, source=photo.source, layers=photo.layers)
    written = pen.add(case, [NewRecord(checked(body))], what=f"about photo: {photo.caption}")
    if case.sent_s is not None:
        queue_layers(pen, case, written.entry.records)
    return saved(written)


def close_case(pen: Pen, case_id: CaseId, *, outcome: str) -> Saved:
    case = consult(pen, case_id)
    if case.state.closed:
        raise Refused("This case is closed already. Nothing was changed.")
    return saved(pen.add(case, [NewRecord(checked(Closed(outcome=outcome)))], what="closed"))


def set_capability(pen: Pen, items: Sequence[CapabilityItem]) -> Capability:
    """A whole list, one version above the last one of any hub's, told to every hub."""
    files = [(pen.case(site_case), hubs) for site_case, hubs in pen.site_files().items()]
    if not files:
        hub_asked(pen.connection, None)
    known = [known for site, _ in files if (known := current_list(site)) is not None]
    body = checked(
        Capability(version=1 + max((each.version for each in known), default=0), items=tuple(items))
    )
    for site, hubs in files:
        state_aboard(pen, site, body, hubs)
    return body


def state_aboard(pen: Pen, site: CaseFile, body: Capability, hubs: Sequence[Hub]) -> None:
    """The list, in one of the site's own files, to the hubs that it is for."""
    first, *others = hubs
    what = f"list aboard, version {body.version}"
    written = pen.add(site, [NewRecord(body)], what=what, hub=first.hub)
    for hub in others:
        pen.queue(site, [written.signed], what=what, rank=Rank.TEXT, hub=hub.hub)


def saved(written: Written, *, alarms: tuple[AlarmView, ...] = ()) -> Saved:
    """What the caller is told: the records it asked for, without the author's introduction."""
    records = [record for record in written.entry.records if record.kind != Kind.ACTOR]
    return Saved(
        case_id=written.entry.case_id,
        entry_id=written.entry.entry_id,
        records=tuple(record.record_id for record in records),
        alarms=alarms,
    )


def consult(pen: Pen, case_id: CaseId) -> CaseFile:
    """A patient's case; `Refused` for the site's own file."""
    case = pen.case(case_id)
    if not case.is_consult:
        raise Refused("This is the site's own file, not a patient's case. Nothing was saved.")
    return case


def _notes(language: str, text: str) -> list[Note]:
    """One note, or several when a record cannot hold the text: cut after a line, else after a word."""
    pieces = []
    rest = text.strip()
    while rest:
        piece, rest = _first_piece(rest)
        pieces.append(checked(Note(language=language, text=piece)))
        if len(pieces) > NOTES_MAX:
            raise ValueRefused(
                f"A text of {len(text.encode())} bytes is too long: {NOTES_MAX * TEXT_BYTES_MAX} fit. "
                "Nothing was saved. Enter it in parts."
            )
    if not pieces:
        raise ValueRefused("The text is empty. Nothing was saved.")
    return pieces


def _first_piece(text: str) -> tuple[str, str]:
    data = text.encode()
    if len(data) <= TEXT_BYTES_MAX:
        return text, ""
    piece = data[:TEXT_BYTES_MAX].decode(errors="ignore")
    # Nothing but the white space at the cut is lost.
    at = max(piece.rfind("\n"), piece.rfind(" ") if "\n" not in piece else 0)
    piece = piece[:at] if at > 0 else piece
    return piece.rstrip(), text[len(piece) :].lstrip()
