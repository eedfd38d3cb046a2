"""Erased cases: the destruction of a key, and the little that stays known of the case.

Law: tombstone and destruction are one transaction; what then lies in other files is dealt with until nothing
is left, also across restarts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.entry import SignedEntry
from protocol.ids import CaseId, EntryId

from .case_keys import destroy_key
from .connection import Connection

LATE_COUNT_MAX: Final = 1_000_000
"""Beyond it "more than a million came later" is as good as any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Who erased a case, when and why. None of it is clinical."""

    case_id: CaseId
    erased_s: int
    erased_by: str
    reason: str
    tombstone: SignedEntry
    """Says so to the other side, which decides for itself."""
    late: int = 0
    """Entries and pictures that came later, of which only the ids were kept."""
    finished: bool = False
    """Whether every file that held something of it has been dealt with."""


_COLUMNS: Final = "case_id, erased_s, erased_by, reason, payload, signature, late, finished"


def erasure_of(connection: Connection, case_id: CaseId) -> Erasure | None:
    """None for a case that nobody has erased."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM erased_case WHERE case_id = ?", (case_id,)).fetchone()
    return None if row is None else _erasure(*row)


def all_erasures(connection: Connection) -> tuple[Erasure, ...]:
    """The latest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM erased_case ORDER BY erased_s DESC, case_id"
    ).fetchall()
    return tuple(_erasure(*row) for row in rows)


def is_erased(connection: Connection, case_id: CaseId) -> bool:
    found = connection.execute("SELECT 1 FROM erased_case WHERE case_id = ?", (case_id,)).fetchone()
    return found is not None


def tombstone_with(connection: Connection, entry_id: EntryId) -> SignedEntry | None:
    """The tombstone of that id, which no case key seals."""
    row = connection.execute(
        "SELECT payload, signature FROM erased_case WHERE entry_id = ?", (entry_id,)
    ).fetchone()
    return None if row is None else SignedEntry(*row)


def record_erasure(connection: Connection, erasure: Erasure) -> None:
    """Destroy the key and keep who did it; idempotent, the first word stays."""
    connection.execute(
        "INSERT INTO erased_case (case_id, erased_s, erased_by, reason, entry_id, payload, signature)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (case_id) DO NOTHING",
        (
            erasure.case_id,
            erasure.erased_s,
            erasure.erased_by,
            erasure.reason,
            erasure.tombstone.entry_id,
            erasure.tombstone.payload,
            erasure.tombstone.signature,
        ),
    )
    destroy_key(connection, erasure.case_id)


def count_late(connection: Connection, case_id: CaseId, count: int = 1) -> None:
    """Something of an erased case has come and was not kept."""
    connection.execute(
        "UPDATE erased_case SET late = min(late + ?, ?) WHERE case_id = ?", (count, LATE_COUNT_MAX, case_id)
    )


def mark_finished(connection: Connection, case_id: CaseId) -> None:
    """Nothing of it is left in any other file."""
    connection.execute("UPDATE erased_case SET finished = 1 WHERE case_id = ?", (case_id,))


def _erasure(
    case_id: bytes,
    erased_s: int,
    erased_by: str,
    reason: str,
    payload: bytes,
    signature: bytes,
    late: int,
    finished: int,
) -> Erasure:
    return Erasure(
        case_id=CaseId(case_id),
        erased_s=erased_s,
        erased_by=erased_by,
        reason=reason,
        tombstone=SignedEntry(payload, signature),
        late=late,
        finished=bool(finished),
    )
