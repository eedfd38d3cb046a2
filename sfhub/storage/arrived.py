"""Rows that say which entry or layer came in which bundle: what a site that lost the bundle is given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.clinical import Layer
from protocol.ids import ENTRY_ID_BYTES, BundleId, CaseId, EntryId, Pseudonym
from sync.stores.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedEntryRow:
    case_id: CaseId
    entry_id: EntryId


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedLayerRow:
    case_id: CaseId
    layer: Layer
    blob: bytes


def note_entries(
    connection: Connection, pair: int, bundle_id: BundleId, entries: Sequence[ArrivedEntryRow]
) -> None:
    """In the transaction that applies them; idempotent."""
    connection.executemany(
        "INSERT INTO arrived (pair, bundle_id, case_id, entry_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(pair, bundle_id, entry.case_id, entry.entry_id) for entry in entries],
    )


def note_announced(
    connection: Connection, pair: int, bundle_id: BundleId, case_id: CaseId, covers: bytes
) -> None:
    """The same for a provisional record: what nobody signed cannot be given back, but the entry that it went
    ahead of can. `covers` is the start of that entry's id."""
    connection.execute(
        "INSERT INTO arrived (pair, bundle_id, case_id, entry_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (pair, bundle_id, case_id, covers),
    )


def note_layer(connection: Connection, pair: int, bundle_id: BundleId, layer: ArrivedLayerRow) -> None:
    """The same for a picture."""
    connection.execute(
        "INSERT INTO arrived (pair, bundle_id, case_id, layer, blob) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (pair, bundle_id, layer.case_id, layer.layer, layer.blob),
    )


def has_come(connection: Connection, pseudonym: Pseudonym, bundle_id: BundleId) -> bool:
    """Whether anything of this bundle was kept, or put aside with its reason."""
    found = connection.execute(
        "SELECT 1 FROM arrived JOIN pairs ON arrived.pair = pairs.number"
        " WHERE pseudonym = ?1 AND bundle_id = ?2"
        " UNION ALL SELECT 1 FROM quarantine JOIN pairs ON quarantine.pair = pairs.number"
        " WHERE pseudonym = ?1 AND bundle_id = ?2",
        (pseudonym, bundle_id),
    ).fetchone()
    return found is not None


def came_in(
    connection: Connection, pair: int, bundle_id: BundleId
) -> tuple[ArrivedEntryRow | ArrivedLayerRow, ...]:
    """What this bundle brought that stands here and can be read; of erased cases nothing can."""
    rows = connection.execute(
        "SELECT case_id, entry_id, layer, blob FROM arrived WHERE pair = ? AND bundle_id = ?"
        " AND case_id NOT IN (SELECT case_id FROM erased_case)",
        (pair, bundle_id),
    ).fetchall()
    found: list[ArrivedEntryRow | ArrivedLayerRow] = []
    for case_id, start, layer, blob in rows:
        if blob:
            found.append(ArrivedLayerRow(case_id=CaseId(case_id), layer=Layer(layer), blob=blob))
        elif (entry_id := _entry_starting(connection, case_id, start)) is not None:
            found.append(ArrivedEntryRow(case_id=CaseId(case_id), entry_id=entry_id))
    return tuple(found)


def _entry_starting(connection: Connection, case_id: bytes, start: bytes) -> EntryId | None:
    """The entry of the case whose id starts so, if it is here and can be read."""
    row = connection.execute(
        "SELECT entry_id FROM entries WHERE entry_id BETWEEN ? AND ? AND case_id = ? AND payload <> x''",
        (start, start.ljust(ENTRY_ID_BYTES, b"\xff"), case_id),
    ).fetchone()
    return None if row is None else EntryId(row[0])
