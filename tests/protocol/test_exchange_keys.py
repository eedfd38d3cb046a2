"""Public keys from outside: those that agree on the same secret with everybody never get in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from protocol.enrolment import SiteKeys, read_request, write_request
from protocol.errors import EnrolmentRefused, InvalidRecord, MalformedInput
from protocol.exchange_keys import ExchangeKey, is_usable
from protocol.prekeys import EpochKey
from protocol.schema import decode_fields, encode_fields

PRIME = (1 << 255) - 19
GOOD = X25519PrivateKey.from_private_bytes(b"k" * 32).public_key().public_bytes_raw()
# The points of small order on Curve25519 and their other encodings (RFC 7748, section 7; Langley and others).
LOW_ORDER = [
    number.to_bytes(32, "little")
    for number in (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        PRIME - 1,
        PRIME,
        PRIME + 1,
    )
]


@pytest.mark.parametrize("key", LOW_ORDER, ids=lambda key: key.hex()[:8])
def test_a_key_of_low_order_is_refused_and_would_have_stopped_whoever_seals(key: bytes) -> None:
    with pytest.raises(ValueError, match="shared key"):
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key))
    assert not is_usable(key)
    with pytest.raises(MalformedInput, match="agreed"):
        ExchangeKey().decode(key)
    with pytest.raises(InvalidRecord, match="agreed"):
        encode_fields(EpochKey(epoch=1, public_key=key, made_s=0))
    with pytest.raises(MalformedInput, match="public_key"):
        decode_fields(EpochKey, {1: 1, 2: key, 3: 0})


@pytest.mark.parametrize("key", [b"", GOOD[:31], GOOD + b"\x00"])
def test_another_size_is_refused(key: bytes) -> None:
    assert not is_usable(key)


def test_a_true_key_passes() -> None:
    assert is_usable(GOOD)
    stated = EpochKey(epoch=1, public_key=GOOD, made_s=0)
    assert decode_fields(EpochKey, encode_fields(stated)) == stated


@pytest.mark.parametrize("field", ["opening", "transport"])
def test_enrolment_takes_no_such_key(field: str) -> None:
    keys = SiteKeys(site_name="site", signing=b"s" * 32, opening=GOOD, transport=GOOD)
    bad = LOW_ORDER[0]
    hostile = replace(keys, opening=bad) if field == "opening" else replace(keys, transport=bad)
    code_key, nonce = bytes(32), bytes(12)
    assert read_request(write_request(keys, key=code_key, nonce=nonce), key=code_key) == keys
    with pytest.raises(EnrolmentRefused, match="keys"):
        read_request(write_request(hostile, key=code_key, nonce=nonce), key=code_key)
