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
from protocol.entry import SignedEntry
from protocol.errors import BundleRefused
from protocol.header import Priority, Suite
from protocol.ids import BundleId, Mailbox, Pseudonym
from protocol.limits import BUNDLE_SEALED_BYTES_MAX
from protocol.micro import MicroBundle
from protocol.sealing import Prekey, SealContext, Sealer, sealed_size_bytes
from protocol.small_seal import (
    SMALL_OVERHEAD_BYTES,
    SmallContext,
    SmallKey,
    SmallMessage,
    read_message,
    write_message,
)

from .ports import Offer

SUITE_BYTES: Final = 1
_PACKED_HEAD_BYTES: Final = 3
"""What the kind of the content, its codec and its dictionary take before a micro-bundle."""


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
    small: SmallKey
    """Micro-bundles go in the small profile; everything else is sealed to a prekey."""

    def seal(
        self,
        content: BundleContent,
        *,
        priority: Priority,
        recipient: Prekey,
        sealer: Sealer,
        base: SignedEntry | None = None,
    ) -> SealedContent:
        """`content` for the holder of `recipient`'s private key, a micro-bundle for the other end of the
        pair; `InvalidRecord` if it is too large. `base` is an entry that the other end is known to hold."""
        if isinstance(content, MicroBundle):
            return self._seal_small(content, priority, sealer, base)
        context = SealContext(
            destination=self.destination,
            origin=self.origin,
            recipient_key=recipient.short_id,
            bundle_id=bundle_id_of(content, self.pair_secret),
            priority=priority,
        )
        suite, sealed = sealer.seal(pack(content, base=base), recipient, context)
        return SealedContent(
            bundle_id=context.bundle_id,
            recipient_key=context.recipient_key,
            sealed=bytes((suite,)) + sealed,
        )

    def open(
        self,
        offer: Offer,
        sealed: bytes,
        *,
        keys: Mapping[bytes, X25519PrivateKey],
        sealer: Sealer,
        base: SignedEntry | None = None,
    ) -> BundleContent:
        """What the bundle holds. `UnknownKey`, `SealBroken` or `BundleRefused` says why it cannot be had;
        `BaseMissing` names the entry to open it with as `base`."""
        suite = _suite_of(sealed)
        if suite is Suite.SMALL:
            micro = self._open_small(sealed[SUITE_BYTES:], offer.priority, sealer, base)
            self._check_id(micro, offer.bundle_id)
            return micro
        context = SealContext(
            destination=self.destination,
            origin=self.origin,
            recipient_key=offer.recipient_key,
            bundle_id=offer.bundle_id,
            priority=offer.priority,
        )
        content = unpack(sealer.open(suite, sealed[SUITE_BYTES:], keys, context), base=base)
        if isinstance(content, MicroBundle):
            raise BundleRefused("a provisional record came under the seal of what is signed")
        self._check_id(content, offer.bundle_id)
        return content

    def message_of(self, sealed: SealedContent, priority: Priority) -> bytes:
        """A micro-bundle for a link that carries messages and no sessions."""
        if _suite_of(sealed.sealed) is not Suite.SMALL:
            raise ValueError("only what is sealed in the small profile travels as a message of its own")
        return write_message(SmallMessage(self.origin, priority, sealed.sealed[SUITE_BYTES:]))

    def open_message(
        self, data: bytes, *, sealer: Sealer, base: SignedEntry | None = None
    ) -> tuple[BundleId, MicroBundle]:
        """What such a message holds, and its id. Raises as `open` does."""
        message = read_message(data)
        if message.origin != self.origin:
            raise BundleRefused("the message belongs to another pair")
        content = self._open_small(message.sealed, message.priority, sealer, base)
        return bundle_id_of(content, self.pair_secret), content

    def _seal_small(
        self, content: MicroBundle, priority: Priority, sealer: Sealer, base: SignedEntry | None
    ) -> SealedContent:
        sealed = sealer.seal_small(pack(content, base=base), self.small, self._small_context(priority))
        return SealedContent(
            bundle_id=bundle_id_of(content, self.pair_secret),
            recipient_key=self.small.recipient,
            sealed=bytes((Suite.SMALL,)) + sealed,
        )

    def _open_small(
        self, sealed: bytes, priority: Priority, sealer: Sealer, base: SignedEntry | None
    ) -> MicroBundle:
        plain = sealer.open_small(sealed, self.small, self._small_context(priority))
        content = unpack(plain, base=base)
        if not isinstance(content, MicroBundle):
            raise BundleRefused("the small profile carries provisional records alone")
        return content

    def _small_context(self, priority: Priority) -> SmallContext:
        return SmallContext(destination=self.destination, origin=self.origin, priority=priority)

    def _check_id(self, content: BundleContent, bundle_id: BundleId) -> None:
        if bundle_id_of(content, self.pair_secret) != bundle_id:
            raise BundleRefused("the bundle does not hold what its id says")


def fits_enveloped(micro: MicroBundle, size_bytes_max: int) -> bool:
    """Whether a micro-bundle is at most so many bytes when it is sealed. Mostly it is as it stands, and need
    not be packed to see that."""
    stored_bytes = SUITE_BYTES + _PACKED_HEAD_BYTES + len(micro.payload) + SMALL_OVERHEAD_BYTES
    return stored_bytes <= size_bytes_max or enveloped_size_bytes(micro) <= size_bytes_max


def enveloped_size_bytes(content: BundleContent) -> int:
    """Sealed bytes of `content`, exactly, without sealing it: for forecasts of time and cost."""
    plain_bytes = len(pack(content))
    if isinstance(content, MicroBundle):
        return SUITE_BYTES + plain_bytes + SMALL_OVERHEAD_BYTES
    return SUITE_BYTES + sealed_size_bytes(plain_bytes)


def _suite_of(sealed: bytes) -> Suite:
    if not SUITE_BYTES < len(sealed) <= BUNDLE_SEALED_BYTES_MAX:
        raise BundleRefused(f"a sealed bundle has 2..{BUNDLE_SEALED_BYTES_MAX} bytes, not {len(sealed)}")
    if sealed[0] not in Suite.__members__.values():
        raise BundleRefused(f"unknown version or cipher suite {sealed[0]}: update")
    return Suite(sealed[0])
