"""A seal that hides nothing, for worlds in which encryption would only cost time.

As large as the real one, bound to the same facts and opened by the same key alone; always the same for the
same arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.errors import SealBroken, UnknownKey
from protocol.header import Suite
from protocol.sealing import SEGMENT_BYTES, Prekey, SealContext, sealed_size_bytes
from protocol.small_seal import SmallContext, SmallKey, open_small, seal_small

_TAG_BYTES: Final = 32


class EqualSizeSealer:
    """`protocol.sealing.Sealer` without the secrecy; the small profile is the real one."""

    def __init__(self) -> None:
        self._public_keys: dict[X25519PrivateKey, bytes] = {}

    def seal(self, plain: bytes, recipient: Prekey, context: SealContext) -> tuple[Suite, bytes]:
        suite = Suite.HPKE if len(plain) <= SEGMENT_BYTES else Suite.HPKE_STREAM
        padding = bytes(sealed_size_bytes(len(plain)) - len(plain) - _TAG_BYTES)
        return suite, _tag(plain, recipient.public_key, context.info(suite)) + plain + padding

    def open(
        self, suite: Suite, sealed: bytes, keys: Mapping[bytes, X25519PrivateKey], context: SealContext
    ) -> bytes:
        private_key = keys.get(context.recipient_key)
        if private_key is None:
            raise UnknownKey(f"sealed for key {context.recipient_key.hex()}, which is not held here")
        plain = sealed[_TAG_BYTES : _TAG_BYTES + _plain_size_bytes(len(sealed))]
        if sealed[:_TAG_BYTES] != _tag(plain, self._public_key(private_key), context.info(suite)):
            raise SealBroken("the seal does not open: altered on the way, or not meant for this place")
        return plain

    def seal_small(self, plain: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return seal_small(plain, key, context)

    def open_small(self, sealed: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return open_small(sealed, key, context)

    def _public_key(self, private_key: X25519PrivateKey) -> bytes:
        """Once for each key: deriving it costs as much as a seal."""
        if private_key not in self._public_keys:
            self._public_keys[private_key] = private_key.public_key().public_bytes_raw()
        return self._public_keys[private_key]


def _tag(plain: bytes, public_key: bytes, info: bytes) -> bytes:
    return blake2b(info + plain, digest_size=_TAG_BYTES, key=public_key).digest()


def _plain_size_bytes(sealed_bytes: int) -> int:
    """The inverse of `sealed_size_bytes`."""
    short = sealed_bytes - (sealed_size_bytes(0))
    if short <= SEGMENT_BYTES:
        return short
    segments = -(-(sealed_bytes - sealed_size_bytes(SEGMENT_BYTES + 1)) // (SEGMENT_BYTES + 16)) + 2
    envelope = sealed_size_bytes(SEGMENT_BYTES + 1) - (SEGMENT_BYTES + 1) - 2 * 16
    while sealed_size_bytes(max(0, sealed_bytes - envelope - 16 * segments)) != sealed_bytes:
        segments -= 1
    return sealed_bytes - envelope - 16 * segments
