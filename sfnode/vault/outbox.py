"""The outbox: which entries and layers make up one bundle, until the spool has custody of it sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.bundle import EntryBundle
from protocol.clinical import Layer
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ids import CASE_ID_BYTES, BundleId, CaseId, EntryId, Mailbox, Pseudonym
from protocol.micro import MicroBundle
from protocol.sealing import sealed_size_bytes
from sync.envelope import SUITE_BYTES, enveloped_size_bytes
from sync.ports import Rank
from sync.stores.connection import Connection

from .entries import read_signed

_NOT_ERASED = (
    "(case_id NOT IN (SELECT case_id FROM erased_case)"
    " OR row IN (SELECT outbox_row FROM outbox_entry JOIN erased_case USING (entry_id)))"
)
"""Of an erased case only the tombstone is left."""
_LAYER_HEAD_BYTES = 2 + CASE_ID_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One bundle: entries, or a layer and its blob, or a provisional record."""

    row: int
    case_id: CaseId
    hub: Mailbox
    """Whom it is for."""
    what: str
    priority: Priority
    rank: Rank
    layer: Layer | None
    blob: bytes | None
    micro_id: bytes | None
    size_bytes: int
    queued_s: int
    bundle_id: BundleId | None


def queue_entries(
    connection: Connection,
    entries: Sequence[SignedEntry],
    *,
    case_id: CaseId,
    hub: Mailbox,
    what: str,
    priority: Priority,
    rank: Rank,
    queued_s: int,
) -> int:
    """One bundle of these entries; its row number."""
    row = _queue(
        connection,
        (
            *(case_id, hub, what, int(priority), rank.value),
            *(None, None, None, _entries_size_bytes(entries), queued_s),
        ),
    )
    connection.executemany(
        "INSERT INTO outbox_entry (outbox_row, position, entry_id) VALUES (?, ?, ?)",
        [(row, position, entry.entry_id) for position, entry in enumerate(entries)],
    )
    return row


def queue_layer(
    connection: Connection,
    *,
    case_id: CaseId,
    hub: Mailbox,
    layer: Layer,
    blob: bytes,
    size_bytes: int,
    what: str,
    priority: Priority,
    rank: Rank,
    queued_s: int,
) -> int:
    """One bundle of a media layer of `size_bytes`; its row number."""
    sealed_bytes = SUITE_BYTES + sealed_size_bytes(_LAYER_HEAD_BYTES + size_bytes)
    return _queue(
        connection,
        (case_id, hub, what, int(priority), rank.value, int(layer), blob, None, sealed_bytes, queued_s),
    )


def queue_micro(
    connection: Connection,
    micro: MicroBundle,
    *,
    case_id: CaseId,
    hub: Mailbox,
    what: str,
    priority: Priority,
    rank: Rank,
    queued_s: int,
) -> int:
    """One micro-bundle, which the vault keeps; its row number."""
    size_bytes = enveloped_size_bytes(micro)
    return _queue(
        connection,
        (case_id, hub, what, int(priority), rank.value, None, None, micro.micro_id, size_bytes, queued_s),
    )


def is_layer_queued(connection: Connection, case_id: CaseId, layer: Layer, blob: bytes) -> bool:
    """Whether this layer of this case was ever queued: one picture added twice travels once."""
    found = connection.execute(
        "SELECT 1 FROM outbox WHERE case_id = ? AND layer = ? AND blob = ?", (case_id, int(layer), blob)
    ).fetchone()
    return found is not None


def is_entry_queued(connection: Connection, hub: Mailbox, entry_id: EntryId) -> bool:
    """Whether this entry is in any bundle for that hub."""
    found = connection.execute(
        "SELECT 1 FROM outbox_entry JOIN outbox ON outbox.row = outbox_row WHERE entry_id = ? AND hub = ?",
        (entry_id, hub),
    ).fetchone()
    return found is not None


def entries_not_queued(connection: Connection, case_id: CaseId, party: int) -> tuple[EntryId, ...]:
    """This party's entries of a case that belong to no bundle yet, oldest first."""
    rows = connection.execute(
        "SELECT entry_id FROM entry WHERE case_id = ? AND party = ?"
        " AND NOT EXISTS (SELECT 1 FROM outbox_entry WHERE outbox_entry.entry_id = entry.entry_id)"
        " ORDER BY row",
        (case_id, party),
    ).fetchall()
    return tuple(EntryId(row[0]) for row in rows)


def unsealed(connection: Connection, limit: int, hub: Mailbox | None = None) -> tuple[OutboxRow, ...]:
    """Bundles the spool does not have, most urgent first: for that hub, or for all."""
    if hub is None:
        return _rows(connection, "WHERE bundle_id IS NULL ORDER BY priority, rank, row LIMIT ?", (limit,))
    return _rows(
        connection, "WHERE hub = ? AND bundle_id IS NULL ORDER BY priority, rank, row LIMIT ?", (hub, limit)
    )


def hubs_waited_for(connection: Connection) -> tuple[Mailbox, ...]:
    """Those for which something is not sealed yet, the one with the most urgent first."""
    rows = connection.execute(
        "SELECT hub FROM outbox WHERE bundle_id IS NULL GROUP BY hub ORDER BY min(priority), min(row)"
    ).fetchall()
    return tuple(Mailbox(hub) for (hub,) in rows)


def unsealed_count(connection: Connection, hub: Mailbox) -> int:
    """How many bundles for that hub the spool does not have."""
    ((count,),) = connection.execute(
        "SELECT count(*) FROM outbox WHERE hub = ? AND bundle_id IS NULL", (hub,)
    ).fetchall()
    return int(count)


def rows_of_case(connection: Connection, case_id: CaseId | None) -> tuple[OutboxRow, ...]:
    """Every bundle ever queued, of one case or of all, oldest first."""
    if case_id is None:
        return _rows(connection, "ORDER BY row", ())
    return _rows(connection, "WHERE case_id = ? ORDER BY row", (case_id,))


def rows_from(connection: Connection, rows: Sequence[int]) -> tuple[OutboxRow, ...]:
    """The bundles with these numbers, in their order."""
    return tuple(each for row in rows for each in _rows(connection, "WHERE row = ?", (row,)))


def has_gone(connection: Connection, _: Pseudonym, bundle_id: BundleId) -> bool:
    """Whether it is known here what a bundle holds."""
    return bool(rows_sealed_as(connection, bundle_id))


def rows_sealed_as(
    connection: Connection, bundle_id: BundleId, hub: Mailbox | None = None
) -> tuple[OutboxRow, ...]:
    """The bundle that has this id, and is for that hub if one is named: none, or one."""
    if hub is None:
        return _rows(connection, "WHERE bundle_id = ? ORDER BY row LIMIT 1", (bundle_id,))
    return _rows(connection, "WHERE bundle_id = ? AND hub = ? ORDER BY row LIMIT 1", (bundle_id, hub))


def entries_of(connection: Connection, row: int) -> EntryBundle:
    """What a bundle of entries holds."""
    ids = connection.execute(
        "SELECT entry_id FROM outbox_entry WHERE outbox_row = ? ORDER BY position", (row,)
    ).fetchall()
    return EntryBundle(read_signed(connection, [EntryId(each[0]) for each in ids]))


def mark_sealed(connection: Connection, row: int, bundle_id: BundleId) -> None:
    """The spool has it; the first id stays."""
    connection.execute(
        "UPDATE outbox SET bundle_id = ? WHERE row = ? AND bundle_id IS NULL", (bundle_id, row)
    )


def queue_again(connection: Connection, hub: Mailbox) -> None:
    """Everything that was ever queued for it is to be sealed and sent once more, as to a hub that has
    nothing; of an erased case there is only the tombstone."""
    connection.execute(f"UPDATE outbox SET bundle_id = NULL WHERE hub = ? AND {_NOT_ERASED}", (hub,))


def given_to_custody(connection: Connection, hub: Mailbox) -> tuple[BundleId, ...]:
    """Whatever was sealed for it and could be sealed again, in the order in which it was written."""
    rows = connection.execute(
        f"SELECT bundle_id FROM outbox WHERE hub = ? AND bundle_id IS NOT NULL AND {_NOT_ERASED}"
        " ORDER BY row",
        (hub,),
    ).fetchall()
    return tuple(BundleId(bundle_id) for (bundle_id,) in rows)


def queue_lost(connection: Connection, hub: Mailbox, lost: Sequence[BundleId]) -> None:
    """These are to be sealed once more: custody has lost them."""
    connection.executemany(
        "UPDATE outbox SET bundle_id = NULL WHERE hub = ? AND bundle_id = ?",
        [(hub, bundle_id) for bundle_id in lost],
    )


def _entries_size_bytes(entries: Sequence[SignedEntry]) -> int:
    return enveloped_size_bytes(EntryBundle(tuple(entries)))


def _queue(connection: Connection, values: tuple[object, ...]) -> int:
    added = connection.execute(
        "INSERT INTO outbox (case_id, hub, what, priority, rank, layer, blob, micro_id, size_bytes, queued_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    row = added.lastrowid
    assert row is not None
    return row


def _rows(connection: Connection, condition: str, parameters: tuple[object, ...]) -> tuple[OutboxRow, ...]:
    rows = connection.execute(
        "SELECT row, case_id, hub, what, priority, rank, layer, blob, micro_id, size_bytes, queued_s,"
        " bundle_id FROM outbox " + condition,
        parameters,
    ).fetchall()
    return tuple(_row(*each) for each in rows)


def _row(
    row: int,
    case_id: bytes,
    hub: bytes,
    what: str,
    priority: int,
    rank: int,
    layer: int | None,
    blob: bytes | None,
    micro_id: bytes | None,
    size_bytes: int,
    queued_s: int,
    bundle_id: bytes | None,
) -> OutboxRow:
    return OutboxRow(
        row=row,
        case_id=CaseId(case_id),
        hub=Mailbox(hub),
        what=what,
        priority=Priority(priority),
        rank=Rank(rank),
        layer=None if layer is None else Layer(layer),
        blob=blob,
        micro_id=micro_id,
        size_bytes=size_bytes,
        queued_s=queued_s,
        bundle_id=None if bundle_id is None else BundleId(bundle_id),
    )
