"""Enrolment: two small messages that exchange a site's and a hub's keys under a one-time code.

The code is 80 random bits, so that guessing it off line is out of reach and no password-authenticated
exchange is needed: both messages are encrypted and authenticated under a key stretched from it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .codec import Primitive, decode, encode
from .errors import EnrolmentRefused, MalformedInput
from .exchange_keys import is_usable
from .ids import PSEUDONYM_BYTES, Pseudonym

CODE_BYTES: Final = 10
NONCE_BYTES: Final = 12
MESSAGE_BYTES_MAX: Final = 1024
TRIES_MAX: Final = 3
PAIR_CHECK_BYTES: Final = 8
PAIR_CLAIM_BYTES: Final = PSEUDONYM_BYTES + PAIR_CHECK_BYTES
FORMER_KEYS_MAX: Final = 8
"""Devices that a site has lost, one after another, and whose entries a new one still believes."""
CODE_LIFETIME_S: Final = 72 * 3600
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SALT: Final = b"sf-enrolment-code-1"
_VERSION: Final = 1
_HINT_BYTES: Final = 2
_TYPED_CODE_LETTERS_MAX: Final = 64
"""Four times a code: room for any spacing."""
_KEY_BYTES: Final = 32


def format_code(secret: bytes) -> str:
    """16 characters in groups of four, from an alphabet without I, L, O and U."""
    number = int.from_bytes(secret, "big")
    letters = [_ALPHABET[(number >> shift) & 31] for shift in range(75, -1, -5)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


def parse_code(text: str) -> bytes:
    """The ten bytes of a typed code; case, spaces, dashes and look-alikes are forgiven."""
    text = text if len(text) <= _TYPED_CODE_LETTERS_MAX else ""
    letters = "".join(text.upper().translate(_LOOK_ALIKES).replace("-", " ").split())
    if len(letters) != 16 or any(letter not in _ALPHABET for letter in letters):
        raise EnrolmentRefused(
            "An enrolment code has 16 letters and digits, such as 7K2M-.... Check it and type it again."
        )
    number = 0
    for letter in letters:
        number = number << 5 | _ALPHABET.index(letter)
    return number.to_bytes(CODE_BYTES, "big")


def code_key(secret: bytes) -> bytes:
    """The 32-byte key of a code: Argon2id, 64 MiB, one pass (RFC 9106), so that each guess costs memory."""
    return Argon2id(salt=_SALT, length=_KEY_BYTES, iterations=1, lanes=1, memory_cost=64 * 1024).derive(
        secret
    )


def site_hint(site_name: str) -> bytes:
    """Two bytes sent in the clear by which a hub knows whose code a wrong try was aimed at."""
    folded = " ".join(unicodedata.normalize("NFKC", site_name).casefold().split())
    return blake2b(folded.encode(), digest_size=_HINT_BYTES, person=b"sf-site-hint").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKeys:
    """What a site tells the hub: its name and public keys, 32 bytes each."""

    site_name: str
    signing: bytes
    opening: bytes
    transport: bytes
    known_hub: bytes = b""
    """Signing key of the hub that the site was enrolled with before; empty for a new site. By it a hub that
    was lost and made anew learns so."""
    pair: bytes = b""
    """`pair_claim` of the pair it has with that hub; empty when it has none. A hub that has the pair too goes
    on with it, so that nothing is sent twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubKeys:
    """What a hub tells the site."""

    organisation: str
    hub_name: str
    site_name: str
    """As the hub has it; the site's address is made of it."""
    pseudonym: Pseudonym
    signing: bytes
    opening: bytes
    transport: bytes
    former: tuple[bytes, ...] = ()
    """Signing keys of earlier devices of the site: what they signed comes from the hub, which has judged it.
    At most `FORMER_KEYS_MAX`."""


@dataclass(frozen=True, slots=True)
class PairSecrets:
    """What both ends derive and nobody else can: for bundle ids (never rotates), for session channels, and
    for the small profile."""

    bundle_ids: bytes
    link: bytes
    small: bytes


def write_request(keys: SiteKeys, *, key: bytes, nonce: bytes) -> bytes:
    """The site's message: version, hint, nonce, then its keys encrypted under the code's key."""
    head = bytes((_VERSION,)) + site_hint(keys.site_name) + nonce
    body = encode(
        [
            keys.site_name,
            keys.signing,
            keys.opening,
            keys.transport,
            *filter(None, (keys.known_hub, keys.pair)),
        ]
    )
    return head + ChaCha20Poly1305(_direction(key, b"site")).encrypt(nonce, body, head)


def request_hint(message: bytes) -> bytes:
    """The clear hint of a request; `EnrolmentRefused` when it is no request of this version."""
    if not _HINT_BYTES + NONCE_BYTES < len(message) <= MESSAGE_BYTES_MAX or message[0] != _VERSION:
        raise EnrolmentRefused("This is not an enrolment request of a version known here.")
    return message[1 : 1 + _HINT_BYTES]


def read_request(message: bytes, *, key: bytes) -> SiteKeys:
    """The site's keys; `EnrolmentRefused` when the message was not made with the code of `key`."""
    request_hint(message)
    match _open(message, 1 + _HINT_BYTES, _direction(key, b"site")):
        case [str(name), bytes(signing), bytes(opening), bytes(transport), *before] if _are_keys(
            signing, opening, transport
        ):
            known_hub, pair = _before(before)
            return SiteKeys(
                site_name=name,
                signing=signing,
                opening=opening,
                transport=transport,
                known_hub=known_hub,
                pair=pair,
            )
    raise EnrolmentRefused("The enrolment request does not hold a site's name and keys.")


def write_response(keys: HubKeys, request: bytes, *, key: bytes, nonce: bytes) -> bytes:
    """The hub's message: nonce, then its keys encrypted under the code's key and bound to the request."""
    body: list[Primitive] = [
        keys.organisation,
        keys.hub_name,
        keys.site_name,
        keys.pseudonym,
        keys.signing,
        keys.opening,
        keys.transport,
        *keys.former,
    ]
    cipher = ChaCha20Poly1305(_direction(key, b"hub" + _digest(request)))
    head = bytes((_VERSION,)) + nonce
    return head + cipher.encrypt(nonce, encode(body), head)


def read_response(message: bytes, request: bytes, *, key: bytes) -> HubKeys:
    """The hub's keys; `EnrolmentRefused` when the message does not answer `request` under the same code."""
    if not NONCE_BYTES < len(message) <= MESSAGE_BYTES_MAX or message[0] != _VERSION:
        raise EnrolmentRefused("This is not an enrolment answer of a version known here.")
    match _open(message, 1, _direction(key, b"hub" + _digest(request))):
        case [
            str(org),
            str(hub),
            str(site),
            bytes(pseudonym),
            bytes(signing),
            bytes(opening),
            bytes(transport),
            *former,
        ] if _are_keys(signing, opening, transport) and len(pseudonym) == PSEUDONYM_BYTES:
            return HubKeys(
                organisation=org,
                hub_name=hub,
                site_name=site,
                pseudonym=Pseudonym(pseudonym),
                signing=signing,
                opening=opening,
                transport=transport,
                former=_former(former),
            )
    raise EnrolmentRefused("The enrolment answer does not hold a hub's name and keys.")


def pair_secrets(private_key: X25519PrivateKey, peer_public: bytes, pseudonym: Pseudonym) -> PairSecrets:
    """Both ends' shared secrets from their transport keys."""
    shared = private_key.exchange(X25519PublicKey.from_public_bytes(peer_public))
    return PairSecrets(
        bundle_ids=_derive(shared, b"bundle-ids" + pseudonym),
        link=_derive(shared, b"link" + pseudonym),
        small=_derive(shared, b"small" + pseudonym),
    )


def pair_claim(pseudonym: Pseudonym, link_secret: bytes) -> bytes:
    """By which each end of a pair knows that the other has it too: its name, and a check of its secret."""
    check = blake2b(link_secret, digest_size=PAIR_CHECK_BYTES, person=b"sf-pair-claim").digest()
    return pseudonym + check


def _open(message: bytes, head_bytes: int, key: bytes) -> object:
    nonce = message[head_bytes : head_bytes + NONCE_BYTES]
    head = message[: head_bytes + NONCE_BYTES]
    try:
        return decode(
            ChaCha20Poly1305(key).decrypt(nonce, message[len(head) :], head), size_bytes_max=MESSAGE_BYTES_MAX
        )
    except (InvalidTag, MalformedInput) as error:
        raise EnrolmentRefused("The enrolment code does not match.") from error


def _are_keys(signing: bytes, *exchange: bytes) -> bool:
    return len(signing) == _KEY_BYTES and all(map(is_usable, exchange))


def _before(values: Sequence[object]) -> tuple[bytes, bytes]:
    """Hub and pair that a site had before, at the end of its request."""
    match values:
        case []:
            return b"", b""
        case [bytes(known_hub)] if len(known_hub) == _KEY_BYTES:
            return known_hub, b""
        case [bytes(known_hub), bytes(pair)] if (len(known_hub), len(pair)) == (_KEY_BYTES, PAIR_CLAIM_BYTES):
            return known_hub, pair
    raise EnrolmentRefused("The enrolment request does not hold what the site had before as it should.")


def _former(values: Sequence[object]) -> tuple[bytes, ...]:
    """Signing keys at the end of an answer."""
    keys = tuple(value for value in values if isinstance(value, bytes) and len(value) == _KEY_BYTES)
    if len(keys) != len(values) or len(keys) > FORMER_KEYS_MAX:
        raise EnrolmentRefused("The enrolment answer does not hold former keys as it should.")
    return keys


def _direction(key: bytes, label: bytes) -> bytes:
    return _derive(key, b"enrolment-" + label)


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"sf-1-" + info).derive(secret)


def _digest(message: bytes) -> bytes:
    return blake2b(message, digest_size=32, person=b"sf-enrolment").digest()
