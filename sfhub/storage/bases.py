"""Entries that a bundle is written, or was written, as a difference from: what it replaces or refers to."""

from __future__ import annotations

from protocol.entry import Entry, SignedEntry, read_entry
from protocol.ids import ENTRY_ID_BYTES, CaseId, EntryId
from protocol.records import Relation
from sync.stores.connection import Connection
from sync.stores.errors import CaseErased, StoreDamaged

from .entries import entries_of_case, entry_by_id
from .sites import Pair


def base_for(connection: Connection, pair: Pair, signed: SignedEntry) -> SignedEntry | None:
    """The latest entry that the site holds and whose records `signed` supersedes, or else refers to: the two
    share identifiers and words. None if there is none."""
    entry = read_entry(signed)
    replaced = {target for record in entry.records for target in record.referred(Relation.SUPERSEDES)}
    named = {reference.record for record in entry.records for reference in record.refs}
    if not named:
        return None
    try:
        candidates = [stored.signed for stored in entries_of_case(connection, entry.case_id)]
    except (StoreDamaged, CaseErased):
        return None  # Without a base the bundle is only longer.
    known = [(candidate, read_entry(candidate)) for candidate in reversed(candidates)]
    for targets in (replaced, named):
        for candidate, read in known:
            if any(record.record_id in targets for record in read.records):
                if _is_held(connection, pair, read):
                    return candidate
                break
    return None


def entry_starting(connection: Connection, pair: Pair, start: bytes) -> SignedEntry | None:
    """The entry of one of the site's cases whose id starts so, if it is here and can be read."""
    row = connection.execute(
        "SELECT entry_id FROM entries JOIN cases USING (case_id)"
        " WHERE entry_id BETWEEN ? AND ? AND site = ? LIMIT 1",
        (start, start.ljust(ENTRY_ID_BYTES, b"\xff"), pair.site),
    ).fetchone()
    if row is None:
        return None
    try:
        return entry_by_id(connection, EntryId(row[0])).signed
    except (StoreDamaged, CaseErased):
        return None  # As good as not here: the whole is asked for, and needs no base.


def erased_case_starting(connection: Connection, pair: Pair, start: bytes) -> CaseId | None:
    """The erased case of the site of which an entry is known whose id starts so."""
    row = connection.execute(
        "SELECT case_id FROM entries JOIN cases USING (case_id) JOIN erased_case USING (case_id)"
        " WHERE entries.entry_id BETWEEN ? AND ? AND site = ? LIMIT 1",
        (start, start.ljust(ENTRY_ID_BYTES, b"\xff"), pair.site),
    ).fetchone()
    return None if row is None else CaseId(row[0])


def _is_held(connection: Connection, pair: Pair, entry: Entry) -> bool:
    """Written with the site's own key, or said by the site to be stored there."""
    if entry.signer == pair.signer.key_id:
        return True
    stored = connection.execute(
        "SELECT 1 FROM outbox WHERE pair = ? AND entry_id = ? AND headline = 0 AND stored_s > 0",
        (pair.number, entry.entry_id),
    ).fetchone()
    return stored is not None
