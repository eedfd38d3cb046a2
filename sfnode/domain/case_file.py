"""One case as this site keeps it: its entries, when each was first seen here, and the state they fold to.

Law: entries of another case or another patient are never folded in; what a record may not undo, it does not
undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from protocol.actors import Party
from protocol.admission import admitted
from protocol.clinical import CaseOpened, Patient
from protocol.entry import Entry
from protocol.fold import CaseState, fold
from protocol.header import Priority
from protocol.ids import CaseId, Mailbox, PatientId, RecordId
from protocol.micro import ProvisionalRecord

from .moments import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """An entry that stands in its case."""

    entry: Entry
    party: Party
    """Whose key signed it."""
    place: Mailbox
    """Where that key stands."""
    first_seen: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptProvisional:
    """What the hub said of the case ahead of a signed entry: authenticated as the hub, signed by nobody."""

    said: ProvisionalRecord
    first_seen: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """Everything known of one case."""

    case_id: CaseId
    patient_id: PatientId
    priority: Priority
    sent_s: int | None
    hub: Mailbox
    """The hub that it is with."""
    entries: tuple[KeptEntry, ...]
    state: CaseState
    first_seen: Mapping[RecordId, Moment]
    provisional: tuple[KeptProvisional, ...]
    """Never folded in."""
    uncovered: tuple[KeptProvisional, ...]
    """Provisional records that no signed entry has taken the place of. Found once: every look at the alarms
    asks for them."""

    @classmethod
    def of(
        cls,
        entries: Iterable[KeptEntry],
        *,
        case_id: CaseId,
        patient_id: PatientId,
        priority: Priority,
        sent_s: int | None,
        hub: Mailbox,
        provisional: Iterable[KeptProvisional] = (),
    ) -> CaseFile:
        """`ValueError` when an entry belongs to another case or patient: whoever stored it there has a
        fault."""
        kept = tuple(entries)
        if any((each.entry.case_id, each.entry.patient_id) != (case_id, patient_id) for each in kept):
            raise ValueError("an entry of another case or patient was about to be folded into this one")
        said = tuple(provisional)
        entry_ids = [each.entry.entry_id for each in kept] if said else []
        return cls(
            case_id=case_id,
            patient_id=patient_id,
            priority=priority,
            sent_s=sent_s,
            hub=hub,
            entries=kept,
            state=fold(admitted((record, each.place) for each in kept for record in each.entry.records)),
            first_seen={record.record_id: each.first_seen for each in kept for record in each.entry.records},
            provisional=said,
            uncovered=tuple(each for each in said if not each.said.is_covered_by(entry_ids)),
        )

    @property
    def is_consult(self) -> bool:
        """Whether it is about a patient: the site's own pseudo-case is not."""
        return bool(self.state.opened)

    @property
    def opened(self) -> CaseOpened:
        """The first statement that opened the case; only for consults."""
        body: CaseOpened = self.state.opened[0].body
        return body

    @property
    def patient(self) -> Patient | None:
        """The latest of the current statements about the patient; the view says when there are several."""
        return self.state.patients[-1].body if self.state.patients else None

    @property
    def changed_s(self) -> int:
        """When something last came to be known here, by the wall clock."""
        moments = [each.first_seen.wall_s for each in self.entries]
        return max((*moments, *(kept.first_seen.wall_s for kept in self.provisional)), default=0)
