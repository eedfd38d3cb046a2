"""Enrolment: the code authenticates both messages, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol.enrolment import (
    MESSAGE_BYTES_MAX,
    PAIR_CLAIM_BYTES,
    HubKeys,
    SiteKeys,
    code_key,
    format_code,
    pair_claim,
    pair_secrets,
    parse_code,
    read_request,
    read_response,
    request_hint,
    site_hint,
    write_request,
    write_response,
)
from protocol.errors import EnrolmentRefused
from protocol.ids import Pseudonym

KEY = b"k" * 32
NONCE = b"n" * 12
SITE = SiteKeys(site_name="MV Test", signing=b"1" * 32, opening=b"2" * 32, transport=b"3" * 32)
HUB = HubKeys(
    organisation="Test Organisation",
    hub_name="hub",
    site_name="MV Test",
    pseudonym=Pseudonym(b"pair"),
    signing=b"4" * 32,
    opening=b"5" * 32,
    transport=b"6" * 32,
)
REQUEST = write_request(SITE, key=KEY, nonce=NONCE)
RESPONSE = write_response(HUB, REQUEST, key=KEY, nonce=NONCE)


@given(st.binary(min_size=10, max_size=10))
def test_a_code_survives_being_read_aloud(secret: bytes) -> None:
    code = format_code(secret)
    assert len(code.replace("-", "")) == 16
    assert not set(code) & set("ILOU")
    assert parse_code(code.lower().replace("-", " ")) == secret
    assert parse_code(code.replace("0", "O").replace("1", "l")) == secret


@pytest.mark.parametrize(
    "text", ["", "ABCD", "ABCD-EFGH-JKMN-PQR!", "ABCD-EFGH-JKMN-PQRST", "7K2M" * 4 + " " * 49]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(EnrolmentRefused):
        parse_code(text)


def test_both_messages_are_small_and_read_back() -> None:
    assert len(REQUEST) < 200
    assert len(RESPONSE) < 250
    assert read_request(REQUEST, key=KEY) == SITE
    assert read_response(RESPONSE, REQUEST, key=KEY) == HUB


def test_what_a_site_had_before_is_told_after_its_keys() -> None:
    known = replace(SITE, known_hub=HUB.signing)
    claiming = replace(known, pair=pair_claim(HUB.pseudonym, b"s" * 32))
    for keys in (SITE, known, claiming):
        assert read_request(write_request(keys, key=KEY, nonce=NONCE), key=KEY) == keys
    assert len(claiming.pair) == PAIR_CLAIM_BYTES


@pytest.mark.parametrize("size_bytes", [1, PAIR_CLAIM_BYTES - 1, PAIR_CLAIM_BYTES + 1, 32])
def test_a_claim_of_another_size_is_refused(size_bytes: int) -> None:
    keys = replace(SITE, known_hub=HUB.signing, pair=bytes(size_bytes))
    with pytest.raises(EnrolmentRefused, match="what the site had before"):
        read_request(write_request(keys, key=KEY, nonce=NONCE), key=KEY)


def test_the_hint_forgives_case_and_spaces() -> None:
    assert request_hint(REQUEST) == site_hint(" mv   TEST ")


@given(st.integers(0, 400), st.integers(0, 7))
def test_any_flipped_bit_is_refused(at: int, bit: int) -> None:
    damaged = bytearray(REQUEST)
    damaged[at % len(REQUEST)] ^= 1 << bit
    with pytest.raises(EnrolmentRefused):
        read_request(bytes(damaged), key=KEY)
    answer = bytearray(RESPONSE)
    answer[at % len(RESPONSE)] ^= 1 << bit
    with pytest.raises(EnrolmentRefused):
        read_response(bytes(answer), REQUEST, key=KEY)


def test_the_wrong_code_another_request_or_a_reflection_is_refused() -> None:
    with pytest.raises(EnrolmentRefused):
        read_request(REQUEST, key=b"x" * 32)
    with pytest.raises(EnrolmentRefused):
        read_response(RESPONSE, write_request(SITE, key=KEY, nonce=b"m" * 12), key=KEY)
    with pytest.raises(EnrolmentRefused):
        read_response(REQUEST, REQUEST, key=KEY)


@pytest.mark.parametrize("message", [b"", b"\x01", bytes(MESSAGE_BYTES_MAX + 1), b"\x02" + REQUEST[1:]])
def test_sizes_and_versions_are_checked_first(message: bytes) -> None:
    with pytest.raises(EnrolmentRefused):
        read_request(message, key=KEY)
    with pytest.raises(EnrolmentRefused):
        read_response(message, REQUEST, key=KEY)


def test_both_ends_derive_the_same_secrets_and_other_pairs_others() -> None:
    site, hub = X25519PrivateKey.from_private_bytes(b"s" * 32), X25519PrivateKey.from_private_bytes(b"h" * 32)
    here = pair_secrets(site, hub.public_key().public_bytes_raw(), Pseudonym(b"pair"))
    there = pair_secrets(hub, site.public_key().public_bytes_raw(), Pseudonym(b"pair"))
    other = pair_secrets(hub, site.public_key().public_bytes_raw(), Pseudonym(b"othr"))
    assert here == there
    assert len({here.bundle_ids, here.link, other.bundle_ids, other.link}) == 4


def test_guessing_a_code_costs_memory_hard_work() -> None:
    assert code_key(b"1" * 10) != code_key(b"2" * 10)
