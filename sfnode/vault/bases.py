"""Entries that a bundle is written, or was written, as a difference from: what it replaces or refers to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.actors import Party
from protocol.entry import SignedEntry, read_entry
from protocol.ids import ENTRY_ID_BYTES, BundleId, CaseId, EntryId, RecordId
from protocol.records import Kind, Relation
from sfnode.domain.case_file import CaseFile, KeptEntry
from sync.stores.connection import Connection
from sync.stores.errors import CaseErased, StoreDamaged

from .entries import read_case, read_signed
from .hubs import Hub

_BUNDLES_MAX: Final = 8
"""In which one entry can have left: each case is sent once, and what followed it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """One entry, and how the hub may have come to hold it."""

    signed: SignedEntry
    from_hub: bool
    bundles: tuple[BundleId, ...]
    """Those of ours that held it."""


def base_of(
    connection: Connection,
    entries: Sequence[SignedEntry],
    read: Callable[[Connection, CaseId], CaseFile | None] = read_case,
) -> Base | None:
    """The latest entry whose records these supersede, or else refer to, or else the one that opened the case:
    it shares identifiers and words with them. None if there is none that can be read."""
    opened = [read_entry(signed) for signed in entries]
    records = [record for entry in opened for record in entry.records]
    replaced = {target for record in records for target in record.referred(Relation.SUPERSEDES)}
    named = {reference.record for record in records for reference in record.refs}
    try:
        case = read(connection, opened[0].case_id)
        found = None if case is None else _nearest(case, (replaced, named), {e.entry_id for e in opened})
        signed = [] if found is None else read_signed(connection, [found.entry.entry_id])
    except (StoreDamaged, CaseErased):
        return None  # Without a base the bundle is only longer.
    if found is None or not signed:
        return None
    return Base(
        signed=signed[0],
        from_hub=found.party is Party.HUB,
        bundles=_sent_in(connection, signed[0].entry_id),
    )


def _nearest(case: CaseFile, wanted: Sequence[set[RecordId]], own: set[EntryId]) -> KeptEntry | None:
    others = [kept for kept in case.entries if kept.entry.entry_id not in own]
    for targets in wanted:
        if found := [kept for kept in others if _holds(kept, targets)]:
            return found[-1]
    return next((kept for kept in others if _opens(kept)), None)


def _opens(kept: KeptEntry) -> bool:
    return any(record.kind == Kind.CASE_OPENED for record in kept.entry.records)


def entry_starting(connection: Connection, hub: Hub, start: bytes) -> SignedEntry | None:
    """The entry whose id starts so, if it is here in a case with that hub and can be read: nobody may try out
    what another's entries say."""
    row = connection.execute(
        "SELECT entry_id FROM entry JOIN case_file USING (case_id)"
        " WHERE entry_id BETWEEN ? AND ? AND (hub = ? OR case_id = ?) LIMIT 1",
        (start, start.ljust(ENTRY_ID_BYTES, b"\xff"), hub.hub, hub.site_case),
    ).fetchone()
    if row is None:
        return None
    try:
        return read_signed(connection, [EntryId(row[0])])[0]
    except (StoreDamaged, CaseErased):
        return None  # As good as not here: the whole is asked for, and needs no base.


def _holds(kept: KeptEntry, records: set[RecordId]) -> bool:
    return any(record.record_id in records for record in kept.entry.records)


def _sent_in(connection: Connection, entry_id: EntryId) -> tuple[BundleId, ...]:
    rows = connection.execute(
        "SELECT bundle_id FROM outbox_entry JOIN outbox ON outbox.row = outbox_row"
        " WHERE entry_id = ? AND bundle_id IS NOT NULL ORDER BY outbox_row DESC LIMIT ?",
        (entry_id, _BUNDLES_MAX),
    ).fetchall()
    return tuple(BundleId(row[0]) for row in rows)
