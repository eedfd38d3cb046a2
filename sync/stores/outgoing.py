"""Our bundles as a session sees them: numbered, waiting for the peer, stored there, safe there or lost."""

from __future__ import annotations

from typing import Any, Final

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, SealTag
from protocol.ranges import RangeSet, decode_ranges, encode_ranges
from protocol.summary import digest

from ..ports import OUTGOING_PAGE, RESEALS_MAX, STREAMS_MAX, Offer, OutgoingBundle, Rank, SentStream
from . import content, incidents
from .connection import Connection
from .incidents import IncidentKind
from .numbering import Life, Numbering
from .settling import unsettle

_BUNDLE: Final = """
    SELECT incarnation, sequence, bundle_id, seal_tag, priority, dwell_code, recipient_key, size_bytes, rank,
        receipted
    FROM outgoing JOIN life USING (life)
"""
_PRUNED_LOST: Final = "the peer has lost a bundle whose bytes were dropped here, since its backup had it"


class Outgoing:
    """The sending side of one pair, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair
        self._numbering = Numbering(connection, pair)

    # What a session asks.

    def life(self) -> Life:
        """The current incarnation."""
        return self._numbering.life()

    def pending(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        """The most urgent page of what the peer lacks."""
        rows = self._connection.execute(
            f"{_BUNDLE} WHERE outgoing.life = ? AND state = 'pending' ORDER BY priority, rank, sequence",
            (self.life().row,),
        )
        page: list[OutgoingBundle] = []
        for row in rows:
            if len(page) == OUTGOING_PAGE:
                break
            bundle = _bundle(row)
            if bundle.offer.sequence not in beside:
                page.append(bundle)
        return tuple(page)

    def one(self, bundle_id: BundleId) -> OutgoingBundle:
        """A bundle that is known to be in custody."""
        return _bundle(
            self._connection.execute(
                f"{_BUNDLE} WHERE outgoing.pair = ? AND bundle_id = ?", (self._pair, bundle_id)
            ).fetchone()
        )

    def stored(self, life: int) -> RangeSet:
        """Numbers of one life that the peer holds."""
        rows = self._connection.execute(
            "SELECT sequence FROM outgoing WHERE life = ?1 AND state = 'stored'"
            " UNION SELECT sequence FROM former_number WHERE life = ?1 AND stored",
            (life,),
        )
        return RangeSet.of_numbers(sequence for (sequence,) in rows)

    def former(self) -> tuple[SentStream, ...]:
        """Former incarnations in which numbers were given out, newest first."""
        current = self.life().row
        rows = self._connection.execute(
            "SELECT life, incarnation, sequence_max FROM life WHERE pair = ? AND life <> ?"
            " AND sequence_max > 0 ORDER BY life DESC LIMIT ?",
            (self._pair, current, STREAMS_MAX),
        ).fetchall()
        return tuple(
            SentStream(incarnation=incarnation, stored=self.stored(life), sequence_max=sequence_max)
            for life, incarnation, sequence_max in rows
        )

    def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The digest of our bundles with these numbers."""
        return digest(
            row[0]
            for table in ("outgoing", "former_number")
            for row in self._numbering.numbered(f"SELECT bundle_id FROM {table}", incarnation, sequences)
        )

    def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        """Bytes of a pending bundle, fewer at its end, none if it is not pending. Raises `ContentDamaged`."""
        row = self._connection.execute(
            "SELECT content, size_bytes FROM outgoing WHERE life = ? AND sequence = ? AND state = 'pending'",
            (self.life().row, sequence),
        ).fetchone()
        if row is None or offset >= row[1]:
            return b""
        return content.read(self._connection, row[0], offset, min(size_bytes, row[1] - offset))

    # What a session tells.

    def mark_receipted(self, sequence: int, held: RangeSet) -> None:
        """The peer's report replaces the one before."""
        self._connection.execute(
            "UPDATE outgoing SET receipted = ? WHERE life = ? AND sequence = ?",
            (encode_ranges(held), self.life().row, sequence),
        )

    def mark_stored(self, sequences: RangeSet, now_s: float) -> None:
        """The peer holds these of the current life."""
        life = self.life().row
        for start, end in sequences.spans:
            self._connection.execute(
                "UPDATE outgoing SET state = 'stored', refusal = '', stored_s = ?"
                " WHERE life = ? AND sequence >= ? AND sequence < ? AND state NOT IN ('stored', 'withdrawn')",
                (now_s, life, start, end),
            )
            self._mark_former(life, start, end, stored=True)

    def mark_safe(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer has these in a verified backup; what it cannot open is not of use to it there."""
        for start, end in sequences.spans:
            self._connection.execute(
                "UPDATE outgoing SET safe = 1 WHERE state = 'stored' AND NOT safe AND rekey IS NULL"
                " AND sequence >= ? AND sequence < ?"
                " AND life IN (SELECT life FROM life WHERE pair = ? AND incarnation = ?)",
                (start, end, self._pair, incarnation),
            )

    def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer holds these no longer: pending again, under new numbers if their life is over."""
        current = self.life()
        if incarnation != current.incarnation:
            unsettle(self._connection, self._pair)
        for start, end in sequences.spans:
            for (life,) in self._connection.execute(
                "SELECT life FROM life WHERE pair = ? AND incarnation = ?", (self._pair, incarnation)
            ).fetchall():
                self._mark_former(life, start, end, stored=False)
        for row, state in self._numbering.numbered(
            "SELECT outgoing, state FROM outgoing", incarnation, sequences
        ):
            if state == "stored":
                self._lose(row)
                if incarnation != current.incarnation:
                    self._numbering.renumber(row)

    def renew(self, incarnation: Incarnation, reason: str, kind: IncidentKind) -> None:
        """Begin a new life in which everything that is not stored is numbered anew, in the old order."""
        former = self._numbering.begin(incarnation, reason)
        unsettle(self._connection, self._pair)
        waiting = self._connection.execute(
            "SELECT outgoing FROM outgoing WHERE life = ? AND state NOT IN ('stored', 'withdrawn')"
            " ORDER BY sequence",
            (former.row,),
        ).fetchall()
        for (row,) in waiting:
            self._numbering.renumber(row)
        incidents.report(self._connection, self._pair, kind, incarnation, reason)

    def note_refusal(self, sequence: int, reason: str) -> None:
        """The peer will not take it as sealed; it stays pending."""
        refused = self._connection.execute(
            "UPDATE outgoing SET refusal = ? WHERE life = ? AND sequence = ? RETURNING bundle_id",
            (reason, self.life().row, sequence),
        ).fetchall()
        for (bundle_id,) in refused:
            incidents.report(self._connection, self._pair, IncidentKind.REFUSED, bundle_id, reason)

    def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        """The peer cannot open it: to be sealed again, unless that was done often enough."""
        asked = self._connection.execute(
            "UPDATE outgoing SET rekey = ?, safe = 0 WHERE sequence = ? AND reseals < ?"
            " AND life IN (SELECT life FROM life WHERE pair = ? AND incarnation = ?)"
            " RETURNING bundle_id, recipient_key",
            (recipient_key, sequence, RESEALS_MAX, self._pair, incarnation),
        ).fetchall()
        for bundle_id, sealed_for in asked:
            if sealed_for == recipient_key:
                continue  # Only a difference was sent, and all of it is asked for: nobody need be told.
            reason = f"its key {recipient_key.hex()} is asked for"
            incidents.report(self._connection, self._pair, IncidentKind.REKEY, bundle_id, reason)

    def note_damage(self, sequence: int, reason: str) -> None:
        """Our bytes are lost: it waits, out of everybody's way, for a new seal."""
        damaged = self._connection.execute(
            "UPDATE outgoing SET state = 'damaged' WHERE life = ? AND sequence = ? AND state = 'pending'"
            " RETURNING bundle_id",
            (self.life().row, sequence),
        ).fetchall()
        for (bundle_id,) in damaged:
            incidents.report(self._connection, self._pair, IncidentKind.DAMAGED, bundle_id, reason)

    # Rows.

    def _lose(self, row: int) -> None:
        """The peer holds it no longer; if its bytes were pruned, it waits as a damaged one does."""
        ((bundle_id, pruned),) = self._connection.execute(
            "UPDATE outgoing SET state = CASE WHEN pruned THEN 'damaged' ELSE 'pending' END,"
            " receipted = NULL, rekey = NULL, stored_s = NULL, safe = 0"
            " WHERE outgoing = ? RETURNING bundle_id, pruned",
            (row,),
        ).fetchall()
        if pruned:
            incidents.report(self._connection, self._pair, IncidentKind.PRUNED_LOST, bundle_id, _PRUNED_LOST)

    def _mark_former(self, life: int, start: int, end: int, *, stored: bool) -> None:
        """What the peer has said of numbers that were given up."""
        self._connection.execute(
            "UPDATE former_number SET stored = ? WHERE life = ? AND sequence >= ? AND sequence < ?",
            (stored, life, start, end),
        )


def _bundle(row: tuple[Any, ...]) -> OutgoingBundle:
    incarnation, sequence, bundle_id, seal_tag, priority, dwell_code, recipient_key, size, rank, receipted = (
        row
    )
    offer = Offer(
        incarnation=Incarnation(incarnation),
        sequence=sequence,
        bundle_id=BundleId(bundle_id),
        seal_tag=SealTag(seal_tag),
        priority=Priority(priority),
        dwell_code=dwell_code,
        recipient_key=recipient_key,
        size_bytes=size,
    )
    ranges = None if receipted is None else decode_ranges(receipted)[0]
    return OutgoingBundle(offer=offer, rank=Rank(rank), receipted=ranges)
