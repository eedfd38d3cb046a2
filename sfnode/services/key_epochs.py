"""The site's own opening keys in one transaction: drawn monthly, stated to each hub, destroyed in their time.

Law: a key is in the vault before a hub is told of it, and a clock that is not set moves nothing.
"""

from __future__ import annotations

from protocol.keyring import LAST_RESORT, KeyRing
from protocol.prekeys import EpochKey
from protocol.stamps import WALL_S_MAX, Certainty
from sfnode.vault import keys
from sfnode.vault.hubs import present_hubs

from .writing import Pen


def keep_keys_current(pen: Pen) -> bool:
    """Whether something was queued for a hub."""
    connection, now = pen.connection, pen.occasion.now
    if not present_hubs(connection):
        return False
    ring = keys.read_ring(connection) if now.certainty is Certainty.UNSET else _renewed(pen)
    newest = ring.newest
    if newest.epoch == LAST_RESORT:
        return False
    untold = [hub for hub in present_hubs(connection) if keys.told_epoch(connection, hub) != newest.epoch]
    made_s = min(max(0, int(newest.made_s)), WALL_S_MAX)
    stated = EpochKey(epoch=newest.epoch, public_key=newest.public, made_s=made_s)
    for hub in untold:
        pen.state(stated, hub, what="new key of this site")
        keys.note_told(connection, hub, newest.epoch)
    return bool(untold)


def _renewed(pen: Pen) -> KeyRing:
    connection, now_s = pen.connection, pen.now_s
    keys.date_keys(connection, now_s)
    ring = keys.read_ring(connection)
    if ring.is_due(now_s):
        keys.draw_key(connection, ring, now_s)
        ring = keys.read_ring(connection)
    expired = ring.expired(now_s)
    for epoch in expired:
        keys.destroy_key(connection, epoch)
    return keys.read_ring(connection) if expired else ring
