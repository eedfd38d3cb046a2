"""What happened to custody that people have to be told of: each fact once, in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .connection import Connection


class IncidentKind(StrEnum):
    """What sort of thing happened; the value is stored and never changes its meaning."""

    RENEWED = "renewed"
    """This store began a new incarnation because of what the peer holds; the subject is its name."""
    RESTORED = "restored"
    """It did, since its database has less than it had: a backup was restored. The subject is the new name."""
    MOVED = "moved"
    """It did, since its database lies elsewhere than it did, or may: it was moved or copied. As above."""
    UNGUARDED = "unguarded"
    """Neither could be noticed here, since the note of its identity cannot be kept. No subject."""
    PRUNED_LOST = "pruned and lost"
    """The peer has lost a bundle of ours whose bytes were dropped here because it was safe there: it has to
    be sealed again. The subject is the bundle."""
    UNAPPLIED = "unapplied"
    """What was taken out of custody is not in the database that it was taken for, which was restored alone:
    the peer sends it again. No subject."""
    FORKED = "forked"
    """The peer used one number for two bundles: it was copied or restored. The subject is the second one."""
    REFUSED = "refused"
    """The peer will not take a bundle of ours as sealed."""
    REKEY = "rekey"
    """The peer holds a bundle of ours that it cannot open: it is sealed again."""
    QUARANTINED = "quarantined"
    """A received bundle cannot be opened."""
    DAMAGED = "damaged"
    """Sealed bytes were damaged on our disk; received ones are fetched again, ours must be sealed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One fact for the operator."""

    row: int
    kind: IncidentKind
    subject: bytes
    """The bundle or incarnation it is about."""
    reason: str


def report(connection: Connection, pair: int, kind: IncidentKind, subject: bytes, reason: str) -> None:
    """Note a fact; one that is known already is not noted again."""
    connection.execute(
        "INSERT INTO incident (pair, kind, subject, reason) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (pair, kind.value, subject, reason),
    )


def after(connection: Connection, pair: int, row: int, limit: int) -> tuple[Incident, ...]:
    """Facts newer than `row`, oldest first."""
    rows = connection.execute(
        "SELECT incident, kind, subject, reason FROM incident WHERE pair = ? AND incident > ?"
        " ORDER BY incident LIMIT ?",
        (pair, row, limit),
    )
    return tuple(
        Incident(row=number, kind=IncidentKind(kind), subject=subject, reason=reason)
        for number, kind, subject, reason in rows
    )
