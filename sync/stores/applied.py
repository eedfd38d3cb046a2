"""Whether the database beside custody still has what custody handed over, and what it gave custody to send:
one of the two may have been restored alone.

Law: the mark never says more than its database has. It is written behind the content, into the same file, so
that an older copy of the file has the older mark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, TypeVar

from protocol.ids import BundleId, Incarnation, Pseudonym

from .connection import Connection
from .database import Database
from .migrations import Schema

APPLIED_SCHEMA: Final = Schema.of_folder("applied", files("sync.stores") / "schema")
"""Tables to open that database with."""
APPLIED_PAGE: Final = 256
"""Bundles that are looked up in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far custody had come at a moment."""

    settled: int
    """Received bundles that were taken or put aside."""
    given: int
    """The last row of those that were given to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBundle:
    """A bundle of the peer's whose bytes custody has let go of, since something came of them elsewhere."""

    pseudonym: Pseudonym
    bundle_id: BundleId
    row: int
    settled: int
    """The how-manieth that was settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBundle:
    """A bundle of ours, by its number now."""

    pseudonym: Pseudonym
    bundle_id: BundleId
    row: int
    incarnation: Incarnation
    sequence: int
    stored: bool


Bundle = TypeVar("Bundle", TakenBundle, GivenBundle)
HasTrace = Callable[[Connection, Pseudonym, BundleId], bool]
"""Whether the database knows of this bundle."""


def applied_mark(connection: Connection) -> Mark:
    """What the database beside custody is certain to have."""
    settled, given = connection.execute("SELECT settled, given FROM custody_mark").fetchone()
    return Mark(settled=settled, given=given)


def keep_mark(connection: Connection, mark: Mark) -> None:
    """Nothing is written where nothing changed."""
    connection.execute(
        "UPDATE custody_mark SET settled = ?1, given = ?2 WHERE (settled, given) <> (?1, ?2)",
        (mark.settled, mark.given),
    )


def custody_mark(connection: Connection) -> Mark:
    """How far custody has come."""
    settled, given = connection.execute(
        "SELECT settled, (SELECT coalesce(max(outgoing), 0) FROM outgoing) FROM store"
    ).fetchone()
    return Mark(settled=settled, given=given)


def taken_after(connection: Connection, settled: int) -> tuple[TakenBundle, ...]:
    """A page of what custody has let go of since it had settled so many, in that order."""
    rows = connection.execute(
        "SELECT pseudonym, bundle_id, received, settled FROM received JOIN pair USING (pair)"
        " WHERE settled > ? AND content IS NULL ORDER BY settled LIMIT ?",
        (settled, APPLIED_PAGE),
    )
    return tuple(
        TakenBundle(pseudonym=Pseudonym(pseudonym), bundle_id=BundleId(bundle_id), row=row, settled=number)
        for pseudonym, bundle_id, row, number in rows
    )


def given_after(connection: Connection, row: int) -> tuple[GivenBundle, ...]:
    """A page of what was given to be sent behind that row, and not taken back, in that order."""
    rows = connection.execute(
        "SELECT pseudonym, bundle_id, outgoing, incarnation, sequence, state = 'stored' FROM outgoing"
        " JOIN life USING (life) JOIN pair ON pair.pair = outgoing.pair"
        " WHERE outgoing > ? AND state <> 'withdrawn' ORDER BY outgoing LIMIT ?",
        (row, APPLIED_PAGE),
    )
    return tuple(
        GivenBundle(
            pseudonym=Pseudonym(pseudonym),
            bundle_id=BundleId(bundle_id),
            row=number,
            incarnation=Incarnation(incarnation),
            sequence=sequence,
            stored=bool(stored),
        )
        for pseudonym, bundle_id, number, incarnation, sequence, stored in rows
    )


async def without_trace(
    database: Database, bundles: Sequence[Bundle], has_trace: HasTrace
) -> tuple[Bundle, ...]:
    """Those of which the database knows nothing."""
    return await database.read(
        lambda connection: tuple(
            each for each in bundles if not has_trace(connection, each.pseudonym, each.bundle_id)
        )
    )
