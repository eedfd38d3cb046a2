"""What places tell each other of their keys: the newest key to seal for, and keys that count no longer.

Law: a statement of keys is an entry of the site's pseudo-case, signed by the key of the place that makes it;
the newest one counts, however often and in whatever order older ones come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .exchange_keys import ExchangeKey
from .header import prekey_id
from .ids import KEY_ID_BYTES, ActorId, KeyId
from .schema import Choice, Number, Raw, Text, wire
from .stamps import COUNTER_MAX, WALL_S_MAX

EPOCH_MAX: Final = 65_535
"""Monthly epochs for five thousand years; a peer cannot run the number out by one great leap."""
LIST_VERSION_MAX: Final = 2**32 - 1
PREKEYS_KEPT_MAX: Final = 64
"""Public keys of one peer that a store remembers; the oldest epochs go first."""
_REASON_BYTES_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochKey:
    """The public key of one epoch. Epoch 0 is the key that enrolment exchanged and is never stated."""

    epoch: int = wire(1, Number(1, EPOCH_MAX))
    public_key: bytes = wire(2, ExchangeKey())
    made_s: int = wire(3, Number(0, WALL_S_MAX))
    """When the key was drawn, by its owner's clock: a claim for people, nothing is decided by it."""


class RevocationReason(IntEnum):
    """Why a key counts no longer."""

    LOST = 1
    STOLEN = 2
    REPLACED = 3
    RETIRED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One item of a hub's list of revoked device keys. The list only grows; of two items about one key the
    one with the higher version counts."""

    version: int = wire(1, Number(1, LIST_VERSION_MAX))
    key_id: bytes = wire(2, Raw(KEY_ID_BYTES))
    reason: RevocationReason = wire(3, Choice(RevocationReason))
    since: int = wire(4, Number(0, COUNTER_MAX))
    """The first Lamport counter that is not believed any more; 0 believes nothing that comes from now on."""
    remark: str | None = wire(5, Text(_REASON_BYTES_MAX), default=None)

    def covers(self, counter: int) -> bool:
        """Whether an entry of the revoked key with this counter is to be put aside."""
        return counter >= self.since


def machine_of(signing_key: KeyId) -> ActorId:
    """The author of what a machine states by itself: the name of its own signing key."""
    return ActorId(signing_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A public key of a peer that its signing key has vouched for."""

    epoch: int
    public_key: bytes
    order: tuple[int, bytes] = (0, b"")
    """Counter and id of the record that stated it: a restored peer may state two keys for one epoch."""
    gone: bool = False
    """The peer has said that it can open nothing for it any more."""

    @property
    def short_id(self) -> bytes:
        """The name bundle headers give it."""
        return prekey_id(self.public_key)


def newest_of(known: Iterable[KnownKey]) -> KnownKey | None:
    """What to seal for: the highest epoch the peer still has; of keys that are all gone, the highest, since
    what is sealed for it is asked for again while what is not sealed is nowhere."""
    return max(known, key=lambda each: (not each.gone, each.epoch, each.order), default=None)
