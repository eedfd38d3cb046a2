"""Rows that say which entries each bundle of the hub's has brought: what a hub that lost it is given back."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.entry import SignedEntry
from protocol.ids import ENTRY_ID_BYTES, BundleId, CaseId, EntryId, Pseudonym
from sync.stores.connection import Connection


def note_arrived(connection: Connection, bundle_id: BundleId, entries: Sequence[SignedEntry]) -> None:
    """In the transaction that applies them; idempotent."""
    connection.executemany(
        "INSERT INTO arrived (bundle_id, entry_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(bundle_id, signed.entry_id) for signed in entries],
    )


def note_announced(connection: Connection, bundle_id: BundleId, covers: bytes) -> None:
    """The same for a provisional record: what nobody signed cannot be given back, but the entry that it went
    ahead of can. `covers` is the start of that entry's id."""
    connection.execute(
        "INSERT INTO arrived (bundle_id, entry_id) VALUES (?, ?) ON CONFLICT DO NOTHING", (bundle_id, covers)
    )


def has_come(connection: Connection, _: Pseudonym, bundle_id: BundleId) -> bool:
    """Whether anything of this bundle was kept, or put aside with its reason."""
    found = connection.execute("SELECT 1 FROM arrived WHERE bundle_id = ?", (bundle_id,)).fetchone()
    return found is not None


def came_in(connection: Connection, bundle_id: BundleId) -> tuple[tuple[CaseId, EntryId], ...]:
    """Case and id of each entry that this bundle brought, that stands here and can be read."""
    starts = connection.execute("SELECT entry_id FROM arrived WHERE bundle_id = ?", (bundle_id,)).fetchall()
    rows = [
        row
        for (start,) in starts
        for row in connection.execute(
            "SELECT case_id, entry_id FROM entry WHERE entry_id BETWEEN ? AND ? AND payload <> x''",
            (start, start.ljust(ENTRY_ID_BYTES, b"\xff")),
        ).fetchall()
    ]
    return tuple((CaseId(case_id), EntryId(entry_id)) for case_id, entry_id in rows)


def signed_by(connection: Connection, party: int) -> tuple[tuple[CaseId, EntryId], ...]:
    """Case and id of every readable entry of one party, oldest first."""
    rows = connection.execute(
        "SELECT case_id, entry_id FROM entry WHERE party = ? AND payload <> x'' ORDER BY row", (party,)
    ).fetchall()
    return tuple((CaseId(case_id), EntryId(entry_id)) for case_id, entry_id in rows)
