"""The peer's bundles as a session sees them: announced, partial, whole, and held for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, SealTag, seal_tag_of
from protocol.limits import BUNDLE_SEALED_BYTES_MAX
from protocol.past import fork_of
from protocol.ranges import RangeSet
from protocol.summary import digest

from ..ports import (
    PARTIALS_MAX,
    STREAMS_MAX,
    ChunkOutcome,
    IncomingChunk,
    Offer,
    PartialBundle,
    ReceivedStream,
)
from . import backups, content, incidents
from .connection import Connection
from .content import ContentDamaged
from .incidents import IncidentKind

OFFER_COLUMNS: Final = (
    "incarnation, sequence, bundle_id, seal_tag, priority, dwell_code, recipient_key, size_bytes, content"
)

RoomFor = Callable[[Priority, int, int], bool]
"""Whether a bundle of this class and size may be begun beside that many bytes already here."""


class _Partial(NamedTuple):
    """Where the bytes of an unfinished bundle are, and how many."""

    row: int
    content: int
    held_bytes: int


class Incoming:
    """The receiving side of one pair, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair

    # What a session asks.

    def streams(self) -> tuple[ReceivedStream, ...]:
        """What is held of each incarnation of the peer's, latest heard first."""
        rows = self._connection.execute(
            "SELECT stream, incarnation FROM stream WHERE pair = ? AND EXISTS"
            " (SELECT 1 FROM held WHERE held.stream = stream.stream) ORDER BY heard DESC, stream LIMIT ?",
            (self._pair, STREAMS_MAX),
        ).fetchall()
        return tuple(self._stream(stream, incarnation) for stream, incarnation in rows)

    def partials(self) -> tuple[PartialBundle, ...]:
        """Bundles of which some bytes are here."""
        rows = self._connection.execute(
            f"SELECT {OFFER_COLUMNS} FROM partial WHERE pair = ? ORDER BY partial", (self._pair,)
        ).fetchall()
        return tuple(
            PartialBundle(offer=offer_of(row), held=content.held(self._connection, row[-1])) for row in rows
        )

    def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The digest of what is held of one incarnation in these ranges of numbers."""
        ids: list[BundleId] = []
        for start, end in sequences.spans:
            rows = self._connection.execute(
                "SELECT bundle_id FROM held JOIN stream USING (stream)"
                " WHERE pair = ? AND incarnation = ? AND sequence >= ? AND sequence < ?",
                (self._pair, incarnation, start, end),
            )
            ids += [BundleId(bundle_id) for (bundle_id,) in rows]
        return digest(ids)

    def waiting_bytes(self) -> int:
        """Sealed bytes the application has not taken, with the whole size of what is unfinished."""
        (size_bytes,) = self._connection.execute(
            "SELECT (SELECT coalesce(sum(size_bytes), 0) FROM partial WHERE pair = ?1)"
            " + (SELECT coalesce(sum(size_bytes), 0) FROM received WHERE pair = ?1 AND content IS NOT NULL)",
            (self._pair,),
        ).fetchone()
        return int(size_bytes)

    # What a session brings.

    def persist(self, chunk: IncomingChunk, room: RoomFor) -> ChunkOutcome:
        """Keep one chunk; `room` says whether a bundle not begun yet may be begun."""
        offer = chunk.offer
        _check(chunk)
        if self._is_whole(offer):
            return self._hold(offer)
        partial = self._partial(offer) or self._begin(offer, room)
        if partial is None:
            return ChunkOutcome.NO_ROOM
        held_bytes = partial.held_bytes + content.write(
            self._connection, partial.content, chunk.offset, chunk.data
        )
        if held_bytes == offer.size_bytes:
            return self._complete(offer, partial)
        self._connection.execute(
            "UPDATE partial SET held_bytes = ? WHERE partial = ?", (held_bytes, partial.row)
        )
        return ChunkOutcome.PARTIAL

    # Rows.

    def _stream(self, stream: int, incarnation: bytes) -> ReceivedStream:
        rows = self._connection.execute(
            "SELECT sequence, bundle_id FROM held WHERE stream = ?", (stream,)
        ).fetchall()
        return ReceivedStream(
            incarnation=Incarnation(incarnation),
            held=RangeSet.of_numbers(sequence for sequence, _ in rows),
            digest=digest(BundleId(bundle_id) for _, bundle_id in rows),
        )

    def _is_whole(self, offer: Offer) -> bool:
        """Whether this bundle needs no more bytes; one that waits for a new seal needs those of the new."""
        row = self._connection.execute(
            "SELECT received, rekey, seal_tag FROM received WHERE pair = ? AND bundle_id = ?",
            (self._pair, offer.bundle_id),
        ).fetchone()
        if row is None:
            return False
        number, rekey, seal_tag = row
        if rekey is not None and seal_tag != offer.seal_tag:
            return False
        # The peer knows it under this number now: should it not open, that is the one to ask about.
        self._connection.execute(
            "UPDATE received SET incarnation = ?2, sequence = ?3"
            " WHERE received = ?1 AND (incarnation, sequence) <> (?2, ?3)",
            (number, offer.incarnation, offer.sequence),
        )
        return True

    def _partial(self, offer: Offer) -> _Partial | None:
        """The bytes so far of this very sealing, under the number it has now; those of another sealing go."""
        row = self._connection.execute(
            "SELECT partial, content, held_bytes, seal_tag, size_bytes FROM partial"
            " WHERE pair = ? AND bundle_id = ?",
            (self._pair, offer.bundle_id),
        ).fetchone()
        if row is None:
            return None
        partial = _Partial(*row[:3])
        if row[3:] != (offer.seal_tag, offer.size_bytes):
            self._drop(partial)
            return None
        self._connection.execute(
            "UPDATE partial SET incarnation = ?2, sequence = ?3"
            " WHERE partial = ?1 AND (incarnation, sequence) <> (?2, ?3)",
            (partial.row, offer.incarnation, offer.sequence),
        )
        return partial

    def _begin(self, offer: Offer, room: RoomFor) -> _Partial | None:
        (unfinished,) = self._connection.execute(
            "SELECT count(*) FROM partial WHERE pair = ?", (self._pair,)
        ).fetchone()
        if unfinished >= PARTIALS_MAX or not room(offer.priority, offer.size_bytes, self.waiting_bytes()):
            return None
        number = content.begin(self._connection, offer.size_bytes)
        row = self._insert("partial", offer, number)
        return _Partial(row, number, 0)

    def _complete(self, offer: Offer, partial: _Partial) -> ChunkOutcome:
        """All bytes are here: deliver them if they are what was sealed, drop all of them if not."""
        if not self._is_sealed_as(offer, partial):
            self._drop(partial)
            return ChunkOutcome.CORRUPT
        self._connection.execute("DELETE FROM partial WHERE partial = ?", (partial.row,))
        self._replace_unopened(offer.bundle_id)
        self._insert("received", offer, partial.content)
        return self._hold(offer)

    def _replace_unopened(self, bundle_id: BundleId) -> None:
        """The bytes that did not open go when those of the new seal are whole, not before."""
        unopened = self._connection.execute(
            "DELETE FROM received WHERE pair = ? AND bundle_id = ? RETURNING content", (self._pair, bundle_id)
        ).fetchall()
        for (number,) in unopened:
            content.drop(self._connection, number)

    def _is_sealed_as(self, offer: Offer, partial: _Partial) -> bool:
        try:
            sealed = content.read(self._connection, partial.content, 0, offer.size_bytes)
        except ContentDamaged:
            # Damaged here or on the way: these bytes are not the bundle, and the peer sends it again.
            return False
        return seal_tag_of(sealed) == offer.seal_tag

    def _hold(self, offer: Offer) -> ChunkOutcome:
        """Count the number as held by the first bundle that came under it; a second one is a fork, and held
        in its own name."""
        stream = self._stream_named(offer.incarnation)
        if self._is_first(stream, offer):
            self._hear(stream)
            self._forget_fork(offer.bundle_id)
            return ChunkOutcome.STORED
        self._hold_in_fork(offer)
        self._hear(stream)
        reason = f"the peer used number {offer.sequence} for two bundles: it was copied or restored"
        incidents.report(self._connection, self._pair, IncidentKind.FORKED, offer.bundle_id, reason)
        return ChunkOutcome.FORKED

    def _hold_in_fork(self, offer: Offer) -> None:
        """Under the next number of the fork, if it is not there: however many came under one number of the
        peer's, each has a name to be asked back by, and no name ever stands for two."""
        fork = self._stream_named(fork_of(offer.incarnation))
        is_held = self._connection.execute(
            "SELECT 1 FROM held WHERE stream = ? AND bundle_id = ?", (fork, offer.bundle_id)
        ).fetchone()
        if not is_held:
            self._connection.execute("UPDATE stream SET forked = forked + 1 WHERE stream = ?", (fork,))
            self._connection.execute(
                "INSERT INTO held (stream, sequence, bundle_id)"
                " SELECT stream, forked, ? FROM stream WHERE stream = ?",
                (offer.bundle_id, fork),
            )

    def _stream_named(self, incarnation: Incarnation) -> int:
        """Its row, begun if it is new."""
        ((stream,),) = self._connection.execute(
            "INSERT INTO stream (pair, incarnation, heard) VALUES (?, ?, 0)"
            " ON CONFLICT (pair, incarnation) DO UPDATE SET heard = heard RETURNING stream",
            (self._pair, incarnation),
        ).fetchall()
        return int(stream)

    def _is_first(self, stream: int, offer: Offer) -> bool:
        """Whether the number was free, or is held by this bundle; it is from now on."""
        self._connection.execute(
            "INSERT INTO held (stream, sequence, bundle_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (stream, offer.sequence, offer.bundle_id),
        )
        (first,) = self._connection.execute(
            "SELECT bundle_id FROM held WHERE stream = ? AND sequence = ?", (stream, offer.sequence)
        ).fetchone()
        return bool(first == offer.bundle_id)

    def _forget_fork(self, bundle_id: BundleId) -> None:
        """It has come under a number of its own."""
        forks = self._connection.execute(
            "SELECT stream FROM stream WHERE pair = ? AND forked > 0", (self._pair,)
        ).fetchall()
        for (stream,) in forks:  # As nearly always, none.
            gone = self._connection.execute(
                "DELETE FROM held WHERE stream = ? AND bundle_id = ? RETURNING sequence", (stream, bundle_id)
            ).fetchall()
            for (sequence,) in gone:
                let_go_of(self._connection, stream, sequence)

    def _hear(self, stream: int) -> None:
        """Make it the stream heard last."""
        self._connection.execute("UPDATE pair SET heard = heard + 1 WHERE pair = ?", (self._pair,))
        self._connection.execute(
            "UPDATE stream SET heard = (SELECT heard FROM pair WHERE pair = ?) WHERE stream = ?",
            (self._pair, stream),
        )

    def _insert(self, table: str, offer: Offer, number: int) -> int:
        """A row of `partial` or `received` for this offer; their columns agree."""
        ((row,),) = self._connection.execute(
            f"INSERT INTO {table} (pair, {OFFER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            f" RETURNING {table}",
            (
                self._pair,
                offer.incarnation,
                offer.sequence,
                offer.bundle_id,
                offer.seal_tag,
                offer.priority.value,
                offer.dwell_code,
                offer.recipient_key,
                offer.size_bytes,
                number,
            ),
        ).fetchall()
        return int(row)

    def _drop(self, partial: _Partial) -> None:
        self._connection.execute("DELETE FROM partial WHERE partial = ?", (partial.row,))
        content.drop(self._connection, partial.content)


def _check(chunk: IncomingChunk) -> None:
    """A session hands over only chunks that lie inside their bundle; anything else is our bug."""
    size_bytes = chunk.offer.size_bytes
    if not 1 <= size_bytes <= BUNDLE_SEALED_BYTES_MAX:
        raise ValueError(f"an offer of {size_bytes} bytes was let through")
    if not 0 <= chunk.offset <= chunk.offset + len(chunk.data) <= size_bytes:
        raise ValueError(f"a chunk at {chunk.offset} reaches past the {size_bytes} bytes of its bundle")


def offer_of(row: tuple[Any, ...]) -> Offer:
    incarnation, sequence, bundle_id, seal_tag, priority, dwell_code, recipient_key, size_bytes = row[:8]
    return Offer(
        incarnation=Incarnation(incarnation),
        sequence=sequence,
        bundle_id=BundleId(bundle_id),
        seal_tag=SealTag(seal_tag),
        priority=Priority(priority),
        dwell_code=dwell_code,
        recipient_key=recipient_key,
        size_bytes=size_bytes,
    )


def let_go_of(connection: Connection, stream: int, sequence: int) -> None:
    """A number that counts as held no longer is neither safe nor owed."""
    backups.forget(connection, stream, sequence)
    connection.execute("DELETE FROM to_return WHERE stream = ? AND sequence = ?", (stream, sequence))
