"""Keys in the vault: our opening keys by epoch, and those of the hub that may be sealed for."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.ids import key_id_of
from protocol.keyring import KeyRing, OpeningKey
from protocol.prekeys import KnownKey, newest_of
from protocol.sealing import Prekey
from sync.stores.connection import Connection
from sync.stores.peer_keys import Vouching, known_keys, note_gone_key

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


def hub_keys(connection: Connection) -> tuple[KnownKey, ...]:
    """All that may be sealed for: the key of the enrolment, and what the hub's present signing key vouched
    for since. Empty before enrolment."""
    hub = _vouching(connection)
    return () if hub is None else known_keys(connection, hub)


def recipient(connection: Connection) -> Prekey | None:
    """What to seal for now; None before enrolment."""
    newest = newest_of(hub_keys(connection))
    return None if newest is None else Prekey(newest.public_key)


def note_gone(connection: Connection, *, gone_key: bytes, asked: KnownKey) -> None:
    """The hub opens nothing for the one any more, but will open what is sealed for the other."""
    if hub := _vouching(connection):
        note_gone_key(connection, hub, gone_key=gone_key, asked=asked)


def _vouching(connection: Connection) -> Vouching | None:
    hub = connection.execute("SELECT signing, opening FROM hub").fetchone()
    return None if hub is None else Vouching(signer=key_id_of(hub[0]), enrolled=hub[1])
