"""The small profile: what it binds, what it costs, and that a copied store leaks nothing but equality."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BundleRefused, SealBroken, SuiteUnavailable
from protocol.header import Priority, Suite
from protocol.ids import Mailbox, Pseudonym
from protocol.limits import MICRO_BYTES_MAX
from protocol.small_seal import (
    MESSAGE_OVERHEAD_BYTES,
    SMALL_OVERHEAD_BYTES,
    Direction,
    SmallContext,
    SmallKey,
    SmallMessage,
    open_small,
    read_message,
    require_small_profile,
    seal_small,
    write_message,
)

KEY = SmallKey(secret=b"s" * 32, direction=Direction.TO_HUB)
CONTEXT = SmallContext(destination=Mailbox(b"d" * 8), origin=Pseudonym(b"pair"), priority=Priority.EMERGENCY)
PLAIN = b"BP 80/50, HR 130, pale. Aspirin given. May I give fluids?"
PLAINS = st.binary(min_size=1, max_size=400)


@given(PLAINS)
def test_what_was_sealed_opens_and_costs_seventeen_bytes(plain: bytes) -> None:
    sealed = seal_small(plain, KEY, CONTEXT)
    assert open_small(sealed, KEY, CONTEXT) == plain
    assert len(sealed) == len(plain) + SMALL_OVERHEAD_BYTES == len(plain) + 17


@pytest.mark.parametrize(
    "change",
    [
        {"destination": Mailbox(b"e" * 8)},
        {"origin": Pseudonym(b"riap")},
        {"priority": Priority.URGENT},
    ],
    ids=str,
)
def test_nothing_of_its_context_can_be_exchanged(change: dict[str, Any]) -> None:
    with pytest.raises(SealBroken):
        open_small(seal_small(PLAIN, KEY, CONTEXT), KEY, replace(CONTEXT, **change))


def test_a_message_sent_back_to_its_author_does_not_open() -> None:
    back = replace(KEY, direction=Direction.TO_SITE)
    with pytest.raises(SealBroken):
        open_small(seal_small(PLAIN, KEY, CONTEXT), back, CONTEXT)


def test_another_pair_s_secret_does_not_open_it() -> None:
    with pytest.raises(SealBroken, match="not from the other end of this pair"):
        open_small(seal_small(PLAIN, KEY, CONTEXT), replace(KEY, secret=b"t" * 32), CONTEXT)


def test_another_epoch_is_refused_and_cannot_be_passed_off_as_this_one() -> None:
    sealed = seal_small(PLAIN, replace(KEY, epoch=1), CONTEXT)
    with pytest.raises(BundleRefused, match="epoch 1 of the small profile is not known here"):
        open_small(sealed, KEY, CONTEXT)
    with pytest.raises(SealBroken):
        open_small(b"\0" + sealed[1:], KEY, CONTEXT)


@given(st.data())
def test_a_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(seal_small(PLAIN, KEY, CONTEXT))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((SealBroken, BundleRefused)):
        open_small(bytes(sealed), KEY, CONTEXT)


@given(st.binary(max_size=64) | st.binary(min_size=MICRO_BYTES_MAX + 18, max_size=MICRO_BYTES_MAX + 40))
def test_bytes_of_any_size_that_nobody_sealed_are_refused(sealed: bytes) -> None:
    with pytest.raises((SealBroken, BundleRefused)):
        open_small(sealed, KEY, CONTEXT)


@given(PLAINS, PLAINS)
def test_two_copies_of_a_store_leak_only_whether_two_texts_are_equal(one: bytes, other: bytes) -> None:
    """Both copies seal under the same number and key: there is no counter or nonce that they could share."""
    here, there = seal_small(one, KEY, CONTEXT), seal_small(other, KEY, CONTEXT)
    assert (here == there) == (one == other)
    if one != other:
        assert here[-16:] != there[-16:]


def test_nearly_equal_texts_have_unrelated_bytes() -> None:
    """Under a repeated nonce a stream cipher would show where two texts differ; this one shows nothing."""
    other = PLAIN.replace(b"80/50", b"90/50")
    here, there = seal_small(PLAIN, KEY, CONTEXT), seal_small(other, KEY, CONTEXT)
    same = sum(a == b for a, b in zip(here[1:], there[1:], strict=True))
    assert same < len(PLAIN) // 4
    difference = bytes(a ^ b for a, b in zip(here[1:], there[1:], strict=True))
    assert difference[: len(PLAIN)] != bytes(a ^ b for a, b in zip(PLAIN, other, strict=True))


@pytest.mark.parametrize("priority", Priority)
def test_a_message_of_its_own_costs_twenty_two_bytes(priority: Priority) -> None:
    sealed = seal_small(PLAIN, KEY, replace(CONTEXT, priority=priority))
    message = SmallMessage(CONTEXT.origin, priority, sealed)
    data = write_message(message)
    assert len(data) == len(PLAIN) + MESSAGE_OVERHEAD_BYTES == len(PLAIN) + 22
    assert read_message(data) == message


@pytest.mark.parametrize("first", [Suite.HPKE << 2, Suite.HPKE_STREAM << 2 | 1, 0, 0xFF])
def test_a_message_of_another_suite_is_refused(first: int) -> None:
    with pytest.raises(BundleRefused, match="does not travel as a message of its own"):
        read_message(bytes((first,)) + bytes(60))


@pytest.mark.parametrize("size", [0, 1, MESSAGE_OVERHEAD_BYTES, MESSAGE_OVERHEAD_BYTES + MICRO_BYTES_MAX + 1])
def test_a_message_too_short_or_too_long_is_refused(size: int) -> None:
    with pytest.raises(BundleRefused, match=f"does not have {size} bytes"):
        read_message(b"\x0c" * size)


def test_a_machine_without_the_cipher_is_told_so_at_the_start() -> None:
    def missing(key: bytes) -> object:
        raise UnsupportedAlgorithm("AES-GCM-SIV is not supported by this version of OpenSSL")

    require_small_profile()
    with pytest.raises(SuiteUnavailable, match=r"Nothing was started or changed\. Install"):
        require_small_profile(missing)
