"""Writing entries for this site inside one transaction: author, stamp, signature, row, and outbox row if it
was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from protocol.actors import Actor, Party, Role
from protocol.clinical import Layer
from protocol.entry import Entry, SignedEntry, read_entry, write_entry
from protocol.errors import InvalidRecord
from protocol.header import Priority
from protocol.ids import ActorId, CaseId, Mailbox, PatientId, key_id_of
from protocol.micro import MicroBundle
from protocol.prekeys import machine_of
from protocol.records import Kind, NewRecord
from protocol.stamps import Stamp
from sfnode.domain.case_file import CaseFile, KeptEntry
from sfnode.domain.moments import Moment
from sfnode.errors import NotFound, ValueRefused
from sfnode.vault.directory import Identity, keep_actor, read_identity
from sfnode.vault.entries import CaseCache, highest_counter, insert_entry
from sfnode.vault.hubs import Hub, hub_of_case, present_hubs
from sfnode.vault.outbox import queue_entries, queue_micro
from sfnode.vault.provisional import keep_micro
from sync.ports import Rank
from sync.stores.connection import Connection
from sync.stores.erasures import erasure_of

from .case_errors import case_erased

LAYER_RANKS = {
    Layer.PREVIEW: Rank.PREVIEW,
    Layer.REGION: Rank.REQUESTED,
    Layer.STANDARD: Rank.STANDARD,
    Layer.FULL: Rank.FULL,
}


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

    def __init__(self, connection: Connection, occasion: Occasion, cases: CaseCache | None = None) -> None:
        self.connection = connection
        self.occasion = occasion
        self._cases = cases or CaseCache()

    @cached_property
    def identity(self) -> Identity:
        """Read when it is first needed: most looks find that there is nothing to write."""
        return read_identity(self.connection)

    @property
    def now_s(self) -> int:
        return self.occasion.now.wall_s

    def look(self, case_id: CaseId) -> CaseFile | None:
        """The case as this transaction sees it; None when it is not known, or was erased."""
        return self._cases.look(self.connection, case_id)

    def case(self, case_id: CaseId) -> CaseFile:
        """The case as this transaction sees it. `NotFound`."""
        found = self.look(case_id)
        if found is None and (erasure := erasure_of(self.connection, case_id)) is not None:
            raise case_erased(erasure)
        if found is None:
            raise _no_case(case_id)
        return found

    def hub_of(self, case_id: CaseId) -> Hub:
        """The hub that a case is with; of the site's own file, the one it was begun for."""
        hub = hub_of_case(self.connection, case_id)
        if hub is None:
            raise _no_case(case_id)
        return hub

    def site_files(self) -> Mapping[CaseId, tuple[Hub, ...]]:
        """The site's own files, and the hubs that each is for. Empty before enrolment."""
        files: dict[CaseId, tuple[Hub, ...]] = {}
        for hub in present_hubs(self.connection):
            files[hub.site_case] = (*files.get(hub.site_case, ()), hub)
        return files

    def stamp(self) -> Stamp:
        """Of what is written now."""
        now = self.occasion.now
        counter = highest_counter(self.connection) + 1
        return Stamp(counter, now.wall_s, self.occasion.offset_minutes, now.certainty)

    def sign(self, case_id: CaseId, patient_id: PatientId, records: Sequence[NewRecord]) -> SignedEntry:
        """The entry these records would be now; nothing is kept. `ValueRefused` names what does not fit."""
        return self._sign(case_id, patient_id, records, author=self.identity.author)

    def _sign(
        self, case_id: CaseId, patient_id: PatientId, records: Sequence[NewRecord], *, author: ActorId
    ) -> SignedEntry:
        stamp = self.stamp()
        try:
            return write_entry(
                records,
                case_id=case_id,
                patient_id=patient_id,
                author=author,
                stamp=stamp,
                key=self.identity.signing,
            )
        except InvalidRecord as error:
            raise ValueRefused(f"{error}. Nothing was saved. Correct this and try again.") from error

    def first(self, case_id: CaseId, patient_id: PatientId, records: Sequence[NewRecord]) -> Written:
        """The entry that opens a case which is here already: says who writes, so that the case can be read on
        its own."""
        return self._keep(self.sign(case_id, patient_id, [NewRecord(self.identity.person), *records]))

    def add(
        self, case: CaseFile, records: Sequence[NewRecord], *, what: str, hub: Mailbox | None = None
    ) -> Written:
        """One more entry of a case; queued at once if it was sent, for its hub unless told otherwise."""
        introduced = self.identity.author in case.state.actors
        introduction = [] if introduced else [NewRecord(self.identity.person)]
        written = self._keep(self.sign(case.case_id, case.patient_id, [*introduction, *records]))
        if case.sent_s is not None:
            self.queue(case, [written.signed], what=what, rank=Rank.TEXT, hub=hub)
        return written

    def state(self, body: Any, hub: Hub, *, what: str) -> int:
        """What this machine states to a hub by itself, in the site's own case, queued at once; its outbox
        row."""
        case = self.case(hub.site_case)
        machine = Actor(name=self.identity.site_name, role=Role.STATION)
        author = machine_of(key_id_of(self.identity.signing_public))
        signed = self._sign(
            case.case_id, case.patient_id, [NewRecord(machine), NewRecord(body)], author=author
        )
        written = self._keep(signed)
        return self.queue(
            case, [written.signed], what=what, rank=Rank.HEADLINE, priority=Priority.URGENT, hub=hub.hub
        )

    def queue(
        self,
        case: CaseFile,
        entries: Sequence[SignedEntry],
        *,
        what: str,
        rank: Rank,
        priority: Priority | None = None,
        hub: Mailbox | None = None,
    ) -> int:
        """One bundle of entries for the case's hub, in the case's class, unless told otherwise; its outbox
        row."""
        return queue_entries(
            self.connection,
            entries,
            case_id=case.case_id,
            hub=case.hub if hub is None else hub,
            what=what,
            priority=case.priority if priority is None else priority,
            rank=rank,
            queued_s=self.now_s,
        )

    def queue_micro(self, case: CaseFile, micro: MicroBundle, *, what: str, rank: Rank) -> int:
        """One provisional record, kept and queued in the case's class; its outbox row."""
        keep_micro(
            self.connection,
            micro,
            case_id=case.case_id,
            party=Party.SITE,
            first_seen=self.occasion.now,
        )
        return queue_micro(
            self.connection,
            micro,
            case_id=case.case_id,
            hub=case.hub,
            what=what,
            priority=case.priority,
            rank=rank,
            queued_s=self.now_s,
        )

    def _keep(self, signed: SignedEntry) -> Written:
        # Read back as the hub will read it, so that what we keep is what we said.
        entry = read_entry(signed)
        insert_entry(self.connection, signed, entry, party=Party.SITE, first_seen=self.occasion.now)
        hub = self.hub_of(entry.case_id)
        for record in entry.records:
            if record.kind == Kind.ACTOR:
                keep_actor(self.connection, hub.hub, hub.site, record)
        return Written(signed=signed, entry=entry)


def _no_case(case_id: CaseId) -> NotFound:
    return NotFound(f"There is no case {case_id.hex()} here. `sfnode case list` shows those there are.")


def with_entry(case: CaseFile, written: Written, *, place: Mailbox, now: Moment) -> CaseFile:
    """The case with one more entry of ours, written at `place`, without reading it again."""
    ours = KeptEntry(entry=written.entry, party=Party.SITE, place=place, first_seen=now)
    return CaseFile.of(
        (*case.entries, ours),
        case_id=case.case_id,
        patient_id=case.patient_id,
        priority=case.priority,
        sent_s=case.sent_s,
        hub=case.hub,
        provisional=case.provisional,
    )
