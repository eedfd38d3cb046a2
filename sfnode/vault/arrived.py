"""Rows that say which entries each bundle of a hub's has brought: what a hub that lost it is given back."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.entry import SignedEntry
from protocol.ids import ENTRY_ID_BYTES, BundleId, CaseId, EntryId, Pseudonym
from sync.stores.connection import Connection

from .hubs import Hub


def note_arrived(
    connection: Connection, pair: Pseudonym, bundle_id: BundleId, entries: Sequence[SignedEntry]
) -> None:
    """In the transaction that applies them; idempotent."""
    connection.executemany(
        "INSERT INTO arrived (pseudonym, bundle_id, entry_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(pair, bundle_id, signed.entry_id) for signed in entries],
    )


def note_announced(connection: Connection, pair: Pseudonym, bundle_id: BundleId, covers: bytes) -> None:
    """The same for a provisional record: what nobody signed cannot be given back, but the entry that it went
    ahead of can. `covers` is the start of that entry's id."""
    connection.execute(
        "INSERT INTO arrived (pseudonym, bundle_id, entry_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (pair, bundle_id, covers),
    )


def has_come(connection: Connection, pair: Pseudonym, bundle_id: BundleId) -> bool:
    """Whether anything of this bundle was kept, or put aside with its reason."""
    found = connection.execute(
        "SELECT 1 FROM arrived WHERE pseudonym = ? AND bundle_id = ?", (pair, bundle_id)
    ).fetchone()
    return found is not None


def came_in(connection: Connection, hub: Hub, bundle_id: BundleId) -> tuple[tuple[CaseId, EntryId], ...]:
    """Case and id of each entry that this bundle of the hub's brought, that stands here in a case with it and
    can be read: whoever names the start of an entry of another's is not given that one."""
    starts = connection.execute(
        "SELECT entry_id FROM arrived WHERE pseudonym = ? AND bundle_id = ?", (hub.pseudonym, bundle_id)
    ).fetchall()
    rows = [
        row
        for (start,) in starts
        for row in connection.execute(
            "SELECT case_id, entry_id FROM entry JOIN case_file USING (case_id)"
            " WHERE entry_id BETWEEN ? AND ? AND payload <> x'' AND (hub = ? OR case_id = ?)",
            (start, start.ljust(ENTRY_ID_BYTES, b"\xff"), hub.hub, hub.site_case),
        ).fetchall()
    ]
    return tuple((CaseId(case_id), EntryId(entry_id)) for case_id, entry_id in rows)


def signed_by(connection: Connection, hub: Hub, party: int) -> tuple[tuple[CaseId, EntryId], ...]:
    """Case and id of every readable entry of one party in cases with that hub, oldest first."""
    rows = connection.execute(
        "SELECT case_id, entry_id FROM entry JOIN case_file USING (case_id)"
        " WHERE party = ? AND payload <> x'' AND (hub = ? OR case_id = ?) ORDER BY entry.row",
        (party, hub.hub, hub.site_case),
    ).fetchall()
    return tuple((CaseId(case_id), EntryId(entry_id)) for case_id, entry_id in rows)
