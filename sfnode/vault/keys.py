"""Keys in the vault: our opening keys by epoch, those that the hub has stated, and those it has revoked."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.ids import KeyId, key_id_of
from protocol.keyring import KeyRing, OpeningKey
from protocol.prekeys import PREKEYS_KEPT_MAX, EpochKey, KnownKey, Revocation, RevocationReason, newest_of
from protocol.records import Record
from protocol.sealing import Prekey
from sync.stores.connection import Connection

# Ours.


def read_ring(connection: Connection) -> KeyRing:
    """Every opening key that is held."""
    rows = connection.execute(
        "SELECT epoch, private_key, coalesce(made_s, 0) FROM opening_key WHERE private_key IS NOT NULL"
    ).fetchall()
    return KeyRing.of(
        *(
            OpeningKey(epoch=epoch, private=X25519PrivateKey.from_private_bytes(private), made_s=made_s)
            for epoch, private, made_s in rows
        )
    )


def date_keys(connection: Connection, now_s: int) -> None:
    """No key was drawn later than now: one that says so was dated by a clock that was ahead."""
    connection.execute("UPDATE opening_key SET made_s = min(coalesce(made_s, ?1), ?1)", (now_s,))


def draw_key(connection: Connection, ring: KeyRing, now_s: int) -> None:
    """The next epoch, above all that ever were."""
    ((epoch,),) = connection.execute("SELECT max(epoch) + 1 FROM opening_key").fetchall()
    key = ring.drawn(epoch=epoch, now_s=now_s)
    keep_opening_key(connection, key.epoch, key.private, now_s)


def keep_opening_key(
    connection: Connection, epoch: int, private: X25519PrivateKey, made_s: int | None
) -> None:
    """`made_s` None: the first look at the clock will date it."""
    connection.execute(
        "INSERT INTO opening_key (epoch, private_key, made_s) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (epoch, private.private_bytes_raw(), made_s),
    )


def destroy_key(connection: Connection, epoch: int) -> None:
    """The number stays, so that it is never given again; the newest key is never destroyed."""
    connection.execute(
        "UPDATE opening_key SET private_key = NULL WHERE epoch = ?"
        " AND epoch < (SELECT max(epoch) FROM opening_key)",
        (epoch,),
    )


def told_epoch(connection: Connection) -> int:
    """The newest epoch that was stated to the hub; 0 is the one of the enrolment."""
    row = connection.execute("SELECT told_epoch FROM hub").fetchone()
    return 0 if row is None else int(row[0])


def note_told(connection: Connection, epoch: int) -> None:
    """In the transaction that queues the statement."""
    connection.execute("UPDATE hub SET told_epoch = ?", (epoch,))


# The hub's.


def keep_prekey(connection: Connection, signer: KeyId, record: Record) -> None:
    """What the hub states of its own key; idempotent."""
    stated: EpochKey = record.body
    connection.execute(
        "INSERT INTO prekey (signer, epoch, public_key, counter, record_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (signer, stated.epoch, stated.public_key, record.stamp.counter, record.record_id),
    )
    connection.execute(
        "DELETE FROM prekey WHERE signer = ?1 AND (epoch, public_key) NOT IN"
        " (SELECT epoch, public_key FROM prekey WHERE signer = ?1 ORDER BY epoch DESC,"
        " counter DESC LIMIT ?2)",
        (signer, PREKEYS_KEPT_MAX),
    )


def hub_keys(connection: Connection) -> tuple[KnownKey, ...]:
    """All that may be sealed for: the key of the enrolment, and what the hub's present signing key vouched
    for since. Empty before enrolment."""
    hub = connection.execute("SELECT signing, opening FROM hub").fetchone()
    if hub is None:
        return ()
    signing, opening = hub
    rows = connection.execute(
        "SELECT epoch, public_key, counter, record_id, gone FROM prekey WHERE signer = ?",
        (key_id_of(signing),),
    ).fetchall()
    known = {opening: KnownKey(epoch=0, public_key=opening)}
    for epoch, public_key, counter, record_id, gone in rows:
        known[public_key] = KnownKey(
            epoch=epoch, public_key=public_key, order=(counter, record_id), gone=bool(gone)
        )
    return tuple(known.values())


def recipient(connection: Connection) -> Prekey | None:
    """What to seal for now; None before enrolment."""
    newest = newest_of(hub_keys(connection))
    return None if newest is None else Prekey(newest.public_key)


def note_gone(connection: Connection, *, gone_key: bytes, asked: KnownKey) -> None:
    """The hub opens nothing for the one any more, but will open what is sealed for the other."""
    for known in hub_keys(connection):
        if known.short_id in (gone_key, asked.short_id):
            connection.execute(
                "INSERT INTO prekey (signer, epoch, public_key, counter, record_id, gone)"
                " SELECT ?, ?, ?, 0, x'', ? WHERE true"
                " ON CONFLICT (signer, epoch, public_key) DO UPDATE SET gone = excluded.gone",
                (
                    key_id_of(connection.execute("SELECT signing FROM hub").fetchone()[0]),
                    known.epoch,
                    known.public_key,
                    known.public_key != asked.public_key,
                ),
            )


# Revoked.


def keep_revocation(connection: Connection, revocation: Revocation) -> None:
    """Of two items about one key the one with the higher version counts."""
    connection.execute(
        "INSERT INTO revocation (key_id, version, reason, since, remark) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (key_id) DO UPDATE SET version = excluded.version, reason = excluded.reason,"
        " since = excluded.since, remark = excluded.remark WHERE excluded.version > revocation.version",
        (
            revocation.key_id,
            revocation.version,
            int(revocation.reason),
            revocation.since,
            revocation.remark,
        ),
    )


def revocation_of(connection: Connection, key_id: KeyId) -> Revocation | None:
    """The item about one key, if there is one."""
    row = connection.execute(
        "SELECT version, reason, since, remark FROM revocation WHERE key_id = ?", (key_id,)
    ).fetchone()
    if row is None:
        return None
    version, reason, since, remark = row
    return Revocation(
        version=version, key_id=key_id, reason=RevocationReason(reason), since=since, remark=remark
    )
