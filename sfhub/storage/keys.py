"""Rows about keys: when ours were drawn, which ones sites have stated, and which count no longer."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.ids import key_id_of
from protocol.prekeys import KnownKey, Revocation, newest_of
from protocol.sealing import Prekey
from sync.stores.connection import Connection
from sync.stores.peer_keys import Vouching, keep_revocation, known_keys, note_gone_key

from .sites import Pair, all_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """One opening key of ours, held or destroyed."""

    epoch: int
    public_key: bytes
    made_s: float
    destroyed_s: float


# Ours.


def note_epoch(connection: Connection, epoch: int, public_key: bytes, now_s: float) -> None:
    """Known from now on. A key dated after `now_s` is dated anew: the clock was ahead when it was drawn, and
    a month has to end some day."""
    connection.execute(
        "INSERT INTO opening_epochs (epoch, public_key, made_s) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (epoch) DO UPDATE SET public_key = ?2, made_s = min(made_s, ?3)"
        " WHERE public_key <> ?2 OR made_s > ?3",
        (epoch, public_key, now_s),
    )


def note_destroyed(connection: Connection, epoch: int, now_s: float) -> None:
    connection.execute(
        "UPDATE opening_epochs SET destroyed_s = ? WHERE epoch = ? AND destroyed_s = 0", (now_s, epoch)
    )


def all_epochs(connection: Connection) -> tuple[EpochRow, ...]:
    """Oldest first, those that were destroyed too."""
    rows = connection.execute(
        "SELECT epoch, public_key, made_s, destroyed_s FROM opening_epochs ORDER BY epoch"
    ).fetchall()
    return tuple(
        EpochRow(epoch=epoch, public_key=public_key, made_s=made_s, destroyed_s=destroyed_s)
        for epoch, public_key, made_s, destroyed_s in rows
    )


def note_told(connection: Connection, pair: int, epoch: int) -> None:
    """In the transaction that queues the statement."""
    connection.execute("UPDATE pairs SET told_epoch = max(told_epoch, ?) WHERE number = ?", (epoch, pair))


# The sites'.


def keys_of(connection: Connection, pair: Pair) -> tuple[KnownKey, ...]:
    """All that may be sealed for: the key of the enrolment and every one stated since."""
    return known_keys(connection, _vouching(pair))


def recipient_of(connection: Connection, pair: Pair) -> Prekey:
    """What to seal for now."""
    newest = newest_of(keys_of(connection, pair))
    return Prekey(pair.opening_key if newest is None else newest.public_key)


def note_gone(connection: Connection, pair: Pair, *, gone_key: bytes, asked: KnownKey) -> None:
    """The site opens nothing for the one any more, but will open what is sealed for the other."""
    note_gone_key(connection, _vouching(pair), gone_key=gone_key, asked=asked)


def _vouching(pair: Pair) -> Vouching:
    return Vouching(signer=pair.signer.key_id, enrolled=pair.opening_key)


# Revoked.


def revoke_again(connection: Connection, revocation: Revocation, now_s: float) -> None:
    """What an older database does not know; idempotent."""
    keep_revocation(connection, revocation, now_s)
    for each in all_pairs(connection):
        if key_id_of(each.signing_key) == revocation.key_id:
            mark_pair_revoked(connection, each.number, now_s)


def mark_pair_revoked(connection: Connection, pair: int, now_s: float) -> None:
    connection.execute("UPDATE pairs SET revoked_s = ? WHERE number = ? AND revoked_s = 0", (now_s, pair))
