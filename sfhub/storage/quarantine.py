"""Rows of what was put aside, and of openings that ended the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.ids import BundleId, CaseId, Mailbox
from sync.stores.connection import Connection

REASON_LETTERS_MAX: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAside:
    """One bundle, or one entry of it, that could not be applied; its sealed bytes stay in custody."""

    number: int
    site_name: str
    bundle_id: bytes
    entry_id: bytes
    """Empty when the whole bundle is meant."""
    reason: str
    happened_s: float


def put_aside(
    connection: Connection,
    *,
    pair: int,
    bundle_id: BundleId,
    entry_id: bytes,
    reason: str,
    now_s: float,
    case_id: CaseId | None = None,
    base: bytes = b"",
) -> None:
    """Idempotent; the first reason counts. `case_id` is the case that it names, if that can be read; `base`
    the start of the id of the entry that it is a difference from, while all of it is asked for."""
    connection.execute(
        "INSERT INTO quarantine (pair, bundle_id, entry_id, case_id, base, reason, happened_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (bundle_id, pair, entry_id) DO UPDATE SET base = excluded.base",
        (pair, bundle_id, entry_id, case_id or b"", base, reason[:REASON_LETTERS_MAX], now_s),
    )


def asked_whole_count(connection: Connection, site: Mailbox) -> int:
    """Bundles of the site that are kept, of a case that cannot be told, until they come whole."""
    ((count,),) = connection.execute(
        "SELECT count(*) FROM quarantine q JOIN pairs p ON p.number = q.pair"
        " WHERE p.site = ? AND q.base <> x''",
        (site,),
    ).fetchall()
    return int(count)


def take_back(connection: Connection, pair: int, bundle_id: BundleId) -> None:
    """A bundle that could not be opened was sealed again and stands now."""
    connection.execute(
        "DELETE FROM quarantine WHERE pair = ? AND bundle_id = ? AND entry_id = x''", (pair, bundle_id)
    )


def all_put_aside(connection: Connection, limit: int) -> tuple[PutAside, ...]:
    """Newest first."""
    rows = connection.execute(
        "SELECT q.number, s.name, q.bundle_id, q.entry_id, q.reason, q.happened_s FROM quarantine q"
        " JOIN pairs p ON p.number = q.pair JOIN sites s ON s.mailbox = p.site ORDER BY q.number DESC "
        "LIMIT ?",
        (limit,),
    ).fetchall()
    return tuple(
        PutAside(
            number=number,
            site_name=site_name,
            bundle_id=bundle_id,
            entry_id=entry_id,
            reason=reason,
            happened_s=happened_s,
        )
        for number, site_name, bundle_id, entry_id, reason, happened_s in rows
    )


def put_aside_count(connection: Connection) -> int:
    ((count,),) = connection.execute("SELECT count(*) FROM quarantine").fetchall()
    return int(count)


def begin_opening(connection: Connection, pair: int, bundle_id: BundleId) -> int:
    """How many times it has been begun, this one included."""
    ((attempts,),) = connection.execute(
        "INSERT INTO openings (pair, bundle_id, attempts) VALUES (?, ?, 1)"
        " ON CONFLICT (pair, bundle_id) DO UPDATE SET attempts = attempts + 1 RETURNING attempts",
        (pair, bundle_id),
    ).fetchall()
    return int(attempts)


def end_opening(connection: Connection, pair: int, bundle_id: BundleId) -> None:
    connection.execute("DELETE FROM openings WHERE pair = ? AND bundle_id = ?", (pair, bundle_id))
