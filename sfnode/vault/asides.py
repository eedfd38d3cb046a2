"""What was received and may not stand, kept aside with its reason: some of it can stand once other entries
have come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.case_keys import NO_CASE, Slot
from protocol.entry import SignedEntry
from protocol.ids import CaseId, EntryId, Mailbox
from sfnode.domain.moments import Moment
from sync.stores.case_keys import open_row, seal_row
from sync.stores.connection import Connection
from sync.stores.errors import StoreDamaged

from .moments import moment_of_row, moment_row

ASIDE_MAX: Final = 1_000
"""Entries kept aside of one hub; beyond it its oldest go, for a hub that sends only refused ones must not
fill the disk, nor push out what another has sent."""
_DAMAGED: Final = "its bytes were damaged on this machine's disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    hub: Mailbox
    """Which hub it came from."""
    signed: SignedEntry
    reason: str
    first_seen: Moment


def put_aside(
    connection: Connection,
    signed: SignedEntry,
    reason: str,
    *,
    hub: Mailbox,
    case_id: CaseId = NO_CASE,
    retry: bool,
    first_seen: Moment,
) -> None:
    """Keep an entry that may not stand, with the case that it names; seen again, its first moment stays and
    the reason is the latest."""
    sealed = seal_row(connection, case_id, Slot.WAITING, signed.entry_id, signed.payload)
    connection.execute(
        "INSERT INTO aside"
        " (hub, entry_id, case_id, payload, signature, reason, retry, boot, monotonic_s, wall_s, certainty)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (entry_id, hub) DO UPDATE SET reason = excluded.reason, retry = excluded.retry",
        (hub, signed.entry_id, case_id, sealed, signed.signature, reason, retry, *moment_row(first_seen)),
    )
    dropped = connection.execute(
        "DELETE FROM aside WHERE hub = ?1 AND row <="
        " (SELECT row FROM aside WHERE hub = ?1 ORDER BY row DESC LIMIT 1 OFFSET ?2) RETURNING case_id",
        (hub, ASIDE_MAX),
    ).fetchall()
    for (former,) in dropped:
        _drop_idle_key(connection, former)


def waiting(connection: Connection) -> tuple[Aside, ...]:
    """Entries that may stand later, oldest first; one that the disk has damaged waits no longer, and stops
    nothing."""
    rows = connection.execute(
        "SELECT row, hub, case_id, entry_id, payload, signature, reason, boot, monotonic_s, wall_s, certainty"
        " FROM aside WHERE retry = 1 ORDER BY row"
    ).fetchall()
    found = []
    for row, hub, case_id, entry_id, sealed, signature, reason, *moment in rows:
        try:
            payload = open_row(connection, CaseId(case_id), Slot.WAITING, entry_id, sealed)
        except StoreDamaged:
            connection.execute("UPDATE aside SET retry = 0, reason = ? WHERE row = ?", (_DAMAGED, row))
            continue
        signed = SignedEntry(payload, signature)
        found.append(Aside(hub=Mailbox(hub), signed=signed, reason=reason, first_seen=moment_of_row(*moment)))
    return tuple(found)


def take_back(connection: Connection, entry_id: EntryId) -> None:
    """It stands now, whoever else has sent it."""
    connection.execute("DELETE FROM aside WHERE entry_id = ?", (entry_id,))


def newest(connection: Connection, limit: int) -> tuple[tuple[EntryId, str], ...]:
    """Ids and reasons for people, newest first."""
    rows = connection.execute(
        "SELECT entry_id, reason FROM aside ORDER BY row DESC LIMIT ?", (limit,)
    ).fetchall()
    return tuple((EntryId(entry_id), reason) for entry_id, reason in rows)


def aside_count(connection: Connection, hub: Mailbox) -> int:
    """How many entries of this hub's are kept aside."""
    ((count,),) = connection.execute("SELECT count(*) FROM aside WHERE hub = ?", (hub,)).fetchall()
    return int(count)


def _drop_idle_key(connection: Connection, case_id: bytes) -> None:
    """The key of a case of which nothing else is here: keys must not pile up behind refused entries."""
    connection.execute(
        "DELETE FROM case_key WHERE case_id = ?1 AND NOT EXISTS (SELECT 1 FROM case_file WHERE case_id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM aside WHERE case_id = ?1)",
        (case_id,),
    )
