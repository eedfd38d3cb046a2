"""Writing entries for this site inside one transaction: author, stamp, signature, row, and outbox row if it
was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.actors import Party
from protocol.clinical import Layer
from protocol.entry import Entry, SignedEntry, read_entry, write_entry
from protocol.errors import InvalidRecord
from protocol.header import Priority
from protocol.ids import CaseId, PatientId
from protocol.records import Kind, NewRecord
from protocol.stamps import Stamp
from sfnode.domain.case_file import CaseFile, KeptEntry
from sfnode.domain.moments import Moment
from sfnode.errors import NotEnrolled, NotFound, ValueRefused
from sfnode.vault.directory import Hub, Identity, keep_actor, read_hub, read_identity
from sfnode.vault.entries import highest_counter, insert_entry, read_case
from sfnode.vault.outbox import queue_entries
from sync.ports import Rank
from sync.stores.connection import Connection

LAYER_RANKS = {Layer.PREVIEW: Rank.PREVIEW, Layer.STANDARD: Rank.STANDARD, Layer.FULL: Rank.FULL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When something is written."""

    now: Moment
    offset_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry of ours that this transaction keeps."""

    signed: SignedEntry
    entry: Entry


class Pen:
    """Writes as this site's person. Lives for one transaction, on the connection's thread."""

    def __init__(self, connection: Connection, occasion: Occasion) -> None:
        """`NotEnrolled` before there is a hub: a case names the site's address, which enrolment gives."""
        hub = read_hub(connection)
        if hub is None:
            raise NotEnrolled(
                "This site is not enrolled with a hub, so nobody could answer. Nothing was saved. "
                "Run `sfnode enrol` with the code the hub gave you."
            )
        self.connection = connection
        self.occasion = occasion
        self.hub: Hub = hub
        self.identity: Identity = read_identity(connection)

    @property
    def now_s(self) -> int:
        return self.occasion.now.wall_s

    def case(self, case_id: CaseId) -> CaseFile:
        """The case as this transaction sees it. `NotFound`."""
        found = read_case(self.connection, case_id)
        if found is None:
            raise NotFound(
                f"There is no case {case_id.hex()} here. `sfnode case list` shows those there are."
            )
        return found

    def sign(self, case_id: CaseId, patient_id: PatientId, records: Sequence[NewRecord]) -> SignedEntry:
        """The entry these records would be now; nothing is kept. `ValueRefused` names what does not fit."""
        now = self.occasion.now
        stamp = Stamp(
            highest_counter(self.connection) + 1, now.wall_s, self.occasion.offset_minutes, now.certainty
        )
        try:
            return write_entry(
                records,
                case_id=case_id,
                patient_id=patient_id,
                author=self.identity.author,
                stamp=stamp,
                key=self.identity.signing,
            )
        except InvalidRecord as error:
            raise ValueRefused(f"{error}. Nothing was saved. Correct this and try again.") from error

    def first(self, case_id: CaseId, patient_id: PatientId, records: Sequence[NewRecord]) -> Written:
        """The entry that opens a case: says who writes, so that the case can be read on its own."""
        return self._keep(self.sign(case_id, patient_id, [NewRecord(self.identity.person), *records]))

    def add(self, case: CaseFile, records: Sequence[NewRecord], *, what: str) -> Written:
        """One more entry of a case; queued at once if the case was sent."""
        introduced = self.identity.author in case.state.actors
        introduction = [] if introduced else [NewRecord(self.identity.person)]
        written = self._keep(self.sign(case.case_id, case.patient_id, [*introduction, *records]))
        if case.sent_s is not None:
            self.queue(case, [written.signed], what=what, rank=Rank.TEXT)
        return written

    def keep_unqueued(self, case: CaseFile, records: Sequence[NewRecord]) -> Written:
        """One more entry of a case, for a bundle that the caller makes."""
        return self._keep(self.sign(case.case_id, case.patient_id, records))

    def queue(
        self,
        case: CaseFile,
        entries: Sequence[SignedEntry],
        *,
        what: str,
        rank: Rank,
        priority: Priority | None = None,
    ) -> int:
        """One bundle of entries, in the case's class unless told otherwise; its outbox row."""
        return queue_entries(
            self.connection,
            entries,
            case_id=case.case_id,
            what=what,
            priority=case.priority if priority is None else priority,
            rank=rank,
            queued_s=self.now_s,
        )

    def _keep(self, signed: SignedEntry) -> Written:
        # Read back as the hub will read it, so that what we keep is what we said.
        entry = read_entry(signed)
        insert_entry(self.connection, signed, entry, party=Party.SITE, first_seen=self.occasion.now)
        for record in entry.records:
            if record.kind == Kind.ACTOR:
                keep_actor(self.connection, self.hub.site, record)
        return Written(signed=signed, entry=entry)


def with_entry(case: CaseFile, written: Written, now: Moment) -> CaseFile:
    """The case with one more entry of ours, without reading it again."""
    return CaseFile.of(
        (*case.entries, KeptEntry(entry=written.entry, party=Party.SITE, first_seen=now)),
        case_id=case.case_id,
        patient_id=case.patient_id,
        priority=case.priority,
        sent_s=case.sent_s,
    )
