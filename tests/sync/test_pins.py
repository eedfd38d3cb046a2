"""A pin reads in each form that people have it in, and names the key, not the certificate."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest

from sync.pins import MalformedPin, parse_pin, pin_of, pin_text

DIGEST = sha256(b"a key").digest()


def test_a_pin_is_the_digest_of_the_key_and_reads_as_it_is_shown() -> None:
    assert pin_of(b"a key") == DIGEST
    assert parse_pin(pin_text(pin_of(b"a key"))) == DIGEST


@pytest.mark.parametrize(
    "written",
    [
        "sha256:" + DIGEST.hex(),
        "SHA256:" + DIGEST.hex().upper(),
        "sha256:" + DIGEST.hex(":"),
        "sha256:" + base64.b64encode(DIGEST).decode(),
    ],
)
def test_every_common_form_is_read(written: str) -> None:
    assert parse_pin(written) == DIGEST


@pytest.mark.parametrize(
    "written", ["", DIGEST.hex(), "sha1:" + DIGEST.hex(), "sha256:", "sha256:" + "zz" * 32, "sha256:YWJj"]
)
def test_anything_else_is_refused_with_the_form_it_should_have(written: str) -> None:
    with pytest.raises(MalformedPin, match="64 hexadecimal digits"):
        parse_pin(written)
