"""Keys in the vault: our opening keys by epoch, and those of the hubs that may be sealed for."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.ids import key_id_of
from protocol.keyring import KeyRing, OpeningKey
from protocol.prekeys import KnownKey
from sync.stores.connection import Connection
from sync.stores.peer_keys import Vouching, known_keys, note_gone_key

from .hubs import Hub

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
    connection.execute("UPDATE opening_key SET made_s = ?1 WHERE coalesce(made_s, ?1 + 1) > ?1", (now_s,))


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


def told_epoch(connection: Connection, hub: Hub) -> int:
    """The newest epoch that was stated to the hub; 0 is the one of the enrolment."""
    row = connection.execute("SELECT told_epoch FROM hub WHERE hub = ?", (hub.hub,)).fetchone()
    return 0 if row is None else int(row[0])


def note_told(connection: Connection, hub: Hub, epoch: int) -> None:
    """In the transaction that queues the statement."""
    connection.execute("UPDATE hub SET told_epoch = ? WHERE hub = ?", (epoch, hub.hub))


# A hub's.


def hub_keys(connection: Connection, hub: Hub) -> tuple[KnownKey, ...]:
    """All that may be sealed for: the key of the enrolment, and what the hub's present signing key vouched
    for since."""
    return known_keys(connection, _vouching(hub))


def note_gone(connection: Connection, hub: Hub, *, gone_key: bytes, asked: KnownKey) -> None:
    """The hub opens nothing for the one any more, but will open what is sealed for the other."""
    note_gone_key(connection, _vouching(hub), gone_key=gone_key, asked=asked)


def _vouching(hub: Hub) -> Vouching:
    return Vouching(signer=key_id_of(hub.signing), enrolled=hub.opening)
