"""How far the peers' bundles are in a verified backup of this store and of what its application keeps.

Law: only what was settled when a copy was begun, and that copy verified, is ever told a peer as safe. A
moment is a name in the store's own history: a store that was restored from an older copy knows no later one.
"""

from __future__ import annotations

from protocol.ids import Incarnation
from protocol.limits import SEQUENCE_MAX
from protocol.ranges import RangeSet, decode_ranges, encode_ranges

from ..ports import BACKUP_MOMENTS_MAX, STREAMS_MAX, Moment, SafeMark
from .connection import Connection


def begin(connection: Connection, moment: Moment) -> None:
    """Remember what is settled now, under this name."""
    connection.execute("INSERT INTO backup_moment (moment, settled) SELECT ?, settled FROM store", (moment,))
    connection.execute(
        "DELETE FROM backup_moment WHERE backup_moment <="
        " (SELECT backup_moment FROM backup_moment ORDER BY backup_moment DESC LIMIT 1 OFFSET ?)",
        (BACKUP_MOMENTS_MAX,),
    )


def note(connection: Connection, pair: int, moment: Moment) -> bool:
    """A copy begun at that moment was verified; False if this store does not remember it."""
    settled_max = _settled_at(connection, moment)
    if settled_max is None:
        return False
    streams = connection.execute("SELECT stream, safe FROM stream WHERE pair = ?", (pair,)).fetchall()
    for stream, encoded in streams:
        safe = decode_ranges(encoded)[0]
        if covered := _newly_covered(connection, pair, stream, safe, settled_max):
            _keep(connection, stream, safe | RangeSet.of(covered))
    return True


def forget(connection: Connection, stream: int, sequence: int) -> None:
    """What came under this number is no longer here, and not in the backups to come."""
    (encoded,) = connection.execute("SELECT safe FROM stream WHERE stream = ?", (stream,)).fetchone()
    safe = decode_ranges(encoded)[0]
    if sequence in safe:
        _keep(connection, stream, safe - RangeSet.of([(sequence, sequence + 1)]))


def is_known(connection: Connection, moment: Moment) -> bool:
    """Whether it is of this store's history, and remembered."""
    return _settled_at(connection, moment) is not None


def marks(connection: Connection, pair: int) -> tuple[SafeMark, ...]:
    """What a session may tell the peer."""
    rows = connection.execute(
        "SELECT incarnation, safe FROM stream WHERE pair = ? AND safe <> ?"
        " ORDER BY heard DESC, stream LIMIT ?",
        (pair, encode_ranges(RangeSet()), STREAMS_MAX),
    )
    return tuple(
        SafeMark(incarnation=Incarnation(incarnation), sequences=decode_ranges(encoded)[0])
        for incarnation, encoded in rows
    )


def _settled_at(connection: Connection, moment: Moment) -> int | None:
    row = connection.execute("SELECT settled FROM backup_moment WHERE moment = ?", (moment,)).fetchone()
    return None if row is None else int(row[0])


def _newly_covered(
    connection: Connection, pair: int, stream: int, safe: RangeSet, settled_max: int
) -> list[tuple[int, int]]:
    """Numbers beside `safe` that are held and were settled by then. Only the gaps are looked at, and what is
    behind the last: a store's whole history is not read at each backup."""
    ends = [end for _, end in safe.spans]
    starts = [start for start, _ in safe.spans]
    covered: list[tuple[int, int]] = []
    for gap_start, gap_end in zip([0, *ends], [*starts, SEQUENCE_MAX + 1], strict=True):
        rows = connection.execute(
            "SELECT held.sequence FROM held JOIN received"
            " ON received.pair = ? AND received.bundle_id = held.bundle_id"
            " WHERE stream = ? AND held.sequence >= ? AND held.sequence < ? AND settled <= ?",
            (pair, stream, gap_start, gap_end, settled_max),
        ).fetchall()
        covered += [(sequence, sequence + 1) for (sequence,) in rows]
    return covered


def _keep(connection: Connection, stream: int, safe: RangeSet) -> None:
    connection.execute("UPDATE stream SET safe = ? WHERE stream = ?", (encode_ranges(safe), stream))
