"""Rows of clinicians and of their sign-ins; of a token only its hash is kept."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.actors import Actor, Role
from protocol.ids import ActorId
from sync.stores.connection import Connection


@dataclass(frozen=True, slots=True)
class Clinician:
    """A person at the hub."""

    actor: ActorId
    name: str
    role: Role

    @property
    def introduction(self) -> Actor:
        """The record that goes with all they write."""
        return Actor(name=self.name, role=self.role)

    @property
    def may_prescribe(self) -> bool:
        return self.role is Role.SPECIALIST


def add_clinician(connection: Connection, clinician: Clinician, now_s: float) -> bool:
    """False when the name is taken; then nothing was changed."""
    cursor = connection.execute(
        "INSERT INTO clinicians (actor, name, role, added_s) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO "
        "NOTHING",
        (clinician.actor, clinician.name, clinician.role, now_s),
    )
    return cursor.rowcount == 1


def all_clinicians(connection: Connection) -> tuple[Clinician, ...]:
    rows = connection.execute("SELECT actor, name, role FROM clinicians ORDER BY name").fetchall()
    return tuple(Clinician(ActorId(actor), name, Role(role)) for actor, name, role in rows)


def add_token(connection: Connection, digest: bytes, clinician: ActorId, expires_s: float) -> None:
    connection.execute(
        "INSERT INTO one_time_tokens (digest, clinician, expires_s) VALUES (?, ?, ?)",
        (digest, clinician, expires_s),
    )


def burn_token(connection: Connection, digest: bytes, now_s: float) -> ActorId | None:
    """Whose token it was, if it was good; it never is again. Tokens that ran out go with it."""
    rows = connection.execute(
        "DELETE FROM one_time_tokens WHERE digest = ? AND expires_s > ? RETURNING clinician", (digest, now_s)
    ).fetchall()
    connection.execute("DELETE FROM one_time_tokens WHERE expires_s <= ?", (now_s,))
    return ActorId(rows[0][0]) if rows else None


def add_session(connection: Connection, digest: bytes, clinician: ActorId, expires_s: float) -> None:
    connection.execute(
        "INSERT INTO sessions (digest, clinician, expires_s) VALUES (?, ?, ?)", (digest, clinician, expires_s)
    )


def session_owner(connection: Connection, digest: bytes, now_s: float) -> Clinician | None:
    row = connection.execute(
        "SELECT c.actor, c.name, c.role FROM sessions s JOIN clinicians c ON c.actor = s.clinician"
        " WHERE s.digest = ? AND s.expires_s > ?",
        (digest, now_s),
    ).fetchone()
    return None if row is None else Clinician(ActorId(row[0]), row[1], Role(row[2]))


def end_session(connection: Connection, digest: bytes, now_s: float) -> None:
    """Idempotent; sessions that ran out go with it."""
    connection.execute("DELETE FROM sessions WHERE digest = ? OR expires_s <= ?", (digest, now_s))


def end_all_sessions(connection: Connection) -> None:
    """Everybody signs in anew."""
    connection.execute("DELETE FROM sessions")
    connection.execute("DELETE FROM one_time_tokens")
