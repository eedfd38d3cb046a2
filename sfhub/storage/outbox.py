"""Rows of entries on their way to a site: written here, sealed into custody, stored there."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.header import Priority
from protocol.ids import BundleId, CaseId, EntryId, Mailbox
from sync.stores.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One entry of ours for one site."""

    number: int
    pair: int
    case_id: CaseId
    entry_id: EntryId
    headline: bool
    """Not the entry itself, but the reply headline made of it."""
    what: str
    """For people: "reply", "first orders", "immediate advice", "case seen"."""
    priority: Priority
    written_s: float
    bundle_id: BundleId
    size_bytes: int
    """Sealed; 0 until it is."""
    sealed_s: float
    stored_s: float


_COLUMNS = (
    "number, pair, case_id, entry_id, headline, what, priority, written_s, bundle_id, size_bytes, sealed_s,"
    " stored_s"
)


def add_to_outbox(
    connection: Connection,
    *,
    pair: int,
    case_id: CaseId,
    entry_id: EntryId,
    what: str,
    priority: Priority,
    now_s: float,
    headline: bool = False,
) -> None:
    """In the transaction that saves the entry, so that nothing is saved and never sent."""
    connection.execute(
        "INSERT INTO outbox (pair, case_id, entry_id, headline, what, priority, written_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pair, entry_id, headline) DO NOTHING",
        (pair, case_id, entry_id, headline, what, priority, now_s),
    )


def unsealed(connection: Connection, limit: int) -> tuple[OutboxRow, ...]:
    """Oldest of the most urgent first; what was for a revoked device waits for the site's next one."""
    return _rows(
        connection,
        f"SELECT {_COLUMNS} FROM outbox WHERE sealed_s = 0"
        " AND pair NOT IN (SELECT number FROM pairs WHERE revoked_s > 0) ORDER BY priority, number LIMIT ?",
        limit,
    )


def outbox_of_case(connection: Connection, case_id: CaseId) -> tuple[OutboxRow, ...]:
    return _rows(connection, f"SELECT {_COLUMNS} FROM outbox WHERE case_id = ? ORDER BY number", case_id)


def not_stored(connection: Connection, pair: int, limit: int) -> tuple[OutboxRow, ...]:
    """Sealed for this pair, and not known to be at the site."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM outbox WHERE pair = ? AND sealed_s > 0 AND stored_s = 0 ORDER BY number "
        "LIMIT ?",
        (pair, limit),
    ).fetchall()
    return tuple(_row(*row) for row in rows)


def sent_as(connection: Connection, pair: int, bundle_id: BundleId) -> OutboxRow | None:
    """What a bundle for this pair holds."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM outbox WHERE pair = ? AND bundle_id = ?", (pair, bundle_id)
    ).fetchall()
    return _row(*rows[0]) if rows else None


def mark_unopened(connection: Connection, number: int) -> None:
    """The site holds it and cannot open it: it counts as not there."""
    connection.execute("UPDATE outbox SET stored_s = 0 WHERE number = ?", (number,))


def unsent_count(connection: Connection) -> int:
    ((count,),) = connection.execute("SELECT count(*) FROM outbox WHERE stored_s = 0").fetchall()
    return int(count)


def mark_sealed(
    connection: Connection, number: int, *, bundle_id: BundleId, size_bytes: int, now_s: float
) -> None:
    connection.execute(
        "UPDATE outbox SET bundle_id = ?, size_bytes = ?, sealed_s = ? WHERE number = ?",
        (bundle_id, size_bytes, now_s, number),
    )


def mark_stored(connection: Connection, number: int, now_s: float) -> None:
    """The site has said so; the first time counts."""
    connection.execute(
        "UPDATE outbox SET stored_s = ? WHERE number = ? AND stored_s = 0",
        (now_s, number),
    )


def readdress(connection: Connection, site: Mailbox, pair: int) -> None:
    """What no earlier device of `site` is known to hold goes to its new one."""
    former = (
        "FROM outbox WHERE stored_s = 0 AND pair <> ? AND pair IN (SELECT number FROM pairs WHERE site = ?)"
    )
    connection.execute(
        "INSERT INTO outbox (pair, case_id, entry_id, headline, what, priority, written_s)"
        f" SELECT ?, case_id, entry_id, headline, what, priority, written_s {former} ON CONFLICT DO NOTHING",
        (pair, pair, site),
    )
    connection.execute(f"DELETE {former}", (pair, site))


def _rows(connection: Connection, sql: str, argument: int | bytes) -> tuple[OutboxRow, ...]:
    return tuple(_row(*row) for row in connection.execute(sql, (argument,)).fetchall())


def _row(
    number: int,
    pair: int,
    case_id: bytes,
    entry_id: bytes,
    headline: int,
    what: str,
    priority: int,
    written_s: float,
    bundle_id: bytes,
    size_bytes: int,
    sealed_s: float,
    stored_s: float,
) -> OutboxRow:
    return OutboxRow(
        number=number,
        pair=pair,
        case_id=CaseId(case_id),
        entry_id=EntryId(entry_id),
        headline=bool(headline),
        what=what,
        priority=Priority(priority),
        written_s=written_s,
        bundle_id=BundleId(bundle_id),
        size_bytes=size_bytes,
        sealed_s=sealed_s,
        stored_s=stored_s,
    )
