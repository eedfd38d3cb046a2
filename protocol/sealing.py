"""Sealing: HPKE to the recipient's prekey, and 16 KiB STREAM segments for what is larger.

Everything that must not be exchanged between bundles (`SealContext`) is bound into the seal; changing a byte
of it makes the bundle unreadable. Randomness of HPKE itself stays inside the library, behind `Sealer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as HpkeSuite

from .errors import SealBroken, UnknownKey
from .header import BundleHeader, Priority, Suite, prekey_id
from .ids import BundleId, Mailbox, Pseudonym
from .small_seal import SmallContext, SmallKey, open_small, seal_small

SEGMENT_BYTES: Final = 16 * 1024
"""Plain bytes of one STREAM segment: each is verified before the next is read."""
TAG_BYTES: Final = 16
HPKE_OVERHEAD_BYTES: Final = 32 + TAG_BYTES
CONTENT_KEY_BYTES: Final = 32
_ENVELOPE_BYTES: Final = HPKE_OVERHEAD_BYTES + CONTENT_KEY_BYTES
_SEALED_SEGMENT_BYTES: Final = SEGMENT_BYTES + TAG_BYTES
_HPKE: Final = HpkeSuite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContext:
    """What a seal binds besides its content. Sequence, incarnation, dwell and tag are custody facts: they
    change when a store is renumbered or the bundle is relayed; the session channel authenticates those."""

    destination: Mailbox
    origin: Pseudonym
    recipient_key: bytes
    bundle_id: BundleId
    priority: Priority

    @classmethod
    def of(cls, header: BundleHeader) -> SealContext:
        return cls(
            destination=header.destination,
            origin=header.origin,
            recipient_key=header.recipient_key,
            bundle_id=header.bundle_id,
            priority=header.priority,
        )

    def info(self, suite: Suite) -> bytes:
        """HPKE `info`: every part has a fixed length, so that no two contexts share an encoding."""
        parts = (
            bytes((suite,)),
            self.destination,
            self.origin,
            self.recipient_key,
            self.bundle_id,
            bytes((self.priority,)),
        )
        return b"sf-bundle-1" + b"".join(parts)


@dataclass(frozen=True, slots=True)
class Prekey:
    """A recipient's public key of one epoch."""

    public_key: bytes

    @property
    def short_id(self) -> bytes:
        """Two bytes in the header say which private key opens it."""
        return prekey_id(self.public_key)


class Sealer(Protocol):
    """Where encryption and its randomness live; a deterministic one of equal size serves simulations."""

    def seal(self, plain: bytes, recipient: Prekey, context: SealContext) -> tuple[Suite, bytes]:
        """Sealed bytes that only the holder of `recipient`'s private key can open."""

    def open(
        self, suite: Suite, sealed: bytes, keys: Mapping[bytes, X25519PrivateKey], context: SealContext
    ) -> bytes:
        """The plain bytes. `UnknownKey` when no such key is held, `SealBroken` when it does not open."""

    def seal_small(self, plain: bytes, key: SmallKey, context: SmallContext) -> bytes:
        """Suite 3: epoch, ciphertext and tag; always the same for the same arguments."""

    def open_small(self, sealed: bytes, key: SmallKey, context: SmallContext) -> bytes:
        """The plain bytes. `BundleRefused` for another epoch, `SealBroken` when it does not open."""


class HpkeSealer:
    """The real one."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def seal(self, plain: bytes, recipient: Prekey, context: SealContext) -> tuple[Suite, bytes]:
        public_key = X25519PublicKey.from_public_bytes(recipient.public_key)
        if len(plain) <= SEGMENT_BYTES:
            suite = Suite.HPKE
            return suite, _HPKE.encrypt(plain, public_key, info=context.info(suite))
        suite = Suite.HPKE_STREAM
        content_key = self._random_bytes(CONTENT_KEY_BYTES)
        envelope = _HPKE.encrypt(content_key, public_key, info=context.info(suite))
        return suite, envelope + _seal_segments(content_key, plain)

    def open(
        self, suite: Suite, sealed: bytes, keys: Mapping[bytes, X25519PrivateKey], context: SealContext
    ) -> bytes:
        private_key = keys.get(context.recipient_key)
        if private_key is None:
            raise UnknownKey(f"sealed for key {context.recipient_key.hex()}, which is not held here")
        try:
            if suite is Suite.HPKE:
                return _HPKE.decrypt(sealed, private_key, info=context.info(suite))
            content_key = _HPKE.decrypt(sealed[:_ENVELOPE_BYTES], private_key, info=context.info(suite))
        except (InvalidTag, ValueError) as error:
            raise SealBroken("the seal does not open: altered on the way, or sealed for another") from error
        return _open_segments(content_key, sealed[_ENVELOPE_BYTES:])

    def seal_small(self, plain: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return seal_small(plain, key, context)

    def open_small(self, sealed: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return open_small(sealed, key, context)


def sealed_size_bytes(plain_size_bytes: int) -> int:
    """What sealing makes of a payload: 48 bytes more, or 80 and 16 for each segment above 16 KiB."""
    if plain_size_bytes <= SEGMENT_BYTES:
        return plain_size_bytes + HPKE_OVERHEAD_BYTES
    segments = -(-plain_size_bytes // SEGMENT_BYTES)
    return plain_size_bytes + _ENVELOPE_BYTES + segments * TAG_BYTES


def _nonce(index: int, last: bool) -> bytes:
    """STREAM (Hoang et al., CRYPTO 2015): position and end are part of each segment's nonce."""
    return index.to_bytes(11, "big") + bytes((last,))


def _seal_segments(content_key: bytes, plain: bytes) -> bytes:
    cipher = ChaCha20Poly1305(content_key)
    starts = range(0, len(plain), SEGMENT_BYTES)
    return b"".join(
        cipher.encrypt(_nonce(index, start == starts[-1]), plain[start : start + SEGMENT_BYTES], None)
        for index, start in enumerate(starts)
    )


def _open_segments(content_key: bytes, sealed: bytes) -> bytes:
    cipher = ChaCha20Poly1305(content_key)
    starts = range(0, len(sealed), _SEALED_SEGMENT_BYTES)
    if not starts:
        raise SealBroken("the body is missing: cut short on the way")
    try:
        return b"".join(
            cipher.decrypt(
                _nonce(index, start == starts[-1]), sealed[start : start + _SEALED_SEGMENT_BYTES], None
            )
            for index, start in enumerate(starts)
        )
    except (InvalidTag, ValueError) as error:
        raise SealBroken("a segment does not open: altered, reordered or cut short on the way") from error
