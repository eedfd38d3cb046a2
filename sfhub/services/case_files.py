"""Reads a whole case from the database, inside one transaction."""

from __future__ import annotations

from protocol.actors import Actor
from protocol.entry import Entry, read_entry
from protocol.fold import fold
from protocol.ids import ActorId, CaseId, KeyId, Mailbox
from protocol.micro import read_micro
from protocol.orders import Capability
from protocol.records import Kind
from protocol.station import capability_now
from sync.stores.connection import Connection
from sync.stores.erasures import erasure_of

from ..domain.case_file import (
    ArrivedEntry,
    ArrivedLayer,
    ArrivedProvisional,
    CaseFile,
    SentEntry,
    site_case_id,
)
from ..domain.erased import erased_text
from ..errors import CaseErased, NotFound
from ..storage.cases import CaseHead, actors_of, case_head, layers_of_case
from ..storage.entries import StoredEntry, entries_of_case, held_of_case
from ..storage.outbox import OutboxRow, outbox_of_case
from ..storage.provisional import micros_of_case
from ..storage.sites import Directory


def load_case(connection: Connection, case_id: CaseId, directory: Directory) -> CaseFile:
    """The case as it stands in this transaction; `NotFound` when nothing of it is here."""
    head = case_head(connection, case_id)
    if head is None:
        raise NotFound(f"No case {case_id.hex()} is here. See the list with: sfhub queue")
    if (erasure := erasure_of(connection, case_id)) is not None:
        raise CaseErased(erased_text(erasure))
    entries = tuple(_arrived(stored, directory) for stored in entries_of_case(connection, case_id))
    return CaseFile(
        case_id=case_id,
        patient_id=head.patient_id,
        site=head.site,
        site_name=directory.site_name(head.site) or "a site that is not enrolled",
        bundle_priority=head.priority,
        first_arrived_s=head.first_arrived_s,
        changed_s=head.changed_s,
        entries=entries,
        layers=_layers(connection, head),
        sent=_sent(connection, case_id, entries),
        people=_people(connection, entries),
        held=held_of_case(connection, case_id),
        provisional=_provisional(connection, case_id),
    )


def _arrived(stored: StoredEntry, directory: Directory) -> ArrivedEntry:
    entry = read_entry(stored.signed)
    signer = directory.signer(entry.signer)
    if signer is None:
        # Nothing is stored whose signer is not known, and nobody is ever forgotten.
        raise NotFound(f"The signer of entry {stored.number} is not known any more. Restore hub.db.")
    return ArrivedEntry(
        number=stored.number,
        received_s=stored.received_s,
        party=signer.party,
        place=signer.mailbox,
        signed=stored.signed,
        entry=entry,
    )


def _provisional(connection: Connection, case_id: CaseId) -> tuple[ArrivedProvisional, ...]:
    return tuple(
        ArrivedProvisional(said=read_micro(stored.micro), received_s=stored.received_s)
        for stored in micros_of_case(connection, case_id)
    )


def _layers(connection: Connection, head: CaseHead) -> tuple[ArrivedLayer, ...]:
    """Those that came from the case's own site: nobody else can lend it a picture."""
    return tuple(
        ArrivedLayer(blob=row.blob, layer=row.layer, size_bytes=row.size_bytes, received_s=row.received_s)
        for row in layers_of_case(connection, head.case_id)
        if row.site == head.site
    )


def _sent(
    connection: Connection, case_id: CaseId, entries: tuple[ArrivedEntry, ...]
) -> tuple[SentEntry, ...]:
    # How far a headline is says nothing about the signed entry that it was made of.
    rows: dict[bytes, OutboxRow] = {
        row.entry_id: row for row in outbox_of_case(connection, case_id) if not row.headline
    }
    return tuple(
        SentEntry(
            entry_number=arrived.number,
            what=row.what,
            size_bytes=row.size_bytes,
            written_s=row.written_s,
            stored_s=row.stored_s,
        )
        for arrived in entries
        if (row := rows.get(arrived.entry.entry_id)) is not None
    )


def _people(connection: Connection, entries: tuple[ArrivedEntry, ...]) -> dict[tuple[KeyId, ActorId], Actor]:
    signers: set[KeyId] = {arrived.entry.signer for arrived in entries}
    return {
        (signer, actor): person
        for signer in signers
        for actor, person in actors_of(connection, signer).items()
    }


def site_capability(connection: Connection, site: Mailbox) -> Capability | None:
    """What is aboard, as far as we were told, by lists and by changes of lists."""
    stored = entries_of_case(connection, site_case_id(site))
    entries: list[Entry] = [read_entry(entry.signed) for entry in stored]
    state = fold(record for entry in entries for record in entry.records)
    return capability_now(record.body for record in state.of(Kind.CAPABILITY, Kind.CAPABILITY_DELTA))
