"""Public X25519 keys from outside: one that agrees on the same secret with everybody is refused at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .codec import Primitive
from .errors import InvalidRecord, MalformedInput

EXCHANGE_KEY_BYTES: Final = 32
_PROBE: Final = b"a key of low order tells itself."
"""Any private key does: agreement with a point of low order is zero with each of them (RFC 7748, 6.1)."""


def is_usable(public_key: bytes) -> bool:
    """Whether something can be sealed for it, so that a hostile key never reaches whoever seals."""
    # Only here: a terminal, which knows every kind of record, must not wait for the cryptography to load.
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    if len(public_key) != EXCHANGE_KEY_BYTES:
        return False
    try:
        X25519PrivateKey.from_private_bytes(_PROBE).exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class ExchangeKey:
    """The field of a record that states such a key."""

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, bytes) or not is_usable(value):
            raise InvalidRecord("not a public key that can be agreed with")
        return value

    def decode(self, value: Primitive) -> bytes:
        if not isinstance(value, bytes) or not is_usable(value):
            raise MalformedInput("not a public key that can be agreed with")
        return value
