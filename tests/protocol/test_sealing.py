"""Bundles and seals: content survives, nothing that is bound can be exchanged, and damage never opens."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol.bundle import EntryBundle, LayerBundle, bundle_id_of, pack, unpack
from protocol.clinical import Layer, Note, Vitals
from protocol.errors import BundleRefused, SealBroken, UnknownKey
from protocol.header import Priority, Suite, prekey_id
from protocol.ids import Pseudonym
from protocol.sealing import (
    SEGMENT_BYTES,
    HpkeSealer,
    Prekey,
    SealContext,
    sealed_size_bytes,
)
from tests.protocol.cases import CASE, HUB, MEDIC, WALL_S

SECRET = b"p" * 32
PRIVATE = X25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KEYS = {prekey_id(PUBLIC): PRIVATE}
SEALER = HpkeSealer(os.urandom)
TEXT = EntryBundle(
    (
        MEDIC.write(Note(language="en", text="Crushing chest pain."), counter=1),
        MEDIC.write(Vitals(observed_s=WALL_S), counter=9),
    )
)


def context_of(content: EntryBundle | LayerBundle) -> SealContext:
    return SealContext(
        destination=HUB,
        origin=Pseudonym(b"orig"),
        recipient_key=prekey_id(PUBLIC),
        bundle_id=bundle_id_of(content, SECRET),
        priority=Priority.URGENT,
    )


@given(st.integers(1, 3 * SEGMENT_BYTES))
def test_sealed_bytes_open_to_the_same_and_have_the_predicted_size(size: int) -> None:
    plain = bytes(size)
    context = context_of(TEXT)
    suite, sealed = SEALER.seal(plain, Prekey(PUBLIC), context)
    assert len(sealed) == sealed_size_bytes(size)
    assert suite is (Suite.HPKE if size <= SEGMENT_BYTES else Suite.HPKE_STREAM)
    assert SEALER.open(suite, sealed, KEYS, context) == plain


@pytest.mark.parametrize("content", [TEXT, LayerBundle(CASE, Layer.PREVIEW, b"\x01" * 3000)])
def test_a_bundle_packs_and_unpacks(content: EntryBundle | LayerBundle) -> None:
    assert unpack(pack(content)) == content


def test_every_bound_field_is_bound() -> None:
    context = context_of(TEXT)
    suite, sealed = SEALER.seal(pack(TEXT), Prekey(PUBLIC), context)
    changed = [
        replace(context, destination=type(HUB)(b"elsewher")),
        replace(context, origin=Pseudonym(b"else")),
        replace(context, bundle_id=type(context.bundle_id)(bytes(12))),
        replace(context, priority=Priority.ROUTINE),
    ]
    for other in changed:
        with pytest.raises(SealBroken):
            SEALER.open(suite, sealed, KEYS, other)
    with pytest.raises(SealBroken):
        SEALER.open(Suite.HPKE_STREAM, sealed, KEYS, context)
    with pytest.raises(UnknownKey):
        SEALER.open(suite, sealed, {}, context)


@given(st.integers(0, 2 * SEGMENT_BYTES), st.integers(0, 7))
def test_a_flipped_bit_anywhere_does_not_open(at: int, bit: int) -> None:
    context = context_of(TEXT)
    suite, sealed = SEALER.seal(bytes(2 * SEGMENT_BYTES + 5), Prekey(PUBLIC), context)
    damaged = bytearray(sealed)
    damaged[at % len(sealed)] ^= 1 << bit
    with pytest.raises(SealBroken):
        SEALER.open(suite, bytes(damaged), KEYS, context)


def test_dropped_swapped_or_repeated_segments_do_not_open() -> None:
    context = context_of(TEXT)
    suite, sealed = SEALER.seal(os.urandom(3 * SEGMENT_BYTES), Prekey(PUBLIC), context)
    head, segment = sealed_size_bytes(SEGMENT_BYTES + 1) - SEGMENT_BYTES - 1 - 32, SEGMENT_BYTES + 16
    parts = [sealed[head + i * segment : head + (i + 1) * segment] for i in range(3)]
    for wrong in (parts[:2], [parts[1], parts[0], parts[2]], [*parts, parts[2]], [parts[0], parts[2]], []):
        with pytest.raises(SealBroken):
            SEALER.open(suite, sealed[:head] + b"".join(wrong), KEYS, context)


def test_bundle_ids_depend_on_content_order_and_secret_only() -> None:
    reordered = EntryBundle(tuple(reversed(TEXT.entries)))
    assert bundle_id_of(TEXT, SECRET) == bundle_id_of(EntryBundle(TEXT.entries), SECRET)
    assert bundle_id_of(TEXT, SECRET) != bundle_id_of(reordered, SECRET)
    assert bundle_id_of(TEXT, SECRET) != bundle_id_of(TEXT, b"q" * 32)


@given(st.binary(max_size=300))
def test_arbitrary_plain_text_is_refused_or_read(data: bytes) -> None:
    try:
        unpack(data)
    except BundleRefused:
        return
    assert data[0] in (1, 2)


@given(st.integers(0, 400))
def test_a_truncated_bundle_is_refused(cut: int) -> None:
    plain = pack(TEXT, dictionaries=frozenset())
    with pytest.raises(BundleRefused):
        unpack(plain[: cut % len(plain)])
