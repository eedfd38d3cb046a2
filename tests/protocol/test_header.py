"""The clear header of a bundle: small, exact, and refused in every other form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BundleRefused
from protocol.header import BundleHeader, Priority, Suite, decode_header, encode_header
from protocol.ids import BundleId, Incarnation, Mailbox, Pseudonym, SealTag
from protocol.limits import BUNDLE_SEALED_BYTES_MAX, SEQUENCE_MAX

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "header.json").read_text())

HEADERS = st.builds(
    BundleHeader,
    suite=st.sampled_from(Suite),
    destination=st.binary(min_size=8, max_size=8).map(Mailbox),
    origin=st.binary(min_size=4, max_size=4).map(Pseudonym),
    incarnation=st.binary(min_size=4, max_size=4).map(Incarnation),
    sequence=st.integers(1, SEQUENCE_MAX),
    recipient_key=st.binary(min_size=2, max_size=2),
    bundle_id=st.binary(min_size=12, max_size=12).map(BundleId),
    seal_tag=st.binary(min_size=4, max_size=4).map(SealTag),
    priority=st.sampled_from(Priority),
    dwell_code=st.integers(0, 31),
    size_bytes=st.integers(1, BUNDLE_SEALED_BYTES_MAX),
)


def example(sequence: int = 7, size_bytes: int = 18_500) -> BundleHeader:
    return BundleHeader(
        suite=Suite.HPKE,
        destination=Mailbox(b"mailbox!"),
        origin=Pseudonym(b"pair"),
        incarnation=Incarnation(b"life"),
        sequence=sequence,
        recipient_key=b"k1",
        bundle_id=BundleId(b"bundle no. 7"),
        seal_tag=SealTag(b"seal"),
        priority=Priority.URGENT,
        dwell_code=22,
        size_bytes=size_bytes,
    )


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("urgent photo", example()),
        ("largest", example(SEQUENCE_MAX, BUNDLE_SEALED_BYTES_MAX)),
        ("smallest", example(1, 1)),
    ],
)
def test_golden_vectors(name: str, header: BundleHeader) -> None:
    encoded = bytes.fromhex(GOLDEN[name])
    assert encode_header(header) == encoded
    assert decode_header(encoded) == (header, len(encoded))


def test_it_costs_forty_bytes_for_a_large_photo() -> None:
    assert len(encode_header(example(2**14 - 1, 2**17 - 1))) == 40


@given(HEADERS, st.binary(max_size=5))
def test_every_header_comes_back(header: BundleHeader, behind: bytes) -> None:
    encoded = encode_header(header)
    assert decode_header(encoded + behind) == (header, len(encoded))


@given(HEADERS)
def test_every_truncation_is_refused(header: BundleHeader) -> None:
    encoded = encode_header(header)
    for end in range(len(encoded)):
        with pytest.raises(BundleRefused):
            decode_header(encoded[:end])


@pytest.mark.parametrize(("position", "value"), [(0, 0), (0, 0xFF), (17, 0), (36, 22)])
def test_a_field_out_of_range_is_refused(position: int, value: int) -> None:
    encoded = bytearray(encode_header(example(size_bytes=5)))
    encoded[position] = value
    with pytest.raises(BundleRefused):
        decode_header(bytes(encoded))


@pytest.mark.parametrize(("sequence", "size_bytes"), [(0, 1), (SEQUENCE_MAX + 1, 1), (1, 0), (1, 2**25)])
def test_we_cannot_write_what_nobody_would_read(sequence: int, size_bytes: int) -> None:
    with pytest.raises(BundleRefused):
        example(sequence, size_bytes)
