"""Erasing a case in the vault: its key, every row that says something of it, and what comes of it later.

Law: what is left of an erased case is its ids, and who erased it, when and why.
"""

from __future__ import annotations

from protocol.actors import Party
from protocol.entry import Entry, SignedEntry, read_entry
from protocol.errors import ProtocolError
from protocol.header import Priority
from protocol.ids import BundleId, CaseId, Mailbox
from sfnode.domain.moments import Moment
from sync.ports import Rank
from sync.stores.connection import Connection
from sync.stores.erasures import Erasure, count_late, is_erased, record_erasure

from .entries import note_counter, patient_of
from .moments import moment_row
from .outbox import queue_entries

ERASED = "erased"
"""What a bundle of an erased case is called."""


def erase_rows(connection: Connection, erasure: Erasure, *, now: Moment) -> None:
    """Destroy the key, blank every row, and queue the tombstone if the case was ever sent. Idempotent."""
    case_id = erasure.case_id
    if is_erased(connection, case_id):
        return
    record_erasure(connection, erasure)
    connection.execute("UPDATE entry SET payload = x'', signature = x'' WHERE case_id = ?", (case_id,))
    for table in ("aside", "provisional", "alarm"):
        connection.execute(f"DELETE FROM {table} WHERE case_id = ?", (case_id,))
    connection.execute(
        "DELETE FROM outbox_entry WHERE outbox_row IN"
        " (SELECT row FROM outbox WHERE case_id = ? AND bundle_id IS NULL)",
        (case_id,),
    )
    connection.execute("DELETE FROM outbox WHERE case_id = ? AND bundle_id IS NULL", (case_id,))
    connection.execute(
        "UPDATE outbox SET what = ?, blob = NULL, micro_id = NULL WHERE case_id = ?", (ERASED, case_id)
    )
    if patient_of(connection, case_id) is not None:
        _keep_tombstone(connection, erasure, now)


def dispatched_bundles(connection: Connection, case_id: CaseId) -> tuple[BundleId | None, ...]:
    """Bundles of the case: the id of each that custody has, None for each that it has not."""
    rows = connection.execute("SELECT bundle_id FROM outbox WHERE case_id = ?", (case_id,)).fetchall()
    return tuple(None if bundle_id is None else BundleId(bundle_id) for (bundle_id,) in rows)


def bundles_left(connection: Connection, erasure: Erasure) -> tuple[BundleId, ...]:
    """Bundles of an erased case that custody may still have, its tombstone left out."""
    rows = connection.execute(
        "SELECT bundle_id FROM outbox WHERE case_id = ? AND bundle_id IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM outbox_entry WHERE outbox_row = outbox.row AND entry_id = ?)",
        (erasure.case_id, erasure.tombstone.entry_id),
    ).fetchall()
    return tuple(BundleId(bundle_id) for (bundle_id,) in rows)


def forget_bundles(connection: Connection, bundle_ids: tuple[BundleId, ...]) -> None:
    """Custody has let go of these, or carries them to their end by itself."""
    for bundle_id in bundle_ids:
        connection.execute(
            "DELETE FROM outbox_entry WHERE outbox_row IN (SELECT row FROM outbox WHERE bundle_id = ?)",
            (bundle_id,),
        )
        connection.execute("DELETE FROM outbox WHERE bundle_id = ?", (bundle_id,))


def drop_late_entry(connection: Connection, entry: Entry, *, first_seen: Moment) -> bool:
    """Whether the entry's case was erased: then its id is kept, so that it counts as known, and nothing of
    its content."""
    if not is_erased(connection, entry.case_id):
        return False
    count_late(connection, entry.case_id)
    if patient_of(connection, entry.case_id) is not None:
        # Whose word it was is not looked into: nothing will ever be made of it.
        _keep_id(connection, entry, Party.HUB, first_seen)
    return True


def readable(signed: SignedEntry) -> Entry | None:
    """What an entry says, as far as that can be read; whose word it is, this does not tell."""
    try:
        return read_entry(signed)
    except ProtocolError:
        return None


def _keep_tombstone(connection: Connection, erasure: Erasure, now: Moment) -> None:
    entry = read_entry(erasure.tombstone)
    _keep_id(connection, entry, Party.SITE, now)
    note_counter(connection, entry.stamp.counter + len(entry.records) - 1)
    sent_s, hub = connection.execute(
        "SELECT sent_s, hub FROM case_file WHERE case_id = ?", (erasure.case_id,)
    ).fetchone()
    if sent_s is not None:
        queue_entries(
            connection,
            [erasure.tombstone],
            case_id=erasure.case_id,
            hub=Mailbox(hub),
            what=ERASED,
            priority=Priority.ROUTINE,
            rank=Rank.TEXT,
            queued_s=now.wall_s,
        )


def _keep_id(connection: Connection, entry: Entry, party: Party, first_seen: Moment) -> None:
    connection.execute(
        "INSERT INTO entry"
        " (entry_id, case_id, party, payload, signature, boot, monotonic_s, wall_s, certainty)"
        " VALUES (?, ?, ?, x'', x'', ?, ?, ?, ?) ON CONFLICT (entry_id) DO NOTHING",
        (entry.entry_id, entry.case_id, int(party), *moment_row(first_seen)),
    )
