"""Our bundles as the application sees them: put into custody, sealed again, taken back, pruned."""

from __future__ import annotations

from typing import Final

from protocol.ids import BundleId, seal_tag_of
from protocol.ranges import decode_ranges

from ..ports import REKEYS_MAX, AskedRekey, Offer
from . import content
from .connection import Connection
from .numbering import Numbering
from .outgoing import Outgoing
from .sent_values import NewBundle, SentState

PRUNE_PAGE: Final = 64
"""Bundles pruned in one transaction, so that nobody waits long behind it."""


class Despatch:
    """What the application does with our bundles towards one peer, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair
        self._numbering = Numbering(connection, pair)
        self._outgoing = Outgoing(connection, pair)

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
        return self._outgoing.one(new.bundle_id).offer

    def state(self, bundle_id: BundleId) -> SentState | None:
        """How far it has come, None if it never was in custody."""
        row = self._connection.execute(
            "SELECT state, receipted, size_bytes, refusal, rekey, safe FROM outgoing"
            " WHERE pair = ? AND bundle_id = ?",
            (self._pair, bundle_id),
        ).fetchone()
        if row is None:
            return None
        state, receipted, size_bytes, refusal, rekey, safe = row
        return SentState(
            stored=state == "stored" and rekey is None,
            receipted_bytes=_receipted_bytes(state, size_bytes, receipted) if rekey is None else 0,
            size_bytes=size_bytes,
            refusal=refusal,
            damaged=state == "damaged",
            unopened=rekey is not None,
            safe=bool(safe),
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

    def without_bytes(self, limit: int) -> tuple[BundleId, ...]:
        """What the peer lacks and cannot be sent, since its bytes are gone."""
        rows = self._connection.execute(
            "SELECT bundle_id FROM outgoing WHERE pair = ? AND state = 'damaged'"
            " ORDER BY priority, rank, sequence LIMIT ?",
            (self._pair, limit),
        ).fetchall()
        return tuple(BundleId(bundle_id) for (bundle_id,) in rows)

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
        self._numbering.renumber(row)
        self._connection.execute(
            "UPDATE outgoing SET seal_tag = ?, recipient_key = ?, size_bytes = ?, content = ?,"
            " state = 'pending', refusal = '', rekey = NULL, reseals = reseals + 1, stored_s = NULL,"
            " safe = 0, pruned = 0 WHERE outgoing = ?",
            (seal_tag_of(sealed), recipient_key, len(sealed), self._keep(sealed), row),
        )
        content.drop(self._connection, old)
        return self._outgoing.one(bundle_id).offer

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

    def date_receipts(self, since_s: float, now_s: float) -> None:
        """What was stored at the peer by a clock that was not set was stored now."""
        self._connection.execute(
            "UPDATE outgoing SET stored_s = ? WHERE pair = ? AND state = 'stored'"
            " AND (stored_s < ? OR stored_s > ?)",
            (now_s, self._pair, since_s, now_s),
        )

    def prune(self, stored_before_s: float, keep_newest: int) -> int:
        """Drop the bytes of a page of what is safe and old; how many bundles that were."""
        newest = self._connection.execute(
            "SELECT outgoing FROM outgoing WHERE pair = ? ORDER BY outgoing DESC LIMIT 1 OFFSET ?",
            (self._pair, keep_newest),
        ).fetchone()
        if newest is None:
            return 0
        rows = self._connection.execute(
            "SELECT outgoing, content FROM outgoing WHERE pair = ? AND outgoing <= ? AND state = 'stored'"
            " AND safe AND NOT pruned AND stored_s < ? LIMIT ?",
            (self._pair, newest[0], stored_before_s, PRUNE_PAGE),
        ).fetchall()
        for row, number in rows:
            self._connection.execute("UPDATE outgoing SET pruned = 1 WHERE outgoing = ?", (row,))
            content.empty(self._connection, number)
        return len(rows)

    # Rows.

    def _insert(self, new: NewBundle) -> None:
        life, sequence = self._numbering.next()
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
            " state = 'pending', receipted = NULL, refusal = '', pruned = 0 WHERE outgoing = ?",
            (seal_tag_of(new.sealed), new.recipient_key, len(new.sealed), self._keep(new.sealed), row),
        )
        content.drop(self._connection, lost)

    def _keep(self, sealed: bytes) -> int:
        number = content.begin(self._connection, len(sealed))
        content.write(self._connection, number, 0, sealed)
        return number


def _receipted_bytes(state: str, size_bytes: int, receipted: bytes | None) -> int:
    if state == "stored":
        return size_bytes
    return 0 if receipted is None else len(decode_ranges(receipted)[0])
