"""Content to the bytes that custody keeps, and back: a suite byte, then what the sealer made of the content.

Both ends of a pair seal and open here, so that neither can differ in what is bound, nor forget to check that
a bundle holds what its id says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.bundle import BundleContent, bundle_id_of, pack, unpack
from protocol.errors import BundleRefused
from protocol.header import Priority, Suite
from protocol.ids import BundleId, Mailbox, Pseudonym
from protocol.limits import BUNDLE_SEALED_BYTES_MAX
from protocol.sealing import Prekey, SealContext, Sealer, sealed_size_bytes

from .ports import Offer

SUITE_BYTES: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContent:
    """A bundle as `Custody.add` takes it."""

    bundle_id: BundleId
    recipient_key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One direction of one pair: to whom bundles go, and under which names."""

    destination: Mailbox
    origin: Pseudonym
    """The pair's pseudonym, the same in both directions."""
    pair_secret: bytes
    """The secret that bundle ids are keyed with; it never rotates."""

    def seal(
        self, content: BundleContent, *, priority: Priority, recipient: Prekey, sealer: Sealer
    ) -> SealedContent:
        """`content` for the holder of `recipient`'s private key; `InvalidRecord` if it is too large."""
        context = SealContext(
            destination=self.destination,
            origin=self.origin,
            recipient_key=recipient.short_id,
            bundle_id=bundle_id_of(content, self.pair_secret),
            priority=priority,
        )
        suite, sealed = sealer.seal(pack(content), recipient, context)
        return SealedContent(
            bundle_id=context.bundle_id,
            recipient_key=context.recipient_key,
            sealed=bytes((suite,)) + sealed,
        )

    def open(
        self, offer: Offer, sealed: bytes, *, keys: Mapping[bytes, X25519PrivateKey], sealer: Sealer
    ) -> BundleContent:
        """What the bundle holds. `UnknownKey`, `SealBroken` or `BundleRefused` says why it cannot be had."""
        suite = _suite_of(sealed)
        context = SealContext(
            destination=self.destination,
            origin=self.origin,
            recipient_key=offer.recipient_key,
            bundle_id=offer.bundle_id,
            priority=offer.priority,
        )
        content = unpack(sealer.open(suite, sealed[SUITE_BYTES:], keys, context))
        if bundle_id_of(content, self.pair_secret) != offer.bundle_id:
            raise BundleRefused("the bundle does not hold what its id says")
        return content


def enveloped_size_bytes(content: BundleContent) -> int:
    """Sealed bytes of `content`, exactly, without sealing it: for forecasts of time and cost."""
    return SUITE_BYTES + sealed_size_bytes(len(pack(content)))


def _suite_of(sealed: bytes) -> Suite:
    if not SUITE_BYTES < len(sealed) <= BUNDLE_SEALED_BYTES_MAX:
        raise BundleRefused(f"a sealed bundle has 2..{BUNDLE_SEALED_BYTES_MAX} bytes, not {len(sealed)}")
    if sealed[0] not in Suite.__members__.values():
        raise BundleRefused(f"unknown version or cipher suite {sealed[0]}: update")
    return Suite(sealed[0])
