"""Datagrams as an enemy would send them: from outside, and under the true seal of a session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.channel import DialerPreamble
from protocol.datagram_parts import Acknowledged, Closing, Control, DataPiece, End, Part, Ping, encode_parts
from protocol.datagrams import DialerSeal, ListenerSeal, introduction_of
from protocol.varint import encode_varint

from .samples import PAIR, SECRET

DATAGRAM_BYTES_MAX: Final = 65_507
"""What UDP carries at the most."""
_PREAMBLE: Final = DialerPreamble(PAIR, b"a dialer")
_LISTENER_SALT: Final = b"listener"
_LARGEST: Final = encode_varint((1 << 63) - 1)


def to_listener(datagram: bytes) -> object:
    """What reaches a listener from anywhere."""
    introduction = introduction_of(datagram)
    return introduction, ListenerSeal(SECRET, _PREAMBLE, _LISTENER_SALT).open(datagram)


def to_dialer(datagram: bytes) -> object:
    """What reaches a dialer from anywhere."""
    return DialerSeal(SECRET, PAIR, _PREAMBLE.salt).open(datagram)


def dialled() -> tuple[bytes, ...]:
    """A dialer's first datagram."""
    return (DialerSeal(SECRET, PAIR, _PREAMBLE.salt).seal(0, -1, b"first", asks=True),)


def listened() -> tuple[bytes, ...]:
    """A listener's first datagram."""
    return (ListenerSeal(SECRET, _PREAMBLE, _LISTENER_SALT).seal(0, -1, b"answer", asks=False),)


def parts() -> tuple[bytes, ...]:
    """Datagrams with every part there is."""
    listed: Iterable[Part] = (
        Acknowledged(((7, 9), (2, 4)), 0.01),
        Acknowledged(((0, 300),), 0.5),
        Control(70, b"frames"),
        DataPiece(1, 4096, b"sealed bytes"),
        End(76),
        Ping(),
        Closing(),
    )
    return encode_parts(listed), *(encode_parts([part]) for part in listed)


def hostile_parts() -> dict[str, bytes]:
    """Parts that claim too much, or are nothing without end."""
    acknowledged_runs = parts()[0][:1]
    return {
        "nothing but pings": encode_parts([Ping()]) * DATAGRAM_BYTES_MAX,
        "ends without end": encode_parts([End(1)]) * (DATAGRAM_BYTES_MAX // 2),
        "pieces of one byte": encode_parts([Control(0, b"x"), Ping()])[:-1] * (DATAGRAM_BYTES_MAX // 4),
        "runs without end": acknowledged_runs + _LARGEST + b"\x00\x00" + _LARGEST + bytes(DATAGRAM_BYTES_MAX),
        "runs below nothing": acknowledged_runs + b"\x05\x00\x00\x01\x09\x09",
        "run longer than all numbers": acknowledged_runs + b"\x05\x00" + _LARGEST + b"\x00",
        "numbers beyond all bounds": acknowledged_runs + _LARGEST * 20,
    }
