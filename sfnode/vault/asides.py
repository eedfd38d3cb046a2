"""What was received and may not stand, kept aside with its reason: some of it can stand once other entries
have come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.entry import SignedEntry
from protocol.ids import EntryId
from sfnode.domain.moments import Moment
from sync.stores.connection import Connection

from .entries import moment_of_row, moment_row

ASIDE_MAX: Final = 1_000
"""Entries kept aside; beyond it the oldest go, for a hub that sends only refused ones must not fill the
disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    signed: SignedEntry
    reason: str
    first_seen: Moment


def put_aside(
    connection: Connection, signed: SignedEntry, reason: str, *, retry: bool, first_seen: Moment
) -> None:
    """Keep an entry that may not stand; seen again, its first moment stays and the reason is the latest."""
    connection.execute(
        "INSERT INTO aside"
        " (entry_id, payload, signature, reason, retry, boot, monotonic_s, wall_s, certainty)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (entry_id) DO UPDATE SET reason = excluded.reason, retry = excluded.retry",
        (signed.entry_id, signed.payload, signed.signature, reason, retry, *moment_row(first_seen)),
    )
    connection.execute(
        "DELETE FROM aside WHERE row <= (SELECT row FROM aside ORDER BY row DESC LIMIT 1 OFFSET ?)",
        (ASIDE_MAX,),
    )


def waiting(connection: Connection) -> tuple[Aside, ...]:
    """Entries that may stand later, oldest first."""
    rows = connection.execute(
        "SELECT payload, signature, reason, boot, monotonic_s, wall_s, certainty"
        " FROM aside WHERE retry = 1 ORDER BY row"
    ).fetchall()
    return tuple(
        Aside(signed=SignedEntry(payload, signature), reason=reason, first_seen=moment_of_row(*moment))
        for payload, signature, reason, *moment in rows
    )


def take_back(connection: Connection, entry_id: EntryId) -> None:
    """It stands now."""
    connection.execute("DELETE FROM aside WHERE entry_id = ?", (entry_id,))


def newest(connection: Connection, limit: int) -> tuple[tuple[EntryId, str], ...]:
    """Ids and reasons for people, newest first."""
    rows = connection.execute(
        "SELECT entry_id, reason FROM aside ORDER BY row DESC LIMIT ?", (limit,)
    ).fetchall()
    return tuple((EntryId(entry_id), reason) for entry_id, reason in rows)
