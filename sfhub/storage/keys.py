"""Rows about keys: when ours were drawn, which ones sites have stated, and which count no longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.ids import KeyId, key_id_of
from protocol.prekeys import PREKEYS_KEPT_MAX, EpochKey, KnownKey, Revocation, RevocationReason, newest_of
from protocol.records import Record
from protocol.sealing import Prekey
from sync.stores.connection import Connection

from .sites import Pair, all_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """One opening key of ours, held or destroyed."""

    epoch: int
    public_key: bytes
    made_s: float
    destroyed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedKey:
    """One item of our list, and when it was written."""

    revocation: Revocation
    revoked_s: float


# Ours.


def note_epoch(connection: Connection, epoch: int, public_key: bytes, now_s: float) -> None:
    """Known from now on. A key dated after `now_s` is dated anew: the clock was ahead when it was drawn, and
    a month has to end some day."""
    connection.execute(
        "INSERT INTO opening_epochs (epoch, public_key, made_s) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (epoch) DO UPDATE SET public_key = ?2, made_s = min(made_s, ?3)",
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


def keep_prekey(connection: Connection, signer: KeyId, record: Record) -> None:
    """What a device states of its own key; idempotent."""
    stated: EpochKey = record.body
    connection.execute(
        "INSERT INTO prekeys (signer, epoch, public_key, counter, record_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (signer, stated.epoch, stated.public_key, record.stamp.counter, record.record_id),
    )
    connection.execute(
        "DELETE FROM prekeys WHERE signer = ?1 AND (epoch, public_key) NOT IN"
        " (SELECT epoch, public_key FROM prekeys WHERE signer = ?1 ORDER BY epoch DESC,"
        " counter DESC LIMIT ?2)",
        (signer, PREKEYS_KEPT_MAX),
    )


def keys_of(connection: Connection, pair: Pair) -> tuple[KnownKey, ...]:
    """All that may be sealed for: the key of the enrolment and every one stated since."""
    rows = connection.execute(
        "SELECT epoch, public_key, counter, record_id, gone FROM prekeys WHERE signer = ?",
        (pair.signer.key_id,),
    ).fetchall()
    known = {pair.opening_key: KnownKey(epoch=0, public_key=pair.opening_key)}
    for epoch, public_key, counter, record_id, gone in rows:
        known[public_key] = KnownKey(
            epoch=epoch, public_key=public_key, order=(counter, record_id), gone=bool(gone)
        )
    return tuple(known.values())


def recipient_of(connection: Connection, pair: Pair) -> Prekey:
    """What to seal for now."""
    newest = newest_of(keys_of(connection, pair))
    return Prekey(pair.opening_key if newest is None else newest.public_key)


def note_gone(connection: Connection, pair: Pair, *, gone_key: bytes, asked: KnownKey) -> None:
    """The site opens nothing for the one any more, but will open what is sealed for the other."""
    for known in keys_of(connection, pair):
        if known.short_id in (gone_key, asked.short_id):
            connection.execute(
                "INSERT INTO prekeys (signer, epoch, public_key, counter, record_id, gone)"
                " VALUES (?, ?, ?, 0, x'', ?)"
                " ON CONFLICT (signer, epoch, public_key) DO UPDATE SET gone = excluded.gone",
                (pair.signer.key_id, known.epoch, known.public_key, known.public_key != asked.public_key),
            )


# Revoked.


def add_revocation(connection: Connection, revocation: Revocation, now_s: float) -> None:
    """The item with the higher version counts."""
    connection.execute(
        "INSERT INTO revocations (key_id, version, reason, since, remark, revoked_s)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key_id) DO UPDATE SET version = excluded.version,"
        " reason = excluded.reason, since = excluded.since, remark = excluded.remark"
        " WHERE excluded.version > revocations.version",
        (
            revocation.key_id,
            revocation.version,
            int(revocation.reason),
            revocation.since,
            revocation.remark,
            now_s,
        ),
    )


def revoke_again(connection: Connection, revocation: Revocation, now_s: float) -> None:
    """What an older database does not know; idempotent."""
    add_revocation(connection, revocation, now_s)
    for each in all_pairs(connection):
        if key_id_of(each.signing_key) == revocation.key_id:
            mark_pair_revoked(connection, each.number, now_s)


def mark_pair_revoked(connection: Connection, pair: int, now_s: float) -> None:
    connection.execute("UPDATE pairs SET revoked_s = ? WHERE number = ? AND revoked_s = 0", (now_s, pair))


def revocations(connection: Connection) -> Mapping[KeyId, RevokedKey]:
    """The whole list."""
    rows = connection.execute(
        "SELECT key_id, version, reason, since, remark, revoked_s FROM revocations ORDER BY version"
    ).fetchall()
    return {
        KeyId(key_id): RevokedKey(
            revocation=Revocation(
                version=version,
                key_id=key_id,
                reason=RevocationReason(reason),
                since=since,
                remark=remark,
            ),
            revoked_s=revoked_s,
        )
        for key_id, version, reason, since, remark, revoked_s in rows
    }


def revocation_of(connection: Connection, key_id: KeyId) -> Revocation | None:
    """The item about one key."""
    found = revocations(connection).get(key_id)
    return None if found is None else found.revocation
