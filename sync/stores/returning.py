"""What one end of a pair lost and the other gives back: asked for until promised, and promised for good."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet, decode_ranges, encode_ranges

from ..ports import ForeignNumbers, ToReturn
from .connection import Connection
from .foreign import Foreign, numbers_of, with_noted, without_promised
from .settling import unsettle


class Returning:
    """Both directions for one pair, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair

    # What we lost.

    def foreign(self) -> Foreign:
        """What is to be asked for, latest noted first."""
        return self._kept("foreign_numbers")

    def promised(self) -> Foreign:
        """What the peer gives back, or gave, latest promised first."""
        return self._kept("promised")

    def note_foreign(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer holds what is not known here."""
        self._keep("foreign_numbers", with_noted(self.foreign(), incarnation, sequences))
        unsettle(self._connection, self._pair)

    def mark_promised(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer gives these back; of what nobody asked for nothing is noted."""
        foreign = self.foreign()
        asked = numbers_of(foreign, incarnation) & sequences
        if not asked.spans:
            return
        self._keep("foreign_numbers", without_promised(foreign, incarnation, asked))
        self._keep("promised", with_noted(self.promised(), incarnation, asked))
        unsettle(self._connection, self._pair)

    # What the peer lost.

    def owed(self) -> Foreign:
        """What the peer was promised and is held here, given or not."""
        rows = self._connection.execute(
            "SELECT incarnation, sequence FROM to_return JOIN stream USING (stream)"
            " WHERE pair = ? ORDER BY to_return",
            (self._pair,),
        )
        lives: dict[bytes, list[int]] = {}
        for incarnation, sequence in rows:
            lives.setdefault(incarnation, []).append(sequence)
        return tuple(
            ForeignNumbers(
                incarnation=Incarnation(incarnation),
                sequences=RangeSet.of_numbers(owed),
            )
            for incarnation, owed in lives.items()
        )

    def note_return(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """Each of these that is held here is given back once; how many are new."""
        noted = 0
        for start, end in sequences.spans:
            noted += self._connection.execute(
                "INSERT INTO to_return (stream, sequence) SELECT stream, sequence FROM held"
                " JOIN stream USING (stream)"
                " WHERE pair = ? AND incarnation = ? AND sequence >= ? AND sequence < ?"
                " AND (stream, sequence) NOT IN (SELECT stream, sequence FROM to_return)"
                " ORDER BY sequence",
                (self._pair, incarnation, start, end),
            ).rowcount
        return noted

    def to_return(self, limit: int) -> tuple[ToReturn, ...]:
        """What was promised and not given yet, most urgent first."""
        rows = self._connection.execute(
            "SELECT to_return, stream.incarnation, held.sequence, held.bundle_id FROM to_return"
            " JOIN stream USING (stream)"
            " JOIN held ON held.stream = to_return.stream AND held.sequence = to_return.sequence"
            " JOIN received ON received.pair = stream.pair AND received.bundle_id = held.bundle_id"
            " WHERE stream.pair = ? AND NOT given ORDER BY priority, to_return LIMIT ?",
            (self._pair, limit),
        )
        return tuple(
            ToReturn(
                row=row,
                incarnation=Incarnation(incarnation),
                sequence=sequence,
                bundle_id=BundleId(bundle_id),
            )
            for row, incarnation, sequence, bundle_id in rows
        )

    def mark_returned(self, rows: Sequence[int]) -> None:
        """These are given back, or cannot be."""
        self._connection.executemany(
            "UPDATE to_return SET given = 1 WHERE to_return = ?"
            " AND stream IN (SELECT stream FROM stream WHERE pair = ?)",
            [(row, self._pair) for row in rows],
        )

    # Rows of either table of numbers.

    def _kept(self, table: str) -> Foreign:
        rows = self._connection.execute(
            f"SELECT incarnation, ranges FROM {table} WHERE pair = ? ORDER BY {table} DESC", (self._pair,)
        )
        return tuple(
            ForeignNumbers(incarnation=Incarnation(incarnation), sequences=decode_ranges(ranges)[0])
            for incarnation, ranges in rows
        )

    def _keep(self, table: str, foreign: Foreign) -> None:
        """A handful of rows, written anew so that their order is that of noting."""
        self._connection.execute(f"DELETE FROM {table} WHERE pair = ?", (self._pair,))
        self._connection.executemany(
            f"INSERT INTO {table} (pair, incarnation, ranges) VALUES (?, ?, ?)",
            [(self._pair, each.incarnation, encode_ranges(each.sequences)) for each in reversed(foreign)],
        )
