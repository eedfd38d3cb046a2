"""Entries that a bundle is written, or was written, as a difference from: those whose records it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.actors import Party
from protocol.entry import SignedEntry, read_entry
from protocol.ids import ENTRY_ID_BYTES, BundleId, EntryId, RecordId
from protocol.records import Relation
from sfnode.domain.case_file import KeptEntry
from sync.stores.connection import Connection
from sync.stores.errors import CaseErased, StoreDamaged

from .entries import read_case, read_signed

_BUNDLES_MAX: Final = 8
"""In which one entry can have left: each case is sent once, and what followed it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """One entry, and how the hub may have come to hold it."""

    signed: SignedEntry
    from_hub: bool
    bundles: tuple[BundleId, ...]
    """Those of ours that held it."""


def base_of(connection: Connection, entries: Sequence[SignedEntry]) -> Base | None:
    """The entry whose records these supersede: the latest, None if there is none that can be read."""
    opened = [read_entry(signed) for signed in entries]
    replaced = {
        target
        for entry in opened
        for record in entry.records
        for target in record.referred(Relation.SUPERSEDES)
    }
    if not replaced:
        return None
    try:
        case = read_case(connection, opened[0].case_id)
        found = [kept for kept in case.entries if _holds(kept, replaced)] if case is not None else []
        signed = read_signed(connection, [kept.entry.entry_id for kept in found[-1:]])
    except (StoreDamaged, CaseErased):
        return None  # Without a base the bundle is only longer.
    if not signed:
        return None
    return Base(
        signed=signed[0],
        from_hub=found[-1].party is Party.HUB,
        bundles=_sent_in(connection, signed[0].entry_id),
    )


def entry_starting(connection: Connection, start: bytes) -> SignedEntry | None:
    """The entry whose id starts so, if it is here and can be read."""
    row = connection.execute(
        "SELECT entry_id FROM entry WHERE entry_id BETWEEN ? AND ? LIMIT 1",
        (start, start.ljust(ENTRY_ID_BYTES, b"\xff")),
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
