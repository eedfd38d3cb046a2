"""What one end of a pair lost and the other gives back: asked for until promised, promised until given."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet, decode_ranges, encode_ranges

from ..ports import STREAMS_MAX, ForeignNumbers, ToReturn
from .connection import Connection
from .foreign import Foreign, numbers_of, with_noted, without_promised


class Returning:
    """Both directions for one pair, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair

    # What we lost.

    def foreign(self) -> Foreign:
        """What is to be asked for, latest noted first."""
        rows = self._connection.execute(
            "SELECT incarnation, ranges FROM foreign_numbers WHERE pair = ? ORDER BY foreign_numbers DESC",
            (self._pair,),
        )
        return tuple(
            ForeignNumbers(incarnation=Incarnation(incarnation), sequences=decode_ranges(ranges)[0])
            for incarnation, ranges in rows
        )

    def note_foreign(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer holds what is not known here."""
        self._keep(with_noted(self.foreign(), incarnation, sequences))

    def mark_promised(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer gives these back; of what nobody asked for nothing is noted."""
        foreign = self.foreign()
        asked = numbers_of(foreign, incarnation) & sequences
        if not asked.spans:
            return
        self._keep(without_promised(foreign, incarnation, asked))
        self._connection.execute(
            "INSERT INTO promised (pair, incarnation, sequence_max) VALUES (?, ?, ?)"
            " ON CONFLICT (pair, incarnation) DO UPDATE"
            " SET sequence_max = max(sequence_max, excluded.sequence_max)",
            (self._pair, incarnation, asked.spans[-1][1] - 1),
        )
        self._connection.execute(
            "DELETE FROM promised WHERE pair = ?1 AND promised <= (SELECT promised FROM promised"
            " WHERE pair = ?1 ORDER BY promised DESC LIMIT 1 OFFSET ?2)",
            (self._pair, STREAMS_MAX),
        )

    # What the peer lost.

    def note_return(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """Each of these that is held here is given back."""
        for start, end in sequences.spans:
            self._connection.execute(
                "INSERT INTO to_return (stream, sequence) SELECT stream, sequence FROM held"
                " JOIN stream USING (stream)"
                " WHERE pair = ? AND incarnation = ? AND sequence >= ? AND sequence < ?"
                " AND (stream, sequence) NOT IN (SELECT stream, sequence FROM to_return)"
                " ORDER BY sequence",
                (self._pair, incarnation, start, end),
            )

    def to_return(self, limit: int) -> tuple[ToReturn, ...]:
        """What was promised and not given yet, most urgent first."""
        rows = self._connection.execute(
            "SELECT to_return, stream.incarnation, held.sequence, held.bundle_id FROM to_return"
            " JOIN stream USING (stream)"
            " JOIN held ON held.stream = to_return.stream AND held.sequence = to_return.sequence"
            " JOIN received ON received.pair = stream.pair AND received.bundle_id = held.bundle_id"
            " WHERE stream.pair = ? ORDER BY priority, to_return LIMIT ?",
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
            "DELETE FROM to_return WHERE to_return = ?"
            " AND stream IN (SELECT stream FROM stream WHERE pair = ?)",
            [(row, self._pair) for row in rows],
        )

    def _keep(self, foreign: Foreign) -> None:
        """A handful of rows, written anew so that their order is that of noting."""
        self._connection.execute("DELETE FROM foreign_numbers WHERE pair = ?", (self._pair,))
        self._connection.executemany(
            "INSERT INTO foreign_numbers (pair, incarnation, ranges) VALUES (?, ?, ?)",
            [(self._pair, each.incarnation, encode_ranges(each.sequences)) for each in reversed(foreign)],
        )
