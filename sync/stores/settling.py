"""Whether all former lives of a pair were found settled, and in what state of theirs.

Law: whatever changes here what is known of former lives takes the note away in the same transaction.
"""

from __future__ import annotations

from protocol.ids import Incarnation
from protocol.summary import DIGEST_BYTES

from ..ports import Settlement
from .connection import Connection


def settlement_of(connection: Connection, pair: int) -> Settlement | None:
    """The note, if it still holds."""
    row = connection.execute("SELECT settled_with, settled_past FROM pair WHERE pair = ?", (pair,)).fetchone()
    if row[0] is None:
        return None
    return Settlement(peer_incarnation=Incarnation(row[0]), past=int.from_bytes(row[1], "big"))


def note_settled(connection: Connection, pair: int, settlement: Settlement) -> None:
    """It replaces the one before."""
    connection.execute(
        "UPDATE pair SET settled_with = ?, settled_past = ? WHERE pair = ?",
        (settlement.peer_incarnation, settlement.past.to_bytes(DIGEST_BYTES, "big"), pair),
    )


def unsettle(connection: Connection, pair: int) -> None:
    """Something of former lives is not as it was."""
    connection.execute(
        "UPDATE pair SET settled_with = NULL, settled_past = NULL"
        " WHERE pair = ? AND settled_with IS NOT NULL",
        (pair,),
    )
