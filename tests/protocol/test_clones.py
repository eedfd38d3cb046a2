"""Both copies of a copied or restored store seal: nothing shows but that equal texts have equal ids."""

from __future__ import annotations

import os
from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.channel import SALT_BYTES, DialerChannel, DialerPreamble, ListenerChannel
from protocol.header import Priority, Suite
from protocol.ids import BundleId, Mailbox, Pseudonym
from protocol.sealing import HpkeSealer, Prekey, SealContext

PRIVATE = X25519PrivateKey.generate()
RECIPIENT = Prekey(PRIVATE.public_key().public_bytes_raw())
PAIR = Pseudonym(b"pair")
SECRET = os.urandom(32)
WINDOW_BYTES = 8
SHORT, LONG = b"SpO2 84 on air. " * 40, os.urandom(200) * 250


def context_of(content: str) -> SealContext:
    return SealContext(
        destination=Mailbox(b"hub mbox"),
        origin=PAIR,
        recipient_key=RECIPIENT.short_id,
        bundle_id=BundleId(content.encode().ljust(12, b".")),
        priority=Priority.URGENT,
    )


def windows(data: bytes) -> set[bytes]:
    return {data[at : at + WINDOW_BYTES] for at in range(len(data) - WINDOW_BYTES + 1)}


def assert_nothing_shared(sealed: list[bytes], plain: list[bytes]) -> None:
    """No common bytes at any place, and no two ciphertexts whose difference is that of their texts."""
    for (one, one_plain), (other, other_plain) in combinations(zip(sealed, plain, strict=True), 2):
        assert not windows(one) & windows(other)
        difference = bytes(a ^ b for a, b in zip(one_plain, other_plain, strict=False))[: WINDOW_BYTES * 4]
        for shift in range(-80, 81):
            aligned = zip(one[100:132], other[100 + shift : 132 + shift], strict=False)
            assert bytes(a ^ b for a, b in aligned) != difference


@pytest.mark.parametrize(("plain", "suite"), [(SHORT, Suite.HPKE), (LONG, Suite.HPKE_STREAM)])
def test_two_copies_seal_the_same_and_other_texts(plain: bytes, suite: Suite) -> None:
    """Each copy has the same keys, the same number to give next, and its own randomness from its machine."""
    copies = [HpkeSealer(os.urandom), HpkeSealer(os.urandom)]
    other = bytes(byte ^ 1 for byte in plain)
    sealed, plains = [], []
    for copy in copies:
        for content, text in (("same", plain), ("other", other)):
            used, data = copy.seal(text, RECIPIENT, context_of(content))
            assert used is suite
            sealed.append(data)
            plains.append(text)
            keys = {RECIPIENT.short_id: PRIVATE}
            assert copy.open(suite, data, keys, context_of(content)) == text
    assert_nothing_shared(sealed, plains)


def test_two_copies_greet_and_talk() -> None:
    """Salts are fresh for each greeting, so no two sessions of one secret share a key, early or fresh."""
    spoken: list[bytes] = []
    for _ in range(3):
        salt = os.urandom(SALT_BYTES)
        dialer = DialerChannel(SECRET, PAIR, salt)
        listener = ListenerChannel(SECRET, DialerPreamble(PAIR, salt), os.urandom(SALT_BYTES))
        early = dialer.seal(SHORT)
        assert b"".join(each.plaintext for each in listener.receive(early)) == SHORT
        down = listener.seal(SHORT)
        assert b"".join(each.plaintext for each in dialer.receive(listener.greeting + down)) == SHORT
        fresh = dialer.seal(SHORT)
        assert SHORT in b"".join(each.plaintext for each in listener.receive(fresh))
        # Without the two bytes of length in clear, which are those of equally long texts.
        spoken += [early[2:], down[2:], fresh[2:]]
    heads = [each[:400] for each in spoken]
    for one, other in combinations(heads, 2):
        assert not windows(one) & windows(other)


def test_one_salt_used_twice_would_show() -> None:
    """The check above can fail: it is the salt that keeps two sessions apart."""
    salt = bytes(SALT_BYTES)
    one, other = (DialerChannel(SECRET, PAIR, salt).seal(SHORT) for _ in range(2))
    assert windows(one) & windows(other)
