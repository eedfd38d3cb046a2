"""The peer's bundles as the application sees them: waiting, then taken or put aside, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protocol.ids import BundleId, Incarnation

from ..ports import REKEYS_MAX, ReceivedBundle, UnopenedBundle
from . import content, incidents
from .connection import Connection
from .content import ContentDamaged
from .errors import StoreDamaged
from .incidents import IncidentKind
from .incoming import OFFER_COLUMNS, let_go_of, offer_of


class ReceivedDamaged(StoreDamaged):
    """A received bundle whose sealed bytes cannot be read back."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


class Arrivals:
    """What the application does with the peer's whole bundles, inside one transaction."""

    def __init__(self, connection: Connection, pair: int) -> None:
        self._connection = connection
        self._pair = pair

    def received_after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        """Whole bundles not taken yet, in order of arrival; `ReceivedDamaged` if one cannot be read."""
        rows = self._connection.execute(
            f"SELECT {OFFER_COLUMNS}, received FROM received WHERE pair = ? AND received > ?"
            " AND content IS NOT NULL AND quarantine = '' ORDER BY received LIMIT ?",
            (self._pair, row, limit),
        ).fetchall()
        return tuple(self._received(found) for found in rows)

    def take(self, row: int) -> None:
        """The application has it: the sealed bytes go, the bundle stays held."""
        taken = self._connection.execute(
            "SELECT content FROM received WHERE pair = ? AND received = ? AND content IS NOT NULL",
            (self._pair, row),
        ).fetchone()
        if taken is not None:
            self._settle(row)
            self._connection.execute(
                "UPDATE received SET content = NULL, rekey = NULL WHERE received = ?", (row,)
            )
            content.drop(self._connection, taken[0])

    def quarantine(self, row: int, reason: str) -> None:
        """It cannot be opened: kept aside with the reason."""
        self._settle(row)
        for bundle_id in self._put_aside(row, reason):
            self._report(IncidentKind.QUARANTINED, bundle_id, reason)

    def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        """Kept aside until the peer has sealed it for another key; until then it is not settled."""
        waiting = self._connection.execute(
            "UPDATE received SET rekey = ?, settled = NULL"
            " WHERE pair = ? AND received = ? AND content IS NOT NULL RETURNING bundle_id, recipient_key",
            (recipient_key, self._pair, row),
        ).fetchall()
        for bundle_id, sealed_for in waiting:
            self._put_aside(row, reason)
            if sealed_for != recipient_key:
                # Else only a difference came, and all of it is asked for: nobody need be told.
                self._report(IncidentKind.QUARANTINED, bundle_id, reason)

    def unopened(self) -> tuple[UnopenedBundle, ...]:
        """What the peer shall seal again, by the number it knows it under."""
        rows = self._connection.execute(
            "SELECT incarnation, sequence, rekey FROM received WHERE pair = ? AND rekey IS NOT NULL"
            " ORDER BY received LIMIT ?",
            (self._pair, REKEYS_MAX),
        ).fetchall()
        return tuple(
            UnopenedBundle(incarnation=Incarnation(incarnation), sequence=sequence, recipient_key=key)
            for incarnation, sequence, key in rows
        )

    def discard(self, bundle_id: BundleId) -> None:
        """The sealed bytes of a bundle that was kept aside go; it stays held. Idempotent."""
        row = self._connection.execute(
            "SELECT received FROM received WHERE pair = ? AND bundle_id = ?", (self._pair, bundle_id)
        ).fetchone()
        if row is not None:
            self.take(row[0])

    def forget(self, row: int, reason: str) -> None:
        """Its bytes are lost: no longer held, so that the next comparison of what is held makes the peer send
        it again."""
        found = self._connection.execute(
            "DELETE FROM received WHERE pair = ? AND received = ? RETURNING bundle_id, content",
            (self._pair, row),
        ).fetchall()
        for bundle_id, number in found:
            content.drop(self._connection, number)
            self._let_go(bundle_id)
            self._report(IncidentKind.DAMAGED, bundle_id, reason)

    def give_up(self, rows: Sequence[int]) -> None:
        """What was taken has been lost since: no longer held, so that the peer sends it again."""
        for row in rows:
            gone = self._connection.execute(
                "DELETE FROM received WHERE pair = ? AND received = ? AND content IS NULL"
                " RETURNING bundle_id",
                (self._pair, row),
            ).fetchall()
            for (bundle_id,) in gone:
                self._let_go(bundle_id)
        reason = f"{len(rows)} messages, up to no. {max(rows)}, are asked for again"
        incidents.report(self._connection, self._pair, IncidentKind.UNAPPLIED, b"", reason)

    # Rows.

    def _settle(self, row: int) -> None:
        """The next backup of store and application has it; the first time counts."""
        ((settled,),) = self._connection.execute(
            "UPDATE store SET settled = settled + 1 RETURNING settled"
        ).fetchall()
        self._connection.execute(
            "UPDATE received SET settled = ? WHERE pair = ? AND received = ? AND settled IS NULL"
            " AND rekey IS NULL",
            (settled, self._pair, row),
        )

    def _put_aside(self, row: int, reason: str) -> tuple[bytes, ...]:
        """The id of the bundle in that row, if there is one."""
        aside = self._connection.execute(
            "UPDATE received SET quarantine = ? WHERE pair = ? AND received = ? RETURNING bundle_id",
            (reason, self._pair, row),
        ).fetchall()
        return tuple(bundle_id for (bundle_id,) in aside)

    def _report(self, kind: IncidentKind, bundle_id: bytes, reason: str) -> None:
        incidents.report(self._connection, self._pair, kind, bundle_id, reason)

    def _let_go(self, bundle_id: bytes) -> None:
        """No number of the peer's counts as held because of it, nor as safe."""
        numbers = self._connection.execute(
            "DELETE FROM held WHERE bundle_id = ? AND stream IN (SELECT stream FROM stream WHERE pair = ?)"
            " RETURNING stream, sequence",
            (bundle_id, self._pair),
        ).fetchall()
        for stream, sequence in numbers:
            let_go_of(self._connection, stream, sequence)

    def _received(self, row: tuple[Any, ...]) -> ReceivedBundle:
        *_, size_bytes, number, arrival = row
        try:
            sealed = content.read(self._connection, number, 0, size_bytes)
        except ContentDamaged as error:
            raise ReceivedDamaged(arrival, str(error)) from error
        return ReceivedBundle(row=arrival, offer=offer_of(row), sealed=sealed)
