"""Canonical MessagePack: exact round trips, one encoding per value, and refusal of everything hostile."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import Primitive, decode, encode
from protocol.errors import InvalidRecord, MalformedInput
from protocol.limits import CODEC_DEPTH_MAX, CODEC_ITEMS_MAX

SIZE_MAX = 1 << 20

leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.integers(0, 255), inner, max_size=8),
    max_leaves=40,
)


@given(values)
def test_what_is_encoded_decodes_to_the_same(value: Primitive) -> None:
    assert decode(encode(value), size_bytes_max=SIZE_MAX) == value


@given(values)
def test_every_strict_prefix_and_extension_is_refused(value: Primitive) -> None:
    data = encode(value)
    for cut in range(len(data)):
        with pytest.raises(MalformedInput):
            decode(data[:cut], size_bytes_max=SIZE_MAX)
    with pytest.raises(MalformedInput):
        decode(data + b"\x00", size_bytes_max=SIZE_MAX)


@given(st.binary(max_size=200))
def test_only_canonical_bytes_are_accepted(data: bytes) -> None:
    try:
        value = decode(data, size_bytes_max=SIZE_MAX)
    except MalformedInput:
        return
    assert encode(value) == data


def test_maps_are_sorted_whatever_order_they_were_built_in() -> None:
    assert encode({3: 1, 1: 2, 200: 3}) == encode({200: 3, 1: 2, 3: 1})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x82\x01\x01\x01\x02", id="duplicate keys"),
        pytest.param(b"\x82\x02\x01\x01\x02", id="unsorted keys"),
        pytest.param(b"\xcc\x01", id="longer integer than needed"),
        pytest.param(b"\xd9\x01a", id="longer text head than needed"),
        pytest.param(b"\xdc\x00\x01\x01", id="longer array head than needed"),
        pytest.param(b"\x81\xa1a\x01", id="text key"),
        pytest.param(b"\x81\xff\x01", id="negative key"),
        pytest.param(b"\x81\xc3\x01", id="true as key"),
        pytest.param(b"\xcb" + bytes(8), id="float"),
        pytest.param(b"\xca" + bytes(4), id="short float"),
        pytest.param(b"\xd4\x01\x00", id="extension"),
        pytest.param(b"\xc7\x00\x01", id="long extension"),
        pytest.param(b"\xc1", id="reserved byte"),
        pytest.param(b"\xa1\xff", id="not UTF-8"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="array of 2**32 claimed"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="map of 2**32 claimed"),
        pytest.param(b"\xc6\xff\xff\xff\xff", id="bytes of 2**32 claimed"),
        pytest.param(b"\x91" * 1_000_000, id="a million deep"),
        pytest.param(b"\xdd\x00\x0f\x42\x40" + b"\x90" * 1_000_000, id="a million empty arrays"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode(data, size_bytes_max=2 * SIZE_MAX)


def test_depth_and_items_are_bounded_exactly() -> None:
    deep: Primitive = 0
    for _ in range(CODEC_DEPTH_MAX):
        deep = [deep]
    assert decode(encode(deep), size_bytes_max=SIZE_MAX) == deep
    with pytest.raises(MalformedInput, match="deeper"):
        decode(encode([deep]), size_bytes_max=SIZE_MAX)
    wide: Primitive = [0] * (CODEC_ITEMS_MAX - 1)
    assert decode(encode(wide), size_bytes_max=SIZE_MAX) == wide
    with pytest.raises(MalformedInput, match="items"):
        decode(encode([0] * CODEC_ITEMS_MAX), size_bytes_max=SIZE_MAX)


def test_size_is_bounded_before_anything_is_read() -> None:
    with pytest.raises(MalformedInput, match="at most 3"):
        decode(b"\xc4\x02ab", size_bytes_max=3)


@pytest.mark.parametrize("value", [1.5, {"a": 1}, {1: object()}, 1 << 64, {-1: 0}, {256: 0}])
def test_values_outside_the_format_are_our_own_error(value: Primitive) -> None:
    with pytest.raises(InvalidRecord):
        encode(value)


def test_the_encoding_is_plain_messagepack() -> None:
    assert msgpack.unpackb(encode({1: [1, "a", b"b", None, True]}), strict_map_key=False) == {
        1: [1, "a", b"b", None, True]
    }
