"""Outside bytes put under true seals, or offered in their place: what an enemy who holds a key would do."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.bundle import BundleContent, unpack
from protocol.channel import DialerChannel, DialerPreamble, ListenerChannel, Opened
from protocol.enrolment import (
    HubKeys,
    SiteKeys,
    read_request,
    read_response,
    write_request,
    write_response,
)
from protocol.errors import ProtocolError
from protocol.framing import encode_frame
from protocol.header import Priority, Suite
from protocol.ids import BUNDLE_ID_BYTES, BundleId, seal_tag_of
from protocol.sealing import HpkeSealer
from protocol.small_seal import Direction, SmallContext, SmallKey, seal_small
from sync.core import Role, Session, SessionTerms
from sync.envelope import Envelope
from sync.ports import Offer

from .samples import (
    HUB,
    OFFER,
    OPENING,
    OURS,
    PAIR,
    PREKEY,
    SECRET,
    bundle_id,
    contents,
    frames,
    seal_context,
)

_KEY: Final = bytes(32)
_NONCE: Final = bytes(12)
_PREAMBLE: Final = DialerPreamble(PAIR, b"dialer salt.")
_LISTENER_SALT: Final = b"listener sal"
_SMALL: Final = SmallKey(secret=SECRET, direction=Direction.TO_HUB)
_ENVELOPE: Final = Envelope(destination=HUB, origin=PAIR, pair_secret=SECRET, small=_SMALL)


def _fixed(size_bytes: int) -> bytes:
    """Stands in for randomness, so that each run does the same."""
    return bytes(size_bytes)


_SEALER: Final = HpkeSealer(_fixed)


def sealed_contents() -> tuple[bytes, ...]:
    """Each kind of bundle: the id under which it was offered, then what custody keeps of it."""
    seals = (
        _ENVELOPE.seal(content, priority=Priority.URGENT, recipient=PREKEY, sealer=_SEALER)
        for content in contents()
    )
    return tuple(seal.bundle_id + seal.sealed for seal in seals)


def open_envelope(data: bytes) -> BundleContent:
    """Bytes that custody holds, behind the id under which they were offered."""
    named, sealed = BundleId(data[:BUNDLE_ID_BYTES].ljust(BUNDLE_ID_BYTES, b".")), data[BUNDLE_ID_BYTES:]
    context = seal_context(named)
    offer = Offer(
        incarnation=OURS,
        sequence=1,
        bundle_id=named,
        seal_tag=seal_tag_of(sealed),
        priority=context.priority,
        dwell_code=20,
        recipient_key=context.recipient_key,
        size_bytes=len(sealed),
    )
    return _ENVELOPE.open(offer, sealed, keys={PREKEY.short_id: OPENING}, sealer=_SEALER)


def open_enveloped(plain: bytes) -> BundleContent:
    """Plain text truly sealed for us, and offered under its own id if it has one."""
    named = _named(plain)
    suite, sealed = _SEALER.seal(plain, PREKEY, seal_context(named))
    return open_envelope(named + bytes((suite,)) + sealed)


def open_small_enveloped(plain: bytes) -> BundleContent:
    """Plain text in the small profile, truly from the other end of the pair."""
    context = SmallContext(destination=HUB, origin=PAIR, priority=Priority.URGENT)
    return open_envelope(_named(plain) + bytes((Suite.SMALL,)) + seal_small(plain, _SMALL, context))


def _named(plain: bytes) -> BundleId:
    with suppress(ProtocolError):
        return bundle_id(unpack(plain))
    return BundleId(b"of no bundle")


def open_message(data: bytes) -> object:
    """A message that came with no session around it."""
    return _ENVELOPE.open_message(data, sealer=_SEALER)


def small_messages() -> tuple[bytes, ...]:
    """One such message."""
    sealed = _ENVELOPE.seal(contents()[2], priority=Priority.URGENT, recipient=PREKEY, sealer=_SEALER)
    return (_ENVELOPE.message_of(sealed, Priority.URGENT),)


def listen(data: bytes) -> list[Opened]:
    """What a dialer sends behind its preamble."""
    return list(ListenerChannel(SECRET, _PREAMBLE, _LISTENER_SALT).receive(data))


def dial(data: bytes) -> list[Opened]:
    """What a listener sends, its preamble first."""
    return list(DialerChannel(SECRET, PAIR, _PREAMBLE.salt).receive(data))


def dialled() -> tuple[bytes, ...]:
    """What a dialer sends."""
    channel = DialerChannel(SECRET, PAIR, _PREAMBLE.salt)
    return (channel.seal(b"first") + channel.seal(b"second"),)


def listened() -> tuple[bytes, ...]:
    """What a listener sends."""
    channel = ListenerChannel(SECRET, _PREAMBLE, _LISTENER_SALT)
    return (channel.greeting + channel.seal(b"answer"),)


def converse(plain: bytes, *, greeting: bytes = b"") -> Session:
    """Plain text of fresh records, truly sealed, to a whole session with no custody behind it."""
    session = Session(
        role=Role.LISTENER,
        channel=ListenerChannel(SECRET, _PREAMBLE, _LISTENER_SALT),
        terms=SessionTerms(),
        now=0.0,
    )
    dialer = DialerChannel(SECRET, PAIR, _PREAMBLE.salt)
    list(dialer.receive(session.outgoing(0.0)))
    session.receive(dialer.seal(greeting) + dialer.seal(plain), 1.0)
    return session


def converse_acquainted(plain: bytes) -> Session:
    """The same after a greeting and an offer."""
    return converse(plain, greeting=frames()[0] + encode_frame(OFFER))


def requests() -> tuple[bytes, ...]:
    """A site's enrolment message."""
    keys = SiteKeys(
        site_name="site", signing=bytes(32), opening=PREKEY.public_key, transport=PREKEY.public_key
    )
    return (write_request(keys, key=_KEY, nonce=_NONCE),)


def request(message: bytes) -> SiteKeys:
    return read_request(message, key=_KEY)


def responses() -> tuple[bytes, ...]:
    """A hub's answer to it."""
    keys = HubKeys(
        organisation="Example",
        hub_name="hub",
        site_name="site",
        pseudonym=PAIR,
        signing=bytes(32),
        opening=PREKEY.public_key,
        transport=PREKEY.public_key,
    )
    return (write_response(keys, requests()[0], key=_KEY, nonce=_NONCE),)


def response(message: bytes) -> HubKeys:
    return read_response(message, requests()[0], key=_KEY)


def requested(body: bytes) -> SiteKeys:
    """A body truly encrypted under the code's key."""
    head = requests()[0][: 1 + 2 + len(_NONCE)]
    key = HKDF(SHA256(), 32, salt=None, info=b"sf-1-enrolment-site").derive(_KEY)
    return request(head + ChaCha20Poly1305(key).encrypt(_NONCE, body, head))


def points_of_low_order() -> dict[str, bytes]:
    """Public keys with which every secret comes out the same."""
    prime = (1 << 255) - 19
    return {
        f"u = {name}": number.to_bytes(32, "little")
        for name, number in (("0", 0), ("1", 1), ("p-1", prime - 1), ("p", prime), ("p+1", prime + 1))
    }
