"""Rows of enrolment codes: what is left of a code once it was printed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync.stores.connection import Connection


class CodeState(StrEnum):
    OPEN = "open"
    USED = "used"
    BURNT = "burnt"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCode:
    """One code as it is kept; `stretched_key` proves a request and tells nothing of the code."""

    number: int
    site_name: str
    hint: bytes
    stretched_key: bytes
    tries: int
    made_s: float
    expires_s: float
    state: CodeState
    request_digest: bytes
    answer: bytes

    def is_open(self, now_s: float) -> bool:
        return self.state is CodeState.OPEN and now_s < self.expires_s


def add_code(
    connection: Connection,
    *,
    site_name: str,
    hint: bytes,
    stretched_key: bytes,
    made_s: float,
    expires_s: float,
) -> None:
    connection.execute(
        "INSERT INTO enrolment_codes (site_name, hint, stretched_key, made_s, expires_s) VALUES (?, ?, ?, "
        "?, ?)",
        (site_name, hint, stretched_key, made_s, expires_s),
    )


def all_codes(connection: Connection) -> tuple[StoredCode, ...]:
    """Oldest first."""
    rows = connection.execute(
        "SELECT number, site_name, hint, stretched_key, tries, made_s, expires_s, state, request_digest, "
        "answer"
        " FROM enrolment_codes ORDER BY number"
    ).fetchall()
    return tuple(
        StoredCode(
            number=number,
            site_name=site_name,
            hint=hint,
            stretched_key=key,
            tries=tries,
            made_s=made_s,
            expires_s=expires_s,
            state=CodeState(state),
            request_digest=digest,
            answer=answer,
        )
        for number, site_name, hint, key, tries, made_s, expires_s, state, digest, answer in rows
    )


def count_wrong_try(connection: Connection, number: int, tries_max: int) -> None:
    """One try less; the last one burns the code."""
    connection.execute(
        "UPDATE enrolment_codes SET tries = tries + 1, state = iif(tries + 1 >= ?, 'burnt', state) WHERE "
        "number = ?",
        (tries_max, number),
    )


def mark_used(connection: Connection, number: int, *, request_digest: bytes, answer: bytes) -> None:
    """The code is spent; its answer is kept for the same request, sent again over a bad link."""
    connection.execute(
        "UPDATE enrolment_codes SET state = 'used', request_digest = ?, answer = ? WHERE number = ?",
        (request_digest, answer, number),
    )


def expire_open_codes(connection: Connection) -> None:
    """Nobody can tell any more which of them were used."""
    connection.execute("UPDATE enrolment_codes SET expires_s = made_s WHERE state = 'open'")


def forget_codes(connection: Connection, ended_before_s: float) -> None:
    """Drop what expired long ago."""
    connection.execute("DELETE FROM enrolment_codes WHERE expires_s < ?", (ended_before_s,))
