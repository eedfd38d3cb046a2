"""Rows of entries, and of those that wait until their case or author is known."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.case_keys import Slot
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ids import CaseId, EntryId, KeyId
from sync.stores.case_keys import key_of, open_row, open_with, seal_row
from sync.stores.connection import Connection
from sync.stores.erasures import tombstone_with
from sync.stores.errors import StoreDamaged


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """One entry as it came, with the moment it became durable here."""

    number: int
    """Grows in order of arrival: "what you had seen" is everything up to one number."""
    signed: SignedEntry
    received_s: float


def has_entry(connection: Connection, entry_id: EntryId) -> bool:
    return connection.execute("SELECT 1 FROM entries WHERE entry_id = ?", (entry_id,)).fetchone() is not None


def add_entry(
    connection: Connection,
    signed: SignedEntry,
    *,
    case_id: CaseId,
    signer: KeyId,
    author: bytes,
    now_s: float,
) -> None:
    """Idempotent: an entry is its content."""
    connection.execute(
        "INSERT INTO entries (entry_id, case_id, signer, author, payload, signature, received_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entry_id) DO NOTHING",
        (
            signed.entry_id,
            case_id,
            signer,
            author,
            seal_row(connection, case_id, Slot.ENTRY, signed.entry_id, signed.payload),
            signed.signature,
            now_s,
        ),
    )


def refuse_entries(connection: Connection, case_id: CaseId, reason: str) -> tuple[EntryId, ...]:
    """None of those of the case that are here stands after all; their bytes stay, with the reason, and go
    where they were meant to."""
    rows = connection.execute(
        "UPDATE entries SET refused = ? WHERE case_id = ? AND refused = '' RETURNING entry_id",
        (reason, case_id),
    ).fetchall()
    return tuple(EntryId(entry_id) for (entry_id,) in rows)


def entries_of_case(connection: Connection, case_id: CaseId) -> tuple[StoredEntry, ...]:
    """Those that stand, in order of arrival. `CaseErased`, or `StoreDamaged` when a payload is not the one
    that was stored."""
    rows = connection.execute(
        "SELECT number, entry_id, payload, signature, received_s FROM entries"
        " WHERE case_id = ? AND refused = '' ORDER BY number",
        (case_id,),
    ).fetchall()
    if not rows:
        return ()
    key = key_of(connection, case_id)
    return tuple(
        _checked(number, entry_id, open_with(key, Slot.ENTRY, entry_id, payload), signature, received_s)
        for number, entry_id, payload, signature, received_s in rows
    )


def entry_by_id(connection: Connection, entry_id: EntryId) -> StoredEntry:
    """One that is known to be here; of an erased case, only its tombstone."""
    number, case_id, payload, signature, received_s = connection.execute(
        "SELECT number, case_id, payload, signature, received_s FROM entries WHERE entry_id = ?", (entry_id,)
    ).fetchone()
    if (tombstone := tombstone_with(connection, entry_id)) is not None:
        return StoredEntry(number=number, signed=tombstone, received_s=received_s)
    payload = open_row(connection, CaseId(case_id), Slot.ENTRY, entry_id, payload)
    return _checked(number, entry_id, payload, signature, received_s)


def _checked(
    number: int, entry_id: bytes, payload: bytes, signature: bytes, received_s: float
) -> StoredEntry:
    """The id is the hash of the payload, so that a flipped bit cannot pass for what somebody wrote."""
    signed = SignedEntry(payload, signature)
    if signed.entry_id != entry_id:
        raise StoreDamaged(
            f"Entry {number} in hub.db is damaged. Nothing was changed. Restore hub.db from a backup; the "
            "sites "
            "send again what it lacks."
        )
    return StoredEntry(number=number, signed=signed, received_s=received_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEntry:
    """An entry with a true signature that cannot be judged yet."""

    number: int
    pair: int
    signed: SignedEntry
    priority: Priority
    received_s: float


def hold_entry(
    connection: Connection,
    signed: SignedEntry,
    *,
    pair: int,
    case_id: CaseId,
    signer: KeyId,
    priority: Priority,
    reason: str,
    now_s: float,
) -> None:
    """Idempotent."""
    connection.execute(
        "INSERT INTO held_entries (entry_id, pair, case_id, signer, payload, signature, priority, reason, "
        "received_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entry_id) DO NOTHING",
        (
            signed.entry_id,
            pair,
            case_id,
            signer,
            seal_row(connection, case_id, Slot.WAITING, signed.entry_id, signed.payload),
            signed.signature,
            priority,
            reason,
            now_s,
        ),
    )


def held_count(connection: Connection, pair: int) -> int:
    ((count,),) = connection.execute("SELECT count(*) FROM held_entries WHERE pair = ?", (pair,)).fetchall()
    return int(count)


def held_for(connection: Connection, *, case_id: CaseId, signer: KeyId) -> tuple[HeldEntry, ...]:
    """Those that news of this case or from this signer may have made judgeable, oldest first; one that the
    disk has damaged is left out, and stops nothing."""
    rows = connection.execute(
        "SELECT number, pair, case_id, entry_id, payload, signature, priority, received_s FROM held_entries"
        " WHERE case_id = ? OR signer = ? ORDER BY number",
        (case_id, signer),
    ).fetchall()
    found = []
    for number, pair, held_case, entry_id, sealed, signature, priority, received_s in rows:
        try:
            payload = open_row(connection, CaseId(held_case), Slot.WAITING, entry_id, sealed)
        except StoreDamaged:
            keep_holding(connection, number, "its bytes were damaged on the hub's disk")
            continue
        found.append(
            HeldEntry(
                number=number,
                pair=pair,
                signed=SignedEntry(payload, signature),
                priority=Priority(priority),
                received_s=received_s,
            )
        )
    return tuple(found)


def keep_holding(connection: Connection, number: int, reason: str) -> None:
    """It was judged and refused: kept aside, so that nothing that somebody wrote is lost."""
    connection.execute("UPDATE held_entries SET reason = ? WHERE number = ?", (reason, number))


def all_held(connection: Connection, limit: int) -> tuple[tuple[str, bytes, str, float], ...]:
    """(site, entry id, reason, since when) of what waits, newest first."""
    rows = connection.execute(
        "SELECT s.name, h.entry_id, h.reason, h.received_s FROM held_entries h"
        " JOIN pairs p ON p.number = h.pair JOIN sites s ON s.mailbox = p.site ORDER BY h.number DESC "
        "LIMIT ?",
        (limit,),
    ).fetchall()
    return tuple((site, entry_id, reason, received_s) for site, entry_id, reason, received_s in rows)


def release_entry(connection: Connection, number: int) -> None:
    """It was judged."""
    connection.execute("DELETE FROM held_entries WHERE number = ?", (number,))


def held_of_case(connection: Connection, case_id: CaseId) -> int:
    ((count,),) = connection.execute(
        "SELECT count(*) FROM held_entries WHERE case_id = ?", (case_id,)
    ).fetchall()
    return int(count)
