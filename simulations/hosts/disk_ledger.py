"""What the custody tables on a machine's disk say, read with a connection of its own beside all programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym
from protocol.ranges import RangeSet
from simulations.faults.rot import flip_bits
from sync.stores.connection import Connection, connect

Number = tuple[Incarnation, int]


class DiskLedger:
    """`Ledger` of one pair in one database; follows the disk from one life to the next."""

    def __init__(self, path: Callable[[], Path], pseudonym: Pseudonym) -> None:
        self._path = path
        self._pseudonym = pseudonym
        self._open_at: Path | None = None
        self._connection: Connection | None = None

    def turn_to(self, pseudonym: Pseudonym) -> None:
        """From now on it is about this pair."""
        self._pseudonym = pseudonym

    def own_bundles(
        self, sequences: RangeSet, incarnation: Incarnation | None = None
    ) -> Sequence[tuple[BundleId, Priority]]:
        found: list[tuple[BundleId, Priority]] = []
        for start, end in sequences.spans:
            rows = self._read(
                "SELECT bundle_id, priority FROM outgoing JOIN pair USING (pair) WHERE pseudonym = ?"
                " AND life = (SELECT max(life) FROM life WHERE life.pair = pair.pair"
                " AND incarnation = coalesce(?, incarnation)) AND sequence >= ? AND sequence < ?",
                incarnation,
                start,
                end,
            )
            found += [(BundleId(bundle_id), Priority(priority)) for bundle_id, priority in rows]
        return found

    def untouched(self) -> Sequence[tuple[BundleId, Priority]]:
        rows = self._read(
            "SELECT bundle_id, priority FROM outgoing JOIN pair USING (pair) WHERE pseudonym = ?"
            " AND life = (SELECT max(life) FROM life WHERE life.pair = pair.pair)"
            " AND state = 'pending' AND receipted IS NULL"
        )
        return [(BundleId(bundle_id), Priority(priority)) for bundle_id, priority in rows]

    def holds(self, bundle_id: BundleId) -> bool:
        """Whether a bundle of the peer's is whole here."""
        rows = self._read(
            "SELECT 1 FROM held JOIN stream USING (stream) JOIN pair USING (pair)"
            " WHERE pseudonym = ? AND bundle_id = ? LIMIT 1",
            bundle_id,
        )
        return bool(rows)

    def numbers_of(self, bundle_id: BundleId) -> Sequence[Number]:
        """Under which numbers a bundle of the peer's is held here."""
        rows = self._read(
            "SELECT incarnation, held.sequence FROM held JOIN stream USING (stream) JOIN pair USING (pair)"
            " WHERE pseudonym = ? AND bundle_id = ?",
            bundle_id,
        )
        return [(Incarnation(incarnation), sequence) for incarnation, sequence in rows]

    def pending(self) -> Sequence[BundleId]:
        """Bundles in custody that the peer is not known to hold."""
        rows = self._read(
            "SELECT bundle_id FROM outgoing JOIN pair USING (pair)"
            " WHERE pseudonym = ? AND state IN ('pending', 'damaged')"
        )
        return [BundleId(bundle_id) for (bundle_id,) in rows]

    def given_out(self, incarnation: Incarnation) -> int:
        """The highest number of ours in one life."""
        rows = self._read(
            "SELECT life.sequence_max FROM life JOIN pair USING (pair)"
            " WHERE pseudonym = ? AND incarnation = ?",
            incarnation,
        )
        return max((sequence_max for (sequence_max,) in rows), default=0)

    def offered(self) -> Sequence[BundleId]:
        """Every bundle of ours."""
        rows = self._read("SELECT bundle_id FROM outgoing JOIN pair USING (pair) WHERE pseudonym = ?")
        return [BundleId(bundle_id) for (bundle_id,) in rows]

    def pruned(self) -> Sequence[BundleId]:
        """Bundles of ours whose bytes were dropped, being safe at the peer."""
        rows = self._read(
            "SELECT bundle_id FROM outgoing JOIN pair USING (pair) WHERE pseudonym = ? AND pruned"
        )
        return [BundleId(bundle_id) for (bundle_id,) in rows]

    def arrived(self, row: int) -> BundleId | None:
        """The bundle of the peer's that came in this row."""
        rows = self._read(
            "SELECT bundle_id FROM received JOIN pair USING (pair) WHERE pseudonym = ? AND received = ?", row
        )
        return BundleId(rows[0][0]) if rows else None

    def rot(self, seed: int) -> bool:
        """While nothing runs: flip a bit of a sealed piece on the disk, if one lies in the file itself."""
        pieces = self._read(
            "SELECT data FROM piece WHERE length(data) >= 32 AND ? <> '' ORDER BY position LIMIT 64"
        )
        self.close()
        if not pieces:
            return False
        return flip_bits(self._path(), bytes(pieces[seed % len(pieces)][0])[:32], seed=seed)

    def close(self) -> None:
        """Idempotent."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._open_at = None

    def _read(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        path = self._path()
        if self._open_at != path or self._connection is None:
            self.close()
            self._connection, self._open_at = connect(path, None), path
            self._connection.execute("PRAGMA query_only = ON")
        rows: list[tuple[Any, ...]] = self._connection.execute(
            question, (self._pseudonym, *values)
        ).fetchall()
        return rows
