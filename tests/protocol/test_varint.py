"""Integers: shortest form only, any value back, nothing read past the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import MalformedInput
from protocol.varint import VARINT_BYTES_MAX, decode_varint, encode_varint

VALUES = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**28 - 1, "ffffff7f")],
)
def test_known_values(value: int, encoded: str) -> None:
    assert encode_varint(value).hex() == encoded
    assert decode_varint(bytes.fromhex(encoded)) == (value, len(encoded) // 2)


@given(VALUES, st.binary(max_size=4), st.binary(max_size=4))
def test_every_value_comes_back_from_any_position(value: int, before: bytes, after: bytes) -> None:
    encoded = encode_varint(value)
    assert decode_varint(before + encoded + after, len(before)) == (value, len(before) + len(encoded))


@given(VALUES)
def test_every_truncation_is_refused(value: int) -> None:
    encoded = encode_varint(value)
    for end in range(len(encoded)):
        with pytest.raises(MalformedInput, match="cut short"):
            decode_varint(encoded[:end])


@pytest.mark.parametrize("longer", ["8000", "ff00", "80808000"])
def test_a_longer_form_than_needed_is_refused(longer: str) -> None:
    with pytest.raises(MalformedInput, match="shortest"):
        decode_varint(bytes.fromhex(longer))


def test_an_endless_integer_is_refused() -> None:
    with pytest.raises(MalformedInput, match="too long"):
        decode_varint(b"\xff" * (VARINT_BYTES_MAX + 1))


@pytest.mark.parametrize("value", [-1, 2**63])
def test_a_value_out_of_range_is_our_error(value: int) -> None:
    with pytest.raises(ValueError, match="varint"):
        encode_varint(value)
