"""A place's own opening keys by epoch: which is given out, when a new one is due, which may be destroyed.

Law: a wrong clock may make a key early or late, but destroys none by itself: destruction takes both an age
and a number of later epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from .header import prekey_id

DAY_S: Final = 24 * 3600
ROTATE_AFTER_S: Final = 30 * DAY_S
GRACE_S: Final = 400 * DAY_S
"""Longer than the longest voyage: what was sealed on the last day of an epoch still opens when it arrives."""
LATER_EPOCHS_MIN: Final = 14
"""How many epochs must have followed a key that is destroyed by age: the grace counted in rotations, so that
one leap of the clock, which makes one epoch at most, cannot stand for fourteen months."""
LAST_RESORT: Final = 0
"""The epoch of the enrolment: kept as long as nobody destroys it by name, so that a peer that missed every
later one can still be heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningKey:
    """One epoch's private key."""

    epoch: int
    private: X25519PrivateKey
    made_s: float
    """When it was drawn by the owner's clock, or the earliest moment since that the clock has shown."""

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def short_id(self) -> bytes:
        """The name bundle headers give it."""
        return prekey_id(self.public)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All opening keys that a place holds, oldest epoch first; never empty."""

    keys: tuple[OpeningKey, ...]

    @classmethod
    def of(cls, *keys: OpeningKey) -> KeyRing:
        return cls(tuple(sorted(keys, key=lambda key: key.epoch)))

    @property
    def newest(self) -> OpeningKey:
        """What peers are told to seal for."""
        return self.keys[-1]

    @property
    def enrolment(self) -> OpeningKey:
        """What a new peer is given: the last resort, or the oldest key if that was destroyed."""
        return self.keys[0]

    @property
    def private_keys(self) -> Mapping[bytes, X25519PrivateKey]:
        """By the name in a bundle's header, as `Sealer.open` wants them."""
        return {key.short_id: key.private for key in self.keys}

    def is_due(self, now_s: float) -> bool:
        """Whether the newest key has served its month. A key dated after `now_s` has not: the clock was put
        back, and the owner dates the key anew instead of drawing another at each such leap."""
        return now_s - self.newest.made_s >= ROTATE_AFTER_S

    def drawn(self, *, epoch: int, now_s: float) -> OpeningKey:
        """A fresh key whose short name none of ours has: of two keys with one name only one would open."""
        while True:
            key = OpeningKey(epoch=epoch, private=X25519PrivateKey.generate(), made_s=now_s)
            if key.short_id not in self.private_keys:
                return key

    def expired(self, now_s: float, *, grace_s: float = GRACE_S) -> tuple[int, ...]:
        """Epochs whose keys may be destroyed: the next one was drawn `grace_s` ago, and `LATER_EPOCHS_MIN`
        have followed. Never the last resort, never the newest."""
        return tuple(
            key.epoch
            for key, successor in zip(self.keys, self.keys[1:], strict=False)
            if key.epoch != LAST_RESORT
            and self.newest.epoch - key.epoch >= LATER_EPOCHS_MIN
            and now_s - successor.made_s >= grace_s
        )
