"""A hub's public key, pinned: what is written down of it, and how it is compared.

The pin is the SHA-256 of the key's SubjectPublicKeyInfo, so that it outlives the certificates around the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final, NewType

PublicKeyPin = NewType("PublicKeyPin", bytes)
"""32 bytes."""

PREFIX: Final = "sha256:"
_PIN_BYTES: Final = 32
_HEX_CHARACTERS: Final = 64


class MalformedPin(ValueError):
    """This is no pin; the message says what one looks like."""


def parse_pin(text: str) -> PublicKeyPin:
    """`sha256:` and the digest in hexadecimal, colons allowed, or in base64."""
    kind, digest = text[: len(PREFIX)].lower(), text[len(PREFIX) :].strip()
    digits = digest.replace(":", "")
    try:
        if len(digits) == _HEX_CHARACTERS:
            pin = bytes.fromhex(digits)
        else:
            pin = base64.b64decode(digest, validate=True)
    except (ValueError, binascii.Error):
        pin = b""
    if kind != PREFIX or len(pin) != _PIN_BYTES:
        raise MalformedPin(
            f"A pin is {PREFIX} and the SHA-256 of the hub's public key, in 64 hexadecimal digits or 44 "
            "characters of base64. The hub prints its own when it starts with TLS."
        )
    return PublicKeyPin(pin)


def pin_text(pin: PublicKeyPin) -> str:
    """The form in which a pin is shown and kept."""
    return PREFIX + pin.hex()


def pin_of(public_key_info: bytes) -> PublicKeyPin:
    """The pin of a key, from its DER-encoded SubjectPublicKeyInfo."""
    return PublicKeyPin(hashlib.sha256(public_key_info).digest())
