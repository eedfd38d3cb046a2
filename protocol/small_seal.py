"""The small profile, suite 3: AES-256-GCM-SIV under the static secret of a pair, for bundles of one message.

Law: nothing here draws randomness or counts, so a store that was copied or restored has nothing to repeat;
equal plain text in an equal context gives equal bytes, and a repeat reveals that equality alone.

There is no forward secrecy: whoever obtains a transport key of the pair can read every message of this
profile that was recorded. It authenticates the pair, not a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import BundleRefused, SealBroken, SuiteUnavailable
from .header import RECIPIENT_KEY_BYTES, Priority, Suite
from .ids import PSEUDONYM_BYTES, Mailbox, Pseudonym
from .limits import MICRO_BYTES_MAX

EPOCH_BYTES: Final = 1
SMALL_TAG_BYTES: Final = 16
SMALL_OVERHEAD_BYTES: Final = EPOCH_BYTES + SMALL_TAG_BYTES
"""Inside a session, where the offer stands for pseudonym and class."""
MESSAGE_OVERHEAD_BYTES: Final = 1 + PSEUDONYM_BYTES + SMALL_OVERHEAD_BYTES
"""On its own: suite and class, pseudonym, epoch, tag."""
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Direction(IntEnum):
    """Which way a bundle goes; each way has its own key, so that nothing can be sent back as an answer."""

    TO_HUB = 1
    TO_SITE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallKey:
    """The secret of a pair (`PairSecrets.small`) for one direction and epoch."""

    secret: bytes
    direction: Direction
    epoch: int = 0
    """In one byte. A reader takes no other epoch than its own."""

    @property
    def recipient(self) -> bytes:
        """What stands in place of a recipient's prekey in header and offer."""
        return self.epoch.to_bytes(RECIPIENT_KEY_BYTES, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallContext:
    """What the seal binds beside its key. A bundle's id is a keyed hash of the content, checked once open."""

    destination: Mailbox
    origin: Pseudonym
    priority: Priority


@dataclass(frozen=True, slots=True)
class SmallMessage:
    """A small bundle that travels on its own, with no session around it."""

    origin: Pseudonym
    priority: Priority
    sealed: bytes
    """Epoch, ciphertext and tag, as `seal_small` gave them."""


def require_small_profile(cipher: Callable[[bytes], object] = AESGCMSIV) -> None:
    """`SuiteUnavailable` where the cryptographic library cannot do it; called before anything starts."""
    try:
        cipher(bytes(_KEY_BYTES))
    except UnsupportedAlgorithm as error:
        raise SuiteUnavailable(
            "The cryptographic library on this machine has no AES-256-GCM-SIV, which headlines are sealed "
            "with. Nothing was started or changed. Install the published wheel of the Python package "
            "cryptography, or one built against OpenSSL 3.2 or newer."
        ) from error


def seal_small(plain: bytes, key: SmallKey, context: SmallContext) -> bytes:
    """Epoch, ciphertext and tag: `SMALL_OVERHEAD_BYTES` more than `plain`."""
    bound = _bound(key, context)
    return bytes((key.epoch,)) + AESGCMSIV(_derived(key)).encrypt(_nonce(bound), plain, bound)


def open_small(sealed: bytes, key: SmallKey, context: SmallContext) -> bytes:
    """The plain bytes. `BundleRefused` for another epoch, `SealBroken` when it does not open."""
    if not SMALL_OVERHEAD_BYTES < len(sealed) <= SMALL_OVERHEAD_BYTES + MICRO_BYTES_MAX:
        raise BundleRefused(f"a bundle of the small profile does not have {len(sealed)} bytes")
    if sealed[0] != key.epoch:
        raise BundleRefused(f"epoch {sealed[0]} of the small profile is not known here: update")
    bound = _bound(key, context)
    try:
        return AESGCMSIV(_derived(key)).decrypt(_nonce(bound), sealed[EPOCH_BYTES:], bound)
    except InvalidTag as error:
        raise SealBroken(
            "the small seal does not open: altered on the way, or not from the other end of this pair"
        ) from error


def write_message(message: SmallMessage) -> bytes:
    """As it travels on a link that carries messages and no sessions."""
    return bytes((Suite.SMALL << 2 | message.priority,)) + message.origin + message.sealed


def read_message(data: bytes) -> SmallMessage:
    """Whose it is and what must be opened; `BundleRefused` for anything else."""
    if not MESSAGE_OVERHEAD_BYTES < len(data) <= MESSAGE_OVERHEAD_BYTES + MICRO_BYTES_MAX:
        raise BundleRefused(f"a message of the small profile does not have {len(data)} bytes")
    suite, priority = divmod(data[0], len(Priority))
    if suite != Suite.SMALL:
        raise BundleRefused(f"suite {suite} does not travel as a message of its own")
    sealed_at = 1 + PSEUDONYM_BYTES
    return SmallMessage(Pseudonym(data[1:sealed_at]), Priority(priority), data[sealed_at:])


def _derived(key: SmallKey) -> bytes:
    info = b"sf-1-small-seal" + bytes((key.direction, key.epoch))
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(key.secret)


def _bound(key: SmallKey, context: SmallContext) -> bytes:
    """Every part has a fixed length, so that no two contexts share an encoding."""
    parts = (context.destination, context.origin, bytes((key.direction, context.priority, key.epoch)))
    return b"sf-small-1" + bytes((Suite.SMALL,)) + b"".join(parts)


def _nonce(bound: bytes) -> bytes:
    """Does not travel: this cipher stays safe under a repeated nonce, and a hash needs no memory."""
    return blake2b(bound, digest_size=_NONCE_BYTES, person=b"sf-small-nonce").digest()
