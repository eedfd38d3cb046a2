"""The numbers our bundles have towards one peer: each is given out once, in the life that is current."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from protocol.ids import Incarnation
from protocol.ranges import RangeSet

from .connection import Connection


class Life(NamedTuple):
    """One incarnation of this store towards the peer."""

    row: int
    incarnation: Incarnation
    sequence_max: int


class Numbering:
    """Lives and numbers of one pair, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair
        self._life: Life | None = None
        """The current one, as it was read and not changed since."""

    def life(self) -> Life:
        """The current incarnation."""
        if self._life is None:
            row = self._connection.execute(
                "SELECT life, incarnation, sequence_max FROM life WHERE pair = ? ORDER BY life DESC LIMIT 1",
                (self._pair,),
            ).fetchone()
            self._life = Life(*row)
        return self._life

    def generation(self) -> int:
        """How many sessions were opened."""
        (generation,) = self._connection.execute(
            "SELECT generation FROM pair WHERE pair = ?", (self._pair,)
        ).fetchone()
        return int(generation)

    def open_session(self) -> int:
        """Count one more session: its generation is as little to be used twice as a number."""
        self._count()
        ((generation,),) = self._connection.execute(
            "UPDATE pair SET generation = generation + 1 WHERE pair = ? RETURNING generation", (self._pair,)
        ).fetchall()
        return int(generation)

    def begin(self, incarnation: Incarnation, reason: str) -> Life:
        """Make this the current incarnation; the one before it."""
        before, self._life = self.life(), None
        self._connection.execute(
            "INSERT INTO life (pair, incarnation, reason) VALUES (?, ?, ?)", (self._pair, incarnation, reason)
        )
        return before

    def next(self) -> tuple[int, int]:
        """The current life and its next number."""
        self._count()
        numbered = self._connection.execute(
            "UPDATE life SET sequence_max = sequence_max + 1 WHERE life = ? RETURNING life, sequence_max",
            (self.life().row,),
        ).fetchall()
        self._life = None
        return numbered[0][0], numbered[0][1]

    def renumber(self, row: int) -> None:
        """Give a bundle of ours the next number; of what was sent under the old one nothing is believed. The
        peer may hold it there, or come to hold it again: the old number stays counted."""
        self._connection.execute(
            "INSERT OR IGNORE INTO former_number (life, sequence, bundle_id, stored)"
            " SELECT life, sequence, bundle_id, 0 FROM outgoing WHERE outgoing = ?",
            (row,),
        )
        life, sequence = self.next()
        self._connection.execute(
            "UPDATE outgoing SET life = ?, sequence = ?, receipted = NULL WHERE outgoing = ?",
            (life, sequence, row),
        )

    def numbered(self, select: str, incarnation: Incarnation, sequences: RangeSet) -> Iterator[Any]:
        """Rows of one life in these ranges of numbers; all of a range is read before the next."""
        for start, end in sequences.spans:
            yield from self._connection.execute(
                f"{select} JOIN life USING (life)"
                " WHERE life.pair = ? AND incarnation = ? AND sequence >= ? AND sequence < ?",
                (self._pair, incarnation, start, end),
            ).fetchall()

    def _count(self) -> None:
        self._connection.execute("UPDATE store SET given_out = given_out + 1")


def given_out(connection: Connection) -> int:
    """Numbers given out and sessions opened so far, over all pairs."""
    (count,) = connection.execute("SELECT given_out FROM store").fetchone()
    return int(count)
