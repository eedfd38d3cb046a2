"""Keys of cases: what is sealed for one place opens in that place, under that key, and nowhere else."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.case_keys import CASE_NONCE_BYTES, CASE_SEAL_BYTES, CaseKey, MasterKey, Slot
from protocol.errors import CaseSealBroken
from protocol.ids import CaseId

CASE, OTHER = CaseId(b"case 10 by"), CaseId(b"another 10")
RAW = bytes(range(32))
NONCE = b"n" * CASE_NONCE_BYTES
MASTER = MasterKey(b"m" * 32)


def key(case_id: CaseId = CASE, raw: bytes = RAW) -> CaseKey:
    return CaseKey(case_id, raw)


@given(st.binary(max_size=2_000), st.sampled_from(Slot), st.binary(max_size=40))
def test_what_was_sealed_is_opened(plain: bytes, slot: Slot, row: bytes) -> None:
    sealed = key().seal(plain, slot=slot, row=row, nonce=NONCE)
    assert len(sealed) == len(plain) + CASE_SEAL_BYTES
    assert key().open(sealed, slot=slot, row=row) == plain


def test_it_opens_in_its_own_place_only() -> None:
    sealed = key().seal(b"text", slot=Slot.ENTRY, row=b"row", nonce=NONCE)
    places = product((key(), key(OTHER), key(raw=bytes(32))), Slot, (b"row", b"row2", b""))
    opened = []
    for under, slot, row in places:
        try:
            opened.append((under.case_id, slot, row, under.open(sealed, slot=slot, row=row)))
        except CaseSealBroken:
            continue
    assert opened == [(CASE, Slot.ENTRY, b"row", b"text")]


@given(st.integers(0, (CASE_SEAL_BYTES + 4) * 8 - 1))
def test_a_flipped_bit_anywhere_does_not_open(at: int) -> None:
    sealed = bytearray(key().seal(b"text", slot=Slot.ENTRY, row=b"row", nonce=NONCE))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(CaseSealBroken):
        key().open(bytes(sealed), slot=Slot.ENTRY, row=b"row")


@pytest.mark.parametrize("size", [0, 1, CASE_NONCE_BYTES, CASE_SEAL_BYTES - 1, CASE_SEAL_BYTES])
def test_what_was_cut_short_does_not_open(size: int) -> None:
    sealed = key().seal(b"text", slot=Slot.ENTRY, row=b"row", nonce=NONCE)
    with pytest.raises(CaseSealBroken):
        key().open(sealed[:size], slot=Slot.ENTRY, row=b"row")


def test_a_wrapped_key_belongs_to_its_case_and_its_store() -> None:
    wrapped = MASTER.wrap(CASE, RAW, nonce=NONCE)
    assert RAW not in wrapped
    sealed = key().seal(b"text", slot=Slot.MEDIA, row=b"", nonce=NONCE)
    assert MASTER.unwrap(CASE, wrapped).open(sealed, slot=Slot.MEDIA, row=b"") == b"text"
    for master, case_id in ((MASTER, OTHER), (MasterKey(b"x" * 32), CASE)):
        with pytest.raises(CaseSealBroken):
            master.unwrap(case_id, wrapped)


def test_a_note_is_no_key_and_a_key_no_note() -> None:
    with pytest.raises(CaseSealBroken):
        MASTER.open_note(MASTER.wrap(CASE, RAW, nonce=NONCE))
    note = MASTER.seal_note(RAW, nonce=NONCE)
    assert MASTER.open_note(note) == RAW
    with pytest.raises(CaseSealBroken):
        MASTER.unwrap(CASE, note)


def test_the_bytes_on_the_disk_keep_their_form() -> None:
    """A change here makes every store unreadable that was written before."""
    sealed, wrapped = (
        "6e6e6e6e6e6e6e6e6e6e6e6eb6012a2d27bc00bb99f17d9be3bc51089b93e1f0",
        "6e6e6e6e6e6e6e6e6e6e6e6ea6e72e7d8c643357e2c4b9c4a36f2e6c8ed66b39bf7002895ea3c0d48f319805"
        "8a10b25e5a2d07561fe19a11a4ed2a85",
    )
    assert key().seal(b"text", slot=Slot.ENTRY, row=b"row", nonce=NONCE).hex() == sealed
    assert MASTER.wrap(CASE, RAW, nonce=NONCE).hex() == wrapped
