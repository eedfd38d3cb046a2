"""Sealed datagrams of one session: each one opens alone, whatever became of those before it.

The first octet says what follows; it and all clear bytes are authenticated. The nonce is the datagram's full
number, of which only the low bytes travel. Keys hang on the dialer's salt alone (*early*, so that a first
flight can leave at once, and a recording of it can be played again) or on both salts (*fresh*).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from .channel import DialerPreamble, Phase, SessionKeys
from .errors import MalformedInput, SealBroken
from .ids import PSEUDONYM_BYTES, Pseudonym

VERSION: Final = 1
_DOMAIN: Final = b"sf-datagram/%d" % VERSION
TAG_BYTES: Final = 16
SALT_BYTES: Final = 8
"""Each is drawn from the kernel, and each key is used for one session: of a hundred thousand sessions of a
pair, which is one an hour for ten years, two have the same early key with a probability below 2^-31."""
NUMBER_BYTES_MAX: Final = 4
NUMBER_MAX: Final = 2**48 - 1
"""Far more than a session sends, and less than a nonce holds."""
REPLAY_WINDOW: Final = 4096
"""Numbers behind the highest that are still told apart; what is older is dropped as if it had been lost."""
INTRODUCED_EACH: Final = 4
"""Datagrams of a dialer that was not answered yet: its address tells the reader whose the others are."""
_VERSION_SHIFT: Final = 6
_LENGTH_MASK: Final = 0x03
_MARKS: Final = 0x3C


class Mark(IntEnum):
    """What the first octet says besides version and length of the number. Together they are a plain number: a
    flag's own sums take longer than the rest of an octet."""

    INTRODUCES = 0x20
    """The clear bytes that tell a stranger which keys to use stand before the number."""
    FRESH = 0x10
    """From the dialer: sealed under both salts. The listener's always are."""
    ASKS = 0x08
    """The sender wants to hear at once what arrived."""
    GONE = 0x04
    """From the listener: the session is not known (any more)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a datagram carried."""

    number: int
    phase: Phase
    asks: bool
    plaintext: bytes


@dataclass(frozen=True, slots=True)
class Introduction:
    """The clear bytes of a dialer's introducing datagram."""

    preamble: DialerPreamble
    is_fresh: bool


def introduction_of(datagram: bytes) -> Introduction | None:
    """Who calls, where the datagram says so; `MalformedInput` for what is no datagram of ours."""
    marks = _marks(datagram)
    if not marks & Mark.INTRODUCES:
        return None
    end = 1 + PSEUDONYM_BYTES
    if len(datagram) < end + SALT_BYTES + 1 + TAG_BYTES:
        raise MalformedInput("a datagram ends within its introduction")
    preamble = DialerPreamble(Pseudonym(datagram[1:end]), datagram[end : end + SALT_BYTES])
    return Introduction(preamble, bool(marks & Mark.FRESH))


class DialerSeal:
    """Seals what the dialer sends and opens what it gets."""

    def __init__(self, secret: bytes, pseudonym: Pseudonym, salt: bytes) -> None:
        _check_salt(salt)
        preamble = DialerPreamble(pseudonym, salt)
        self._keys = SessionKeys(_DOMAIN, secret, preamble)
        self._early = _Sender(self._keys.derive(b"up", Phase.EARLY))
        self._fresh: _Sender | None = None
        self._opening: _Receiver | None = None
        self._introduction = preamble.pseudonym + preamble.salt
        self._is_known = False
        self._introduced = -INTRODUCED_EACH
        """The last number that said who sends."""
        self.is_rejected = False
        """The listener has said, under our pair's secret, that it does not know this session."""

    def introduce(self) -> None:
        """Let the next datagrams say again who sends them: our address may be another one by now."""
        self._is_known = False
        self._introduced = -INTRODUCED_EACH

    def overhead_bytes(self, number: int, acknowledged: int) -> int:
        """What `seal` adds to a plaintext."""
        introduction = len(self._introduction) if self._introduces(number) else 0
        return 1 + introduction + _number_bytes(number, acknowledged) + TAG_BYTES

    def seal(self, number: int, acknowledged: int, plaintext: bytes, *, asks: bool) -> bytes:
        """One datagram. `acknowledged` is the highest number of ours that the peer has confirmed, or -1."""
        marks: int = Mark.ASKS if asks else 0
        introduction = b""
        if self._introduces(number):
            self._introduced = number
            marks |= Mark.INTRODUCES
            introduction = self._introduction
        if self._fresh is None:
            return self._early.seal(marks, introduction, number, acknowledged, plaintext)
        return self._fresh.seal(marks | Mark.FRESH, introduction, number, acknowledged, plaintext)

    def open(self, datagram: bytes) -> Opened | None:
        """The content, None for a repetition; `SealBroken` or `MalformedInput` if it is not the peer's."""
        marks = _marks(datagram)
        if marks & Mark.GONE:
            _check_gone(self._keys, datagram)
            self.is_rejected = True
            return None
        if not marks & Mark.INTRODUCES:
            if self._opening is None:
                raise SealBroken("a datagram came before its key")
            opened = self._opening.open(datagram, 1, Phase.FRESH)
            self._is_known = True
            return opened
        salt = datagram[1 : 1 + SALT_BYTES]
        opening = self._opening or _Receiver(self._keys.derive(b"down", Phase.FRESH, salt))
        opened = opening.open(datagram, 1 + SALT_BYTES, Phase.FRESH)
        if self._opening is None:
            self._opening = opening
            self._fresh = _Sender(self._keys.derive(b"up", Phase.FRESH, salt))
        self._is_known = True
        return opened

    def _introduces(self, number: int) -> bool:
        return not self._is_known and number - self._introduced >= INTRODUCED_EACH


class ListenerSeal:
    """Seals what the listener sends and opens what it gets, once an introduction told whose secret to use."""

    def __init__(self, secret: bytes, preamble: DialerPreamble, salt: bytes) -> None:
        _check_salt(salt)
        self._keys = SessionKeys(_DOMAIN, secret, preamble)
        self._sending = _Sender(self._keys.derive(b"down", Phase.FRESH, salt))
        self._early = _Receiver(self._keys.derive(b"up", Phase.EARLY))
        self._fresh = _Receiver(self._keys.derive(b"up", Phase.FRESH, salt), self._early.seen)
        self._salt = salt
        self.is_rejected: Final = False
        self.peer_is_fresh = False
        """The dialer has answered to our salt: it speaks now, and from where it says."""

    def introduce(self) -> None:
        """The dialer knows who answers it."""

    def overhead_bytes(self, number: int, acknowledged: int) -> int:
        """What `seal` adds to a plaintext."""
        return 1 + (0 if self.peer_is_fresh else SALT_BYTES) + _number_bytes(number, acknowledged) + TAG_BYTES

    def seal(self, number: int, acknowledged: int, plaintext: bytes, *, asks: bool) -> bytes:
        """One datagram; until the dialer is known to have our salt, each one brings it."""
        marks: int = Mark.ASKS if asks else 0
        if self.peer_is_fresh:
            return self._sending.seal(marks, b"", number, acknowledged, plaintext)
        return self._sending.seal(marks | Mark.INTRODUCES, self._salt, number, acknowledged, plaintext)

    def open(self, datagram: bytes) -> Opened | None:
        """The content, None for a repetition; `SealBroken` or `MalformedInput` if it is not the peer's."""
        marks = _marks(datagram)
        start = 1 + (PSEUDONYM_BYTES + SALT_BYTES if marks & Mark.INTRODUCES else 0)
        if not marks & Mark.FRESH:
            return self._early.open(datagram, start, Phase.EARLY)
        opened = self._fresh.open(datagram, start, Phase.FRESH)
        self.peer_is_fresh = True
        return opened


def _check_salt(salt: bytes) -> None:
    if len(salt) != SALT_BYTES:
        raise ValueError(f"the salt of a session in datagrams has {SALT_BYTES} bytes")


def gone_datagram(secret: bytes, preamble: DialerPreamble) -> bytes:
    """The listener's word that it does not know the session of this preamble: always the same bytes."""
    return _gone(SessionKeys(_DOMAIN, secret, preamble))


def _gone(keys: SessionKeys) -> bytes:
    # One key, one nonce, one plaintext: saying it twice gives nothing away.
    octet = bytes((VERSION << _VERSION_SHIFT | Mark.GONE,))
    return octet + ChaCha20Poly1305(keys.derive(b"gone", Phase.EARLY)).encrypt(bytes(12), b"", octet)


def _check_gone(keys: SessionKeys, datagram: bytes) -> None:
    if datagram != _gone(keys):
        raise SealBroken("somebody else ends this session")


class _Sender:
    """One key; its nonces never repeat because its datagrams' numbers only grow."""

    def __init__(self, key: bytes) -> None:
        self._aead = ChaCha20Poly1305(key)
        self._number = -1

    def seal(
        self, marks: int, introduction: bytes, number: int, acknowledged: int, plaintext: bytes
    ) -> bytes:
        if not self._number < number <= NUMBER_MAX:
            raise ValueError("numbers of datagrams only grow")
        self._number = number
        size = _number_bytes(number, acknowledged)
        clear = b"".join(
            (
                bytes((VERSION << _VERSION_SHIFT | marks | size - 1,)),
                introduction,
                (number & (1 << 8 * size) - 1).to_bytes(size, "big"),
            )
        )
        return clear + self._aead.encrypt(number.to_bytes(12, "big"), plaintext, clear)


@dataclass(slots=True)
class _Seen:
    """Which numbers came already."""

    highest: int = -1
    bits: int = 0
    """Bit n: number `highest - n` came."""

    def is_new(self, number: int) -> bool:
        behind = self.highest - number
        return behind < 0 or (behind < REPLAY_WINDOW and not self.bits >> behind & 1)

    def add(self, number: int) -> None:
        ahead = number - self.highest
        if ahead > 0:
            self.bits = (self.bits << min(ahead, REPLAY_WINDOW) | 1) & (1 << REPLAY_WINDOW) - 1
            self.highest = number
        else:
            self.bits |= 1 << -ahead


class _Receiver:
    """Opens datagrams under one key, each number once."""

    def __init__(self, key: bytes, seen: _Seen | None = None) -> None:
        self._aead = ChaCha20Poly1305(key)
        self.seen = seen or _Seen()

    def open(self, datagram: bytes, start: int, phase: Phase) -> Opened | None:
        size = (datagram[0] & _LENGTH_MASK) + 1
        end = start + size
        if len(datagram) < end + TAG_BYTES:
            raise MalformedInput("a datagram ends within its seal")
        number = _full_number(int.from_bytes(datagram[start:end], "big"), size, self.seen.highest)
        try:
            plaintext = self._aead.decrypt(number.to_bytes(12, "big"), datagram[end:], datagram[:end])
        except InvalidTag as error:
            raise SealBroken("a datagram was altered, or the two ends hold different secrets") from error
        if not self.seen.is_new(number):
            return None
        self.seen.add(number)
        return Opened(number, phase, bool(datagram[0] & Mark.ASKS), plaintext)


def _marks(datagram: bytes) -> int:
    if not datagram or datagram[0] >> _VERSION_SHIFT != VERSION:
        raise MalformedInput("this is no datagram of a version that we speak")
    return datagram[0] & _MARKS


def _number_bytes(number: int, acknowledged: int) -> int:
    """So many that the receiver, who may have got as little as `acknowledged`, cannot mistake it."""
    for size in range(1, NUMBER_BYTES_MAX):
        if number - acknowledged < 1 << (8 * size - 1):
            return size
    return NUMBER_BYTES_MAX


def _full_number(low: int, size: int, highest: int) -> int:
    """The number nearest to the one expected next whose low bytes are these (as QUIC does it)."""
    window = 1 << 8 * size
    expected = highest + 1
    number = expected & ~(window - 1) | low
    if number + window // 2 <= expected:
        return number + window
    if number > expected + window // 2 and number >= window:
        return number - window
    return number
