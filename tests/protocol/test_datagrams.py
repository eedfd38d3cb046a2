"""Datagrams open alone, once, for the pair they were sealed for, in whatever order they come."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.channel import DialerPreamble, Phase
from protocol.datagrams import (
    REPLAY_WINDOW,
    SALT_BYTES,
    DialerSeal,
    ListenerSeal,
    gone_datagram,
    introduction_of,
)
from protocol.errors import MalformedInput, SealBroken
from protocol.ids import Pseudonym

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
SALT = bytes(SALT_BYTES)
PREAMBLE = DialerPreamble(PAIR, SALT)


def ends() -> tuple[DialerSeal, ListenerSeal]:
    return DialerSeal(SECRET, PAIR, SALT), ListenerSeal(SECRET, PREAMBLE, b"\1" * SALT_BYTES)


def acquainted() -> tuple[DialerSeal, ListenerSeal]:
    """Both know both salts."""
    dialer, listener = ends()
    listener.open(dialer.seal(0, -1, b"early", asks=False))
    dialer.open(listener.seal(0, -1, b"answer", asks=False))
    listener.open(dialer.seal(1, 0, b"fresh", asks=False))
    return dialer, listener


def test_a_first_flight_opens_before_the_listener_has_said_a_word() -> None:
    dialer, listener = ends()
    flight = [dialer.seal(number, -1, b"frame %d" % number, asks=number == 2) for number in range(3)]
    introduction = introduction_of(flight[0])
    assert introduction is not None
    assert introduction.preamble == PREAMBLE
    assert not introduction.is_fresh
    opened = [listener.open(datagram) for datagram in reversed(flight)]
    assert [(each.number, each.plaintext, each.asks) for each in opened if each] == [
        (2, b"frame 2", True),
        (1, b"frame 1", False),
        (0, b"frame 0", False),
    ]
    assert all(each.phase is Phase.EARLY for each in opened if each)
    assert not listener.peer_is_fresh


def test_until_it_is_answered_a_dialer_says_in_each_fourth_datagram_who_it_is() -> None:
    dialer, _ = ends()
    said = []
    for number in range(9):
        overhead_bytes = dialer.overhead_bytes(number, -1)
        datagram = dialer.seal(number, -1, b"", asks=False)
        assert len(datagram) == overhead_bytes
        said.append(introduction_of(datagram) is not None)
    assert said == [True, False, False, False, True, False, False, False, True]
    dialer.introduce()
    assert introduction_of(dialer.seal(9, -1, b"", asks=False)) is not None


def test_an_answer_makes_what_follows_fresh_and_short() -> None:
    dialer, listener = acquainted()
    assert listener.peer_is_fresh
    up, down = dialer.seal(2, 1, b"x", asks=True), listener.seal(1, 0, b"y", asks=False)
    assert len(up) == len(down) == 1 + 1 + 1 + 16
    assert introduction_of(up) is None
    opened = listener.open(up)
    assert opened is not None
    assert opened.phase is Phase.FRESH
    opened = dialer.open(down)
    assert opened is not None
    assert opened.plaintext == b"y"


def test_clear_bytes_are_as_few_as_said() -> None:
    dialer, listener = ends()
    for seal, number in ((dialer, 0), (listener, 0)):
        overhead_bytes = seal.overhead_bytes(number, -1)
        assert overhead_bytes == len(seal.seal(number, -1, b"", asks=False))
    fresh_dialer, _ = ends()
    assert fresh_dialer.overhead_bytes(0, -1) == 1 + 4 + SALT_BYTES + 1 + 16
    assert listener.overhead_bytes(0, -1) == 1 + SALT_BYTES + 1 + 16


def test_a_dialer_can_say_again_who_it_is_after_its_address_changed() -> None:
    dialer, listener = acquainted()
    dialer.introduce()
    datagram = dialer.seal(2, 1, b"still me", asks=True)
    introduction = introduction_of(datagram)
    assert introduction is not None
    assert introduction.is_fresh
    opened = listener.open(datagram)
    assert opened is not None
    assert opened.plaintext == b"still me"


def test_nothing_opens_twice() -> None:
    dialer, listener = acquainted()
    datagram = dialer.seal(2, 1, b"once", asks=False)
    assert listener.open(datagram) is not None
    assert listener.open(datagram) is None


def test_what_is_older_than_the_window_is_as_if_lost() -> None:
    dialer, listener = acquainted()
    old = dialer.seal(2, 1, b"old", asks=False)
    listener.open(dialer.seal(2 + REPLAY_WINDOW, 1, b"new", asks=False))
    # Its short number now stands for a later one, under which it does not open either.
    with pytest.raises(SealBroken):
        listener.open(old)


def test_an_early_recording_played_to_a_later_session_proves_nothing() -> None:
    dialer, _ = ends()
    recording = dialer.seal(0, -1, b"hello", asks=False)
    later = ListenerSeal(SECRET, PREAMBLE, b"\2" * SALT_BYTES)
    opened = later.open(recording)
    assert opened is not None
    assert opened.phase is Phase.EARLY
    assert not later.peer_is_fresh


def test_a_fresh_recording_does_not_open_in_another_session() -> None:
    dialer, _ = acquainted()
    recording = dialer.seal(2, 1, b"receipt", asks=False)
    with pytest.raises(SealBroken):
        ListenerSeal(SECRET, PREAMBLE, b"\2" * SALT_BYTES).open(recording)


@given(seed=st.integers(0, 2**16), bit=st.integers(0, 8 * 30))
def test_no_altered_bit_passes(seed: int, bit: int) -> None:
    dialer, listener = acquainted()
    datagram = bytearray(dialer.seal(2, 1, random.Random(seed).randbytes(12), asks=False))
    datagram[bit // 8 % len(datagram)] ^= 1 << bit % 8
    try:
        assert listener.open(bytes(datagram)) is None
    except (SealBroken, MalformedInput):
        return


@given(st.binary(max_size=80))
def test_noise_is_refused_in_so_many_words(noise: bytes) -> None:
    for seal in acquainted():
        try:
            assert seal.open(noise) is None
        except (SealBroken, MalformedInput):
            continue


def test_another_pairs_secret_opens_nothing() -> None:
    dialer, _ = ends()
    with pytest.raises(SealBroken):
        ListenerSeal(bytes(32), PREAMBLE, bytes(SALT_BYTES)).open(dialer.seal(0, -1, b"x", asks=False))


def test_only_the_pairs_listener_can_say_that_a_session_is_gone() -> None:
    dialer, _ = acquainted()
    with pytest.raises(SealBroken):
        dialer.open(gone_datagram(bytes(32), PREAMBLE))
    assert not dialer.is_rejected
    assert dialer.open(gone_datagram(SECRET, PREAMBLE)) is None
    assert dialer.is_rejected
    other = DialerSeal(SECRET, PAIR, b"\7" * SALT_BYTES)
    with pytest.raises(SealBroken):
        other.open(gone_datagram(SECRET, PREAMBLE))


def test_a_number_is_never_used_twice() -> None:
    dialer, _ = ends()
    dialer.seal(5, -1, b"a", asks=False)
    with pytest.raises(ValueError, match="only grow"):
        dialer.seal(5, -1, b"b", asks=False)


@given(
    acknowledged=st.integers(-1, 2**30),
    ahead=st.integers(1, 2000),
    arrived=st.floats(0, 1),
)
def test_a_short_number_is_understood_wherever_the_receiver_may_stand(
    acknowledged: int, ahead: int, arrived: float
) -> None:
    """The receiver has heard something between what it confirmed and what is sent now."""
    base = acknowledged + 3
    between = base + int(arrived * (ahead - 1))
    receiver = acquainted()[1]
    walk(receiver, between)
    number = base + ahead
    opened = receiver.open(acquainted()[0].seal(number, acknowledged, b"now", asks=False))
    assert opened is not None
    assert opened.number == number


def walk(listener: ListenerSeal, to: int) -> None:
    """Let the listener hear of higher and higher numbers until it stands there."""
    sender = acquainted()[0]
    at = 1
    while at < to:
        step = min(to, at + 2**30)
        opened = listener.open(sender.seal(step, at, b"", asks=False))
        assert opened is not None
        at = step


def test_a_salt_of_another_length_is_not_used() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        DialerSeal(SECRET, PAIR, bytes(SALT_BYTES + 4))
    with pytest.raises(ValueError, match="8 bytes"):
        ListenerSeal(SECRET, PREAMBLE, bytes(SALT_BYTES - 1))
