"""Rows of entries on their way to a site: written here, sealed into custody, stored there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.clinical import Layer
from protocol.header import Priority
from protocol.ids import BundleId, CaseId, EntryId, Mailbox, Pseudonym
from sync.stores.connection import Connection

GIVEN_BACK: Final = "given back"
"""What an entry or picture is called that its site once had and has lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One entry of ours for one site."""

    number: int
    pair: int
    case_id: CaseId
    entry_id: EntryId
    headline: bool
    """Not the entry itself, but the reply headline made of it."""
    layer: Layer | None
    """Not an entry, but a picture that the site has lost: this one, called `blob`."""
    blob: bytes
    what: str
    """For people: "reply", "first orders", "immediate advice", "case seen", `GIVEN_BACK`."""
    priority: Priority
    written_s: float
    bundle_id: BundleId
    size_bytes: int
    """Sealed; 0 until it is."""
    sealed_s: float
    stored_s: float


_COLUMNS = (
    "number, pair, case_id, entry_id, headline, layer, blob, what, priority, written_s, bundle_id,"
    " size_bytes, sealed_s, stored_s"
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
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (pair, case_id, entry_id, headline, what, priority, now_s),
    )


def give_back_entry(
    connection: Connection, *, pair: int, case_id: CaseId, entry_id: EntryId, priority: Priority, now_s: float
) -> None:
    """An entry that the site has lost goes out, whoever wrote it; what is on its way is not queued twice."""
    # Custody sends again what it sent. Of what the site once gave back it has nothing.
    connection.execute(
        "UPDATE outbox SET sealed_s = 0, stored_s = 0"
        " WHERE pair = ? AND case_id = ? AND entry_id = ? AND bundle_id = x'' AND sealed_s > 0",
        (pair, case_id, entry_id),
    )
    add_to_outbox(
        connection,
        pair=pair,
        case_id=case_id,
        entry_id=entry_id,
        what=GIVEN_BACK,
        priority=priority,
        now_s=now_s,
    )


def give_back_layer(
    connection: Connection,
    *,
    pair: int,
    case_id: CaseId,
    layer: Layer,
    blob: bytes,
    priority: Priority,
    now_s: float,
) -> None:
    """The same for a picture."""
    connection.execute(
        "INSERT INTO outbox (pair, case_id, entry_id, layer, blob, what, priority, written_s)"
        " VALUES (?, ?, x'', ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (pair, case_id, layer, blob, GIVEN_BACK, priority, now_s),
    )


def add_held_at_site(
    connection: Connection,
    *,
    pair: int,
    case_id: CaseId,
    entry_id: EntryId,
    what: str,
    priority: Priority,
    now_s: float,
) -> None:
    """An entry of ours that this hub had lost and its site has given back: it is there."""
    connection.execute(
        "INSERT INTO outbox (pair, case_id, entry_id, what, priority, written_s, sealed_s, stored_s)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?6) ON CONFLICT DO NOTHING",
        (pair, case_id, entry_id, what, priority, now_s),
    )


def cases_waiting(connection: Connection, pair: int) -> tuple[CaseId, ...]:
    """Cases of which something is on its way to this device."""
    rows = connection.execute("SELECT DISTINCT case_id FROM outbox WHERE pair = ?", (pair,)).fetchall()
    return tuple(CaseId(case_id) for (case_id,) in rows)


def drop_row(connection: Connection, number: int) -> None:
    """What it stood for cannot be read any more."""
    connection.execute("DELETE FROM outbox WHERE number = ?", (number,))


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


def has_gone(connection: Connection, pseudonym: Pseudonym, bundle_id: BundleId) -> bool:
    """Whether it is known here what a bundle for this pair holds."""
    found = connection.execute(
        "SELECT 1 FROM outbox JOIN pairs ON outbox.pair = pairs.number WHERE pseudonym = ? AND bundle_id = ?",
        (pseudonym, bundle_id),
    ).fetchone()
    return found is not None


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
    """What no earlier device of `site` is known to hold goes to its new one; that a case was erased means
    nothing to a device that never had it."""
    former = (
        "FROM outbox WHERE stored_s = 0 AND pair <> ? AND pair IN (SELECT number FROM pairs WHERE site = ?)"
    )
    connection.execute(
        f"DELETE {former} AND case_id IN (SELECT case_id FROM erased_case)"
        " AND (SELECT signing_key FROM pairs WHERE number = ?)"
        " NOT IN (SELECT signing_key FROM pairs WHERE site = ? AND number <> ?)",
        (pair, site, pair, site, pair),
    )
    connection.execute(
        "INSERT INTO outbox (pair, case_id, entry_id, headline, layer, blob, what, priority, written_s)"
        " SELECT ?, case_id, entry_id, headline, layer, blob, what, priority, written_s"
        f" {former} ON CONFLICT DO NOTHING",
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
    layer: int,
    blob: bytes,
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
        layer=Layer(layer) if blob else None,
        blob=blob,
        what=what,
        priority=Priority(priority),
        written_s=written_s,
        bundle_id=BundleId(bundle_id),
        size_bytes=size_bytes,
        sealed_s=sealed_s,
        stored_s=stored_s,
    )
