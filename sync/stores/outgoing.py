"""Our bundles towards one peer, as transactions see them: numbered, in custody, stored at the peer or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, SealTag, seal_tag_of
from protocol.ranges import RangeSet, decode_ranges, encode_ranges
from protocol.summary import digest

from ..ports import (
    OUTGOING_PAGE,
    REKEYS_MAX,
    RESEALS_MAX,
    STREAMS_MAX,
    AskedRekey,
    Offer,
    OutgoingBundle,
    Rank,
    SentStream,
)
from . import content, incidents
from .connection import Connection
from .incidents import IncidentKind

_BUNDLE: Final = """
    SELECT incarnation, sequence, bundle_id, seal_tag, priority, dwell_code, recipient_key, size_bytes, rank,
        receipted
    FROM outgoing JOIN life USING (life)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBundle:
    """What the application puts into custody."""

    bundle_id: BundleId
    priority: Priority
    rank: Rank
    recipient_key: bytes
    dwell_code: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SentState:
    """How far one bundle of ours has come."""

    stored: bool
    """The peer said that it durably holds all of it, and did not say that it cannot open it."""
    receipted_bytes: int
    size_bytes: int
    refusal: str
    """Why the peer would not take it as sealed; empty if it did not say so."""
    damaged: bool
    """Our bytes of it are lost; it goes out once it was sealed and added again."""
    unopened: bool = False
    """The peer has it and cannot open it; it goes out once more when it was sealed again."""


class _Life(NamedTuple):
    """One incarnation of this store towards the peer."""

    row: int
    incarnation: Incarnation
    sequence_max: int


class Outgoing:
    """The sending side of one pair, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair

    # The application's side.

    def add(self, new: NewBundle) -> Offer:
        """Number and keep it; a known one keeps its number, and its bytes unless they were lost."""
        known = self._connection.execute(
            "SELECT outgoing, state FROM outgoing WHERE pair = ? AND bundle_id = ?",
            (self._pair, new.bundle_id),
        ).fetchone()
        if known is None:
            self._insert(new)
        elif known[1] == "damaged":
            self._replace(known[0], new)
        return self._one(new.bundle_id).offer

    def state(self, bundle_id: BundleId) -> SentState | None:
        """How far it has come, None if it never was in custody."""
        row = self._connection.execute(
            "SELECT state, receipted, size_bytes, refusal, rekey FROM outgoing"
            " WHERE pair = ? AND bundle_id = ?",
            (self._pair, bundle_id),
        ).fetchone()
        if row is None:
            return None
        state, receipted, size_bytes, refusal, rekey = row
        return SentState(
            stored=state == "stored" and rekey is None,
            receipted_bytes=_receipted_bytes(state, size_bytes, receipted) if rekey is None else 0,
            size_bytes=size_bytes,
            refusal=refusal,
            damaged=state == "damaged",
            unopened=rekey is not None,
        )

    def rekeys(self) -> tuple[AskedRekey, ...]:
        """What the peer wants sealed again."""
        rows = self._connection.execute(
            "SELECT bundle_id, rekey, recipient_key FROM outgoing WHERE pair = ? AND rekey IS NOT NULL"
            " AND state <> 'withdrawn' ORDER BY priority, rank, sequence LIMIT ?",
            (self._pair, REKEYS_MAX),
        ).fetchall()
        return tuple(
            AskedRekey(bundle_id=BundleId(bundle_id), recipient_key=rekey, gone_key=gone)
            for bundle_id, rekey, gone in rows
        )

    def reseal(self, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        """Other bytes under the next number; the old number stays counted."""
        asked = self._connection.execute(
            "SELECT outgoing, life, sequence, state = 'stored', content FROM outgoing"
            " WHERE pair = ? AND bundle_id = ? AND rekey IS NOT NULL",
            (self._pair, bundle_id),
        ).fetchone()
        if asked is None:
            return None
        row, life, sequence, stored, old = asked
        self._connection.execute(
            "INSERT INTO former_number (life, sequence, bundle_id, stored) VALUES (?, ?, ?, ?)",
            (life, sequence, bundle_id, stored),
        )
        self._renumber(row)
        self._connection.execute(
            "UPDATE outgoing SET seal_tag = ?, recipient_key = ?, size_bytes = ?, content = ?,"
            " state = 'pending', refusal = '', rekey = NULL, reseals = reseals + 1 WHERE outgoing = ?",
            (seal_tag_of(sealed), recipient_key, len(sealed), self._keep(sealed), row),
        )
        content.drop(self._connection, old)
        return self._one(bundle_id).offer

    def withdraw(self, bundle_id: BundleId) -> bool:
        """Never send it (again) and drop its bytes; False, and nothing changed, while its sending has begun.

        A peer that holds half of it would keep that half for ever. The number stays given out.
        """
        row = self._connection.execute(
            "SELECT outgoing, content FROM outgoing WHERE pair = ? AND bundle_id = ?"
            " AND (state <> 'pending' OR receipted IS NULL)",
            (self._pair, bundle_id),
        ).fetchone()
        if row is None:
            return False
        self._connection.execute(
            "UPDATE outgoing SET state = 'withdrawn', rekey = NULL WHERE outgoing = ?", (row[0],)
        )
        # The row refers to a content that is empty from now on.
        content.empty(self._connection, row[1])
        return True

    # What a session asks.

    def life(self) -> _Life:
        """The current incarnation."""
        row = self._connection.execute(
            "SELECT life, incarnation, sequence_max FROM life WHERE pair = ? ORDER BY life DESC LIMIT 1",
            (self._pair,),
        ).fetchone()
        return _Life(*row)

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

    def stored(self, life: int) -> RangeSet:
        """Numbers of one life that the peer holds."""
        rows = self._connection.execute(
            "SELECT sequence FROM outgoing WHERE life = ?1 AND state = 'stored'"
            " UNION SELECT sequence FROM former_number WHERE life = ?1 AND stored",
            (life,),
        )
        return RangeSet.of((sequence, sequence + 1) for (sequence,) in rows)

    def former(self) -> tuple[SentStream, ...]:
        """Former incarnations of which the peer holds something, newest first."""
        rows = self._connection.execute(
            "SELECT life, incarnation FROM life WHERE pair = ? AND life <> ? AND"
            " (EXISTS (SELECT 1 FROM outgoing WHERE outgoing.life = life.life AND state = 'stored')"
            " OR EXISTS (SELECT 1 FROM former_number WHERE former_number.life = life.life AND stored))"
            " ORDER BY life DESC LIMIT ?",
            (self._pair, self.life().row, STREAMS_MAX),
        ).fetchall()
        return tuple(
            SentStream(incarnation=incarnation, stored=self.stored(life)) for life, incarnation in rows
        )

    def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The digest of our bundles with these numbers."""
        return digest(
            row[0]
            for table in ("outgoing", "former_number")
            for row in self._numbered(f"SELECT bundle_id FROM {table}", incarnation, sequences)
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

    def mark_stored(self, sequences: RangeSet) -> None:
        """The peer holds these of the current life."""
        life = self.life().row
        for start, end in sequences.spans:
            self._connection.execute(
                "UPDATE outgoing SET state = 'stored', refusal = ''"
                " WHERE life = ? AND sequence >= ? AND sequence < ? AND state NOT IN ('stored', 'withdrawn')",
                (life, start, end),
            )
            self._mark_former(life, start, end, stored=True)

    def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer holds these no longer: pending again, under new numbers if their life is over."""
        current = self.life()
        for start, end in sequences.spans:
            for (life,) in self._connection.execute(
                "SELECT life FROM life WHERE pair = ? AND incarnation = ?", (self._pair, incarnation)
            ).fetchall():
                self._mark_former(life, start, end, stored=False)
        for row, state in self._numbered("SELECT outgoing, state FROM outgoing", incarnation, sequences):
            if state != "stored":
                continue
            self._connection.execute(
                "UPDATE outgoing SET state = 'pending', receipted = NULL, rekey = NULL WHERE outgoing = ?",
                (row,),
            )
            if incarnation != current.incarnation:
                self._renumber(row)

    def renew(self, incarnation: Incarnation, reason: str) -> None:
        """Begin a new life in which everything that is not stored is numbered anew, in the old order."""
        former = self.life().row
        self._connection.execute(
            "INSERT INTO life (pair, incarnation, reason) VALUES (?, ?, ?)", (self._pair, incarnation, reason)
        )
        waiting = self._connection.execute(
            "SELECT outgoing FROM outgoing WHERE life = ? AND state NOT IN ('stored', 'withdrawn')"
            " ORDER BY sequence",
            (former,),
        ).fetchall()
        for (row,) in waiting:
            self._renumber(row)
        incidents.report(self._connection, self._pair, IncidentKind.RENEWED, incarnation, reason)

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
            "UPDATE outgoing SET rekey = ? WHERE sequence = ? AND reseals < ?"
            " AND life IN (SELECT life FROM life WHERE pair = ? AND incarnation = ?) RETURNING bundle_id",
            (recipient_key, sequence, RESEALS_MAX, self._pair, incarnation),
        ).fetchall()
        for (bundle_id,) in asked:
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

    def _mark_former(self, life: int, start: int, end: int, *, stored: bool) -> None:
        """What the peer has said of numbers that were given up."""
        self._connection.execute(
            "UPDATE former_number SET stored = ? WHERE life = ? AND sequence >= ? AND sequence < ?",
            (stored, life, start, end),
        )

    def _numbered(self, select: str, incarnation: Incarnation, sequences: RangeSet) -> Iterator[Any]:
        """Rows of one life in these ranges of numbers; all of a range is read before the next."""
        for start, end in sequences.spans:
            yield from self._connection.execute(
                f"{select} JOIN life USING (life)"
                " WHERE life.pair = ? AND incarnation = ? AND sequence >= ? AND sequence < ?",
                (self._pair, incarnation, start, end),
            ).fetchall()

    def _one(self, bundle_id: BundleId) -> OutgoingBundle:
        return _bundle(
            self._connection.execute(
                f"{_BUNDLE} WHERE outgoing.pair = ? AND bundle_id = ?", (self._pair, bundle_id)
            ).fetchone()
        )

    def _insert(self, new: NewBundle) -> None:
        life, sequence = self._next_number()
        self._connection.execute(
            "INSERT INTO outgoing (pair, life, sequence, bundle_id, seal_tag, priority, rank, dwell_code,"
            " recipient_key, size_bytes, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._pair,
                life,
                sequence,
                new.bundle_id,
                seal_tag_of(new.sealed),
                new.priority.value,
                new.rank.value,
                new.dwell_code,
                new.recipient_key,
                len(new.sealed),
                self._keep(new.sealed),
            ),
        )

    def _replace(self, row: int, new: NewBundle) -> None:
        """A new seal of a bundle whose bytes were lost; its number stays."""
        (lost,) = self._connection.execute(
            "SELECT content FROM outgoing WHERE outgoing = ?", (row,)
        ).fetchone()
        self._connection.execute(
            "UPDATE outgoing SET seal_tag = ?, recipient_key = ?, size_bytes = ?, content = ?,"
            " state = 'pending', receipted = NULL, refusal = '' WHERE outgoing = ?",
            (seal_tag_of(new.sealed), new.recipient_key, len(new.sealed), self._keep(new.sealed), row),
        )
        content.drop(self._connection, lost)

    def _keep(self, sealed: bytes) -> int:
        number = content.begin(self._connection, len(sealed))
        content.write(self._connection, number, 0, sealed)
        return number

    def _renumber(self, row: int) -> None:
        life, sequence = self._next_number()
        self._connection.execute(
            "UPDATE outgoing SET life = ?, sequence = ?, receipted = NULL WHERE outgoing = ?",
            (life, sequence, row),
        )

    def _next_number(self) -> tuple[int, int]:
        """The current life and its next number, which is never given out again."""
        numbered = self._connection.execute(
            "UPDATE life SET sequence_max = sequence_max + 1 WHERE life = ? RETURNING life, sequence_max",
            (self.life().row,),
        ).fetchall()
        return numbered[0][0], numbered[0][1]


def _receipted_bytes(state: str, size_bytes: int, receipted: bytes | None) -> int:
    return size_bytes if state == "stored" else len(_ranges(receipted) or ())


def _ranges(encoded: bytes | None) -> RangeSet | None:
    return None if encoded is None else decode_ranges(encoded)[0]


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
    return OutgoingBundle(offer=offer, rank=Rank(rank), receipted=_ranges(receipted))
