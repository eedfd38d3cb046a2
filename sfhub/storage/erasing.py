"""Erasing a case in hub.db: its key, every row that says something of it, and what comes of it later.

Law: what is left of an erased case is its ids, and who erased it, when and why.
"""

from __future__ import annotations

from protocol.entry import Entry, SignedEntry
from protocol.header import Priority
from protocol.ids import BundleId, CaseId, KeyId
from sync.stores.connection import Connection
from sync.stores.erasures import Erasure, count_late, is_erased, record_erasure

from .outbox import add_to_outbox

ERASED = "erased"
"""What the bundle is called that tells the site."""


def erase_rows(
    connection: Connection, erasure: Erasure, *, signer: KeyId, pair: int | None, now_s: float
) -> None:
    """Destroy the key, blank every row, and queue the tombstone for the site. Idempotent."""
    case_id = erasure.case_id
    if is_erased(connection, case_id):
        return
    record_erasure(connection, erasure)
    connection.execute(
        "UPDATE entries SET payload = x'', signature = x'', author = x'' WHERE case_id = ?", (case_id,)
    )
    connection.execute("UPDATE cases SET row = x'' WHERE case_id = ?", (case_id,))
    for table in ("held_entries", "provisional", "layers"):
        connection.execute(f"DELETE FROM {table} WHERE case_id = ?", (case_id,))
    connection.execute("DELETE FROM outbox WHERE case_id = ? AND sealed_s = 0", (case_id,))
    _keep_id(connection, erasure.tombstone, case_id, signer, now_s)
    if pair is not None:
        add_to_outbox(
            connection,
            pair=pair,
            case_id=case_id,
            entry_id=erasure.tombstone.entry_id,
            what=ERASED,
            priority=Priority.ROUTINE,
            now_s=now_s,
        )


def drop_late_entry(connection: Connection, signed: SignedEntry, entry: Entry, now_s: float) -> bool:
    """Whether the entry's case was erased: then its id is kept, so that it counts as here, and nothing of its
    content."""
    if not is_erased(connection, entry.case_id):
        return False
    count_late(connection, entry.case_id)
    _keep_id(connection, signed, entry.case_id, entry.signer, now_s)
    return True


def drop_late(connection: Connection, case_id: CaseId) -> bool:
    """The same for what has no id of its own but that of its bundle."""
    if not is_erased(connection, case_id):
        return False
    count_late(connection, case_id)
    return True


def bundles_sent(connection: Connection, erasure: Erasure) -> tuple[tuple[int, BundleId], ...]:
    """Pair and id of each bundle of an erased case that custody may still have, its tombstone left out."""
    rows = connection.execute(
        "SELECT pair, bundle_id FROM outbox WHERE case_id = ? AND sealed_s > 0 AND entry_id <> ?",
        (erasure.case_id, erasure.tombstone.entry_id),
    ).fetchall()
    return tuple((pair, BundleId(bundle_id)) for pair, bundle_id in rows)


def bundles_put_aside(connection: Connection, case_id: CaseId) -> tuple[tuple[int, BundleId], ...]:
    """Pair and id of each received bundle that custody keeps because some of it could not be applied."""
    rows = connection.execute(
        "SELECT DISTINCT pair, bundle_id FROM quarantine WHERE case_id = ?", (case_id,)
    ).fetchall()
    return tuple((pair, BundleId(bundle_id)) for pair, bundle_id in rows)


def forget_sent(connection: Connection, pair: int, bundle_id: BundleId) -> None:
    """Custody has let go of it, or carries it to its end by itself."""
    connection.execute("DELETE FROM outbox WHERE pair = ? AND bundle_id = ?", (pair, bundle_id))


def _keep_id(
    connection: Connection, signed: SignedEntry, case_id: CaseId, signer: KeyId, now_s: float
) -> None:
    connection.execute(
        "INSERT INTO entries (entry_id, case_id, signer, author, payload, signature, received_s)"
        " VALUES (?, ?, ?, x'', x'', x'', ?) ON CONFLICT (entry_id) DO NOTHING",
        (signed.entry_id, case_id, signer, now_s),
    )
