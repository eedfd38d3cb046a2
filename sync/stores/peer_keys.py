"""Keys of the other sides in a database: those that may be sealed for, and those that are revoked.

Law: nothing is sealed for a key that no believed signature vouched for, and of two items about one revoked
key the one with the higher version counts, whichever came first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from protocol.ids import KeyId
from protocol.prekeys import PREKEYS_KEPT_MAX, EpochKey, KnownKey, Revocation, RevocationReason
from protocol.records import Record

from .connection import Connection
from .migrations import Schema

PEER_KEYS_SCHEMA: Final = Schema.of_folder("peer_keys", files("sync.stores") / "schema")


@dataclass(frozen=True, slots=True)
class Vouching:
    """Who vouches for keys to seal for."""

    signer: KeyId
    """The signing key whose statements are believed."""
    enrolled: bytes
    """The public key of epoch 0, that of the enrolment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedKey:
    """One item of the list, and when it was noted here, Unix seconds."""

    revocation: Revocation
    noted_s: float


def keep_prekey(connection: Connection, signer: KeyId, record: Record) -> None:
    """What the owner of `signer` states of its own key; idempotent. Of one signer the newest are kept."""
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


def known_keys(connection: Connection, by: Vouching) -> tuple[KnownKey, ...]:
    """All that may be sealed for: the key of the enrolment and every one stated since."""
    rows = connection.execute(
        "SELECT epoch, public_key, counter, record_id, gone FROM prekey WHERE signer = ?", (by.signer,)
    ).fetchall()
    known = {by.enrolled: KnownKey(epoch=0, public_key=by.enrolled)}
    for epoch, public_key, counter, record_id, gone in rows:
        known[public_key] = KnownKey(
            epoch=epoch, public_key=public_key, order=(counter, record_id), gone=bool(gone)
        )
    return tuple(known.values())


def note_gone_key(connection: Connection, by: Vouching, *, gone_key: bytes, asked: KnownKey) -> None:
    """The peer opens nothing for `gone_key` (a short id) any more, but will open what is sealed for
    `asked`."""
    for known in known_keys(connection, by):
        if known.short_id in (gone_key, asked.short_id):
            connection.execute(
                "INSERT INTO prekey (signer, epoch, public_key, counter, record_id, gone)"
                " VALUES (?, ?, ?, 0, x'', ?)"
                " ON CONFLICT (signer, epoch, public_key) DO UPDATE SET gone = excluded.gone",
                (by.signer, known.epoch, known.public_key, known.public_key != asked.public_key),
            )


def keep_revocation(connection: Connection, revocation: Revocation, now_s: float, *, by: bytes = b"") -> None:
    """Idempotent; the first moment at which a key was noted stays. `by` tells the lists of several sides
    apart: what one revokes counts in its own cases alone."""
    connection.execute(
        "INSERT INTO revocation (key_id, version, reason, since, remark, noted_s, said_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key_id, said_by) DO UPDATE SET version = excluded.version, reason = excluded.reason,"
        " since = excluded.since, remark = excluded.remark"
        " WHERE excluded.version > revocation.version",
        (
            revocation.key_id,
            revocation.version,
            int(revocation.reason),
            revocation.since,
            revocation.remark,
            now_s,
            by,
        ),
    )


def revocations(connection: Connection) -> Mapping[KeyId, RevokedKey]:
    """The whole list, lowest version first."""
    rows = connection.execute(f"{_SELECT} ORDER BY version").fetchall()
    return {KeyId(row[0]): _revoked(row) for row in rows}


def revocation_of(connection: Connection, key_id: KeyId, *, by: bytes = b"") -> Revocation | None:
    """The item about one key in the list of that side, if there is one."""
    row = connection.execute(f"{_SELECT} WHERE key_id = ? AND said_by = ?", (key_id, by)).fetchone()
    return None if row is None else _revoked(row).revocation


_SELECT: Final = "SELECT key_id, version, reason, since, remark, noted_s FROM revocation"


def _revoked(row: tuple[bytes, int, int, int, str | None, float]) -> RevokedKey:
    key_id, version, reason, since, remark, noted_s = row
    return RevokedKey(
        revocation=Revocation(
            version=version,
            key_id=key_id,
            reason=RevocationReason(reason),
            since=since,
            remark=remark,
        ),
        noted_s=noted_s,
    )
