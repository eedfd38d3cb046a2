"""The encrypted channel of one session: byte stream in, authenticated plaintexts out, and back.

Each end greets in clear, then sends records: two bytes of length and a ChaCha20-Poly1305 ciphertext whose
nonce counts. The dialer does not wait for the listener: its *early* records hang on its own salt alone, so a
recording of them can be played again. Its *fresh* records, and all of the listener's, hang on both salts. The
count goes on over the change of keys, so none before it can be missing; the first record that opens under the
fresh key alone is the change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import MalformedInput, SealBroken
from .ids import PSEUDONYM_BYTES, Pseudonym

VERSION: Final = 1
_DOMAIN: Final = b"sf-sync/%d" % VERSION
SALT_BYTES: Final = 12
LINK_SECRET_BYTES: Final = 32
DIALER_PREAMBLE_BYTES: Final = 1 + PSEUDONYM_BYTES + SALT_BYTES
LISTENER_PREAMBLE_BYTES: Final = 1 + SALT_BYTES

_LENGTH_BYTES: Final = 2
_TAG_BYTES: Final = 16
RECORD_OVERHEAD_BYTES: Final = _LENGTH_BYTES + _TAG_BYTES
RECORD_PLAIN_BYTES_MAX: Final = 0xFFFF - _TAG_BYTES


class Phase(Enum):
    """What a record proves beyond who wrote it."""

    EARLY = b"early"
    """It was written once, perhaps long ago: a recording can be played again."""
    FRESH = b"fresh"
    """It was written in this session."""


class Opened(NamedTuple):
    """The content of one record."""

    phase: Phase
    plaintext: bytes


@dataclass(frozen=True, slots=True)
class DialerPreamble:
    """The dialer's greeting in clear: who calls, and one half of the keys' freshness."""

    pseudonym: Pseudonym
    salt: bytes

    def encode(self) -> bytes:
        return bytes((VERSION,)) + self.pseudonym + self.salt

    @classmethod
    def decode(cls, data: bytes) -> DialerPreamble:
        """From exactly `DIALER_PREAMBLE_BYTES`; `MalformedInput` for another size or version."""
        if len(data) != DIALER_PREAMBLE_BYTES:
            raise MalformedInput(f"a greeting has {DIALER_PREAMBLE_BYTES} bytes, not {len(data)}")
        _check_version(data)
        end = 1 + PSEUDONYM_BYTES
        return cls(Pseudonym(data[1:end]), data[end:DIALER_PREAMBLE_BYTES])


class DialerChannel:
    """The end that greets first and sends at once."""

    def __init__(self, secret: bytes, pseudonym: Pseudonym, salt: bytes) -> None:
        self._keys = SessionKeys(_DOMAIN, secret, DialerPreamble(pseudonym, salt))
        self._sending = _Cipher(self._keys.derive(b"up", Phase.EARLY))
        self._records: _Records | None = None
        self._buffer = bytearray()
        self.greeting: Final = DialerPreamble(pseudonym, salt).encode()

    def seal(self, plaintext: bytes) -> bytes:
        """Records that carry `plaintext`, under the fresh key as soon as there is one."""
        return _seal_all(self._sending, plaintext)

    def receive(self, data: bytes) -> Iterator[Opened]:
        """What the listener's bytes so far complete; `SealBroken` or `MalformedInput` ends the session."""
        self._buffer += data
        if self._records is None and len(self._buffer) >= LISTENER_PREAMBLE_BYTES:
            _check_version(self._buffer)
            salt = bytes(self._buffer[1:LISTENER_PREAMBLE_BYTES])
            del self._buffer[:LISTENER_PREAMBLE_BYTES]
            self._records = _Records(_Cipher(self._keys.derive(b"down", Phase.FRESH, salt)), Phase.FRESH)
            self._sending = _Cipher(self._keys.derive(b"up", Phase.FRESH, salt), self._sending.count)
        if self._records is not None:
            yield from self._records.open_all(self._buffer)


class ListenerChannel:
    """The end that was called; it is made when the dialer's preamble has told whose secret to use."""

    def __init__(self, secret: bytes, preamble: DialerPreamble, salt: bytes) -> None:
        keys = SessionKeys(_DOMAIN, secret, preamble)
        self._sending = _Cipher(keys.derive(b"down", Phase.FRESH, salt))
        self._records = _Records(
            _Cipher(keys.derive(b"up", Phase.EARLY)), Phase.EARLY, keys.derive(b"up", Phase.FRESH, salt)
        )
        self._buffer = bytearray()
        self.greeting: Final = bytes((VERSION,)) + salt

    def seal(self, plaintext: bytes) -> bytes:
        """Records that carry `plaintext`."""
        return _seal_all(self._sending, plaintext)

    def receive(self, data: bytes) -> Iterator[Opened]:
        """What the dialer's bytes so far complete; `SealBroken` ends the session."""
        self._buffer += data
        yield from self._records.open_all(self._buffer)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Derives every key of a session; both salts, the pair and the direction are bound in, and the form and
    version that the session speaks by `domain`."""

    domain: bytes
    secret: bytes
    preamble: DialerPreamble

    def derive(self, direction: bytes, phase: Phase, listener_salt: bytes = b"") -> bytes:
        return HKDF(
            algorithm=SHA256(),
            length=32,
            salt=self.preamble.salt + listener_salt,
            info=b"%b/%b/%b/" % (self.domain, direction, phase.value) + self.preamble.pseudonym,
        ).derive(self.secret)


class _Cipher:
    """One key and the counter that makes each of its nonces unique: a key never outlives a session."""

    def __init__(self, key: bytes, count: int = 0) -> None:
        self.count = count
        """Records so far, under this key and the one before."""
        self._aead = ChaCha20Poly1305(key)

    def seal(self, plaintext: bytes) -> bytes:
        ciphertext = self._aead.encrypt(self._nonce(), plaintext, None)
        self.count += 1
        return len(ciphertext).to_bytes(_LENGTH_BYTES, "big") + ciphertext

    def open(self, ciphertext: bytes) -> bytes:
        try:
            plaintext = self._aead.decrypt(self._nonce(), ciphertext, None)
        except InvalidTag as error:
            raise SealBroken(
                "a record was altered on the way, or the two ends hold different secrets"
            ) from error
        self.count += 1
        return plaintext

    def _nonce(self) -> bytes:
        return (self.count + 1).to_bytes(12, "big")


@dataclass(slots=True)
class _Records:
    """Splits a stream into records and opens them; waits for no more than one whole record."""

    cipher: _Cipher
    phase: Phase
    next_key: bytes = b""
    """The fresh one, where records may still be early."""

    def open_all(self, buffer: bytearray) -> Iterator[Opened]:
        while len(buffer) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(buffer[:_LENGTH_BYTES], "big")
            if end <= RECORD_OVERHEAD_BYTES:
                raise SealBroken("a record holds nothing beside its own seal")
            if len(buffer) < end:
                return
            plaintext = self._open(bytes(buffer[_LENGTH_BYTES:end]))
            del buffer[:end]
            yield Opened(self.phase, plaintext)

    def _open(self, ciphertext: bytes) -> bytes:
        try:
            return self.cipher.open(ciphertext)
        except SealBroken:
            if not self.next_key:
                raise
        fresh = _Cipher(self.next_key, self.cipher.count)
        plaintext = fresh.open(ciphertext)
        self.cipher, self.phase, self.next_key = fresh, Phase.FRESH, b""
        return plaintext


def _seal_all(cipher: _Cipher, plaintext: bytes) -> bytes:
    step = RECORD_PLAIN_BYTES_MAX
    return b"".join(cipher.seal(plaintext[start : start + step]) for start in range(0, len(plaintext), step))


def _check_version(data: bytes | bytearray) -> None:
    if data[0] != VERSION:
        raise MalformedInput(f"the other end speaks version {data[0]} of the channel, we speak {VERSION}")
