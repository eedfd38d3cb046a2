"""Compression: every form gives back its bytes, and what is hostile, cut or unknown is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import compress as compressing
from protocol.bundle import EntryBundle, pack, unpack
from protocol.clinical import Note, Vitals
from protocol.codec import encode
from protocol.coding.library import BOOK_FILES, book_of
from protocol.coding.strings import BEGIN, END, KEPT, NEXT, join_entries, split_entries
from protocol.compress import (
    DICTIONARIES,
    NO_DICTIONARY,
    Codec,
    compress,
    compress_by_phrases,
    compress_plainly,
    decompress,
    forget_compressed,
)
from protocol.difference import BASE_ID_BYTES
from protocol.entry import SignedEntry, read_entry, verify_entry
from protocol.errors import BaseMissing, BundleRefused, MalformedInput, SignatureBroken
from protocol.ids import CaseId, PatientId
from protocol.limits import CODED_BYTES_MAX
from protocol.records import NewRecord, Reference, Relation
from tests.protocol.bodies import HIDDEN
from tests.protocol.cases import MEDIC, SPECIALIST, WALL_S

SIZE_MAX = 128 * 1024
NOTE = (
    "Chief cook, 44, scalded left forearm with soup. Red, small blisters, painful, about two palms. "
    "Cooled for 20 minutes. Temp 36.9, pulse 92, BP 134/82. Paracetamol 1 g given at 18:40. "
    "Should we open the blisters?"
)


def note_bundle(*texts: str, counter: int = 1) -> EntryBundle:
    return EntryBundle(
        tuple(
            MEDIC.write(Note(language="en", text=text), counter=counter + i) for i, text in enumerate(texts)
        )
    )


@given(st.binary(max_size=4000))
def test_plain_compression_is_exact(data: bytes) -> None:
    packed = compress_plainly(data)
    assert len(packed.data) <= len(data)
    assert decompress(*packed, size_bytes_max=4000) == data


@settings(max_examples=40)
@given(st.one_of(st.binary(min_size=1, max_size=300), st.text(min_size=1, max_size=200).map(str.encode)))
def test_what_phrases_shorten_comes_back(data: bytes) -> None:
    for dictionary in DICTIONARIES:
        coded = compress_by_phrases(data, dictionaries=frozenset({dictionary}))
        if coded is not None:  # None: it would be longer than the data.
            assert coded.dictionary == dictionary
            assert decompress(*coded, size_bytes_max=len(data)) == data


def test_a_dictionary_suits_its_language() -> None:
    texts = {
        "en": "No fever, no chest pain, breathing easily, blood pressure 120/80.",
        "ko": "발열 없음, 흉통 없음, 호흡 편안함, 혈압 120/80.",
        "es": "Sin fiebre, sin dolor de pecho, respira bien, presión 120/80.",
        "tl": "Walang lagnat, hindi masakit ang dibdib, maayos ang paghinga, BP 120/80.",
    }
    for language, text in texts.items():
        packed = compress(text.encode())
        assert packed.codec is Codec.PHRASES
        assert book_of(packed.dictionary).language == language
        assert len(packed.data) < 0.6 * len(compress_plainly(text.encode()).data)


def test_only_dictionaries_of_the_peer_are_used() -> None:
    data = NOTE.encode()
    assert compress(data, dictionaries=frozenset()).codec is Codec.ZSTD
    assert compress(data, dictionaries=frozenset({3})).dictionary == 3
    assert compress(data, dictionaries=frozenset({99})).dictionary == NO_DICTIONARY


def test_unknown_codecs_and_dictionaries_ask_for_an_update() -> None:
    codec, _, data = compress(NOTE.encode())
    assert codec is Codec.PHRASES
    for known, unknown in ((codec, 0), (codec, 200), (Codec.ZSTD, 1), (Codec.STORED, 7)):
        with pytest.raises(MalformedInput, match=r"dictionary .* update"):
            decompress(known, unknown, data, size_bytes_max=SIZE_MAX)
    with pytest.raises(MalformedInput, match=r"codec 9 .* update"):
        decompress(9, NO_DICTIONARY, data, size_bytes_max=SIZE_MAX)


def test_another_dictionary_never_gives_the_same_text() -> None:
    codec, dictionary, data = compress(NOTE.encode())
    for other in DICTIONARIES - {dictionary}:
        try:
            assert decompress(codec, other, data, size_bytes_max=SIZE_MAX) != NOTE.encode()
        except MalformedInput:
            continue


def test_long_payloads_are_left_to_zstd() -> None:
    assert compress_by_phrases(b"a" * (CODED_BYTES_MAX + 1)) is None
    text = (NOTE * 100).encode()
    assert decompress(*compress(text), size_bytes_max=SIZE_MAX) == text


@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters=HIDDEN), min_size=1
        ),
        min_size=1,
        max_size=4,
    )
)
def test_bundles_of_any_notes_come_back(texts: list[str]) -> None:
    bundle = note_bundle(*texts)
    assert unpack(pack(bundle)) == bundle


def test_a_second_entry_of_the_case_costs_little_more_than_its_text() -> None:
    one, two = note_bundle(NOTE), note_bundle(NOTE, "Better today.")
    assert len(pack(two)) - len(pack(one)) < 64 + 50


@pytest.mark.parametrize("mark", [BEGIN, END, NEXT, bytes((0xC1, KEPT)), b"\xc1"], ids=bytes.hex)
@pytest.mark.parametrize("before", [0, 4, 8])
def test_identifiers_may_look_like_marks(mark: bytes, before: int) -> None:
    case = CaseId((bytes(before) + 10 * mark)[:10])
    entry = MEDIC.write(Note(language="en", text=NOTE), counter=1, case=case, patient=PatientId(case))
    bundle = EntryBundle((entry, entry))
    plain = pack(bundle)
    assert plain[1] == Codec.PHRASES
    assert unpack(plain) == bundle


_marky = st.lists(st.sampled_from([0xC1, 0xFC, 0xFD, 0xFE, 0xFF, 0x00]), max_size=9).map(bytes)
_values = st.recursive(
    _marky | st.sampled_from([-1, -2, -3, -4, 0xC1, 0xC1FE, 0xC1C1FC]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.integers(190, 195), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=400)
@given(st.lists(_values.map(encode), min_size=1, max_size=3))
def test_whatever_is_joined_is_split_into_the_same(payloads: list[bytes]) -> None:
    assert split_entries(join_entries(payloads)) == payloads


def test_an_entry_that_is_not_canonical_is_packed_all_the_same() -> None:
    bundle = EntryBundle((SignedEntry(b"\xcc\x01" * 40, bytes(64)),))
    assert pack(bundle)[1] == Codec.ZSTD
    assert unpack(pack(bundle)) == bundle


@settings(max_examples=60)
@given(st.integers(1, 200))
def test_a_coded_bundle_that_was_cut_never_verifies(cut: int) -> None:
    bundle = note_bundle(NOTE)
    plain = pack(bundle)
    assert plain[1] == Codec.PHRASES
    try:
        content = unpack(plain[: -min(cut, len(plain) - 1)])
    except BundleRefused:
        return
    assert isinstance(content, EntryBundle)
    with pytest.raises(SignatureBroken):
        verify_entry(content.entries[0], MEDIC.signer.public_key)


def test_a_change_of_one_value_is_small_and_needs_its_base() -> None:
    (base,) = note_bundle(NOTE).entries
    note = read_entry(base).records[1]
    corrected = NewRecord(
        Note(language="en", text=NOTE.replace("Temp 36.9", "Temp 38.9")),
        (Reference(Relation.SUPERSEDES, note.record_id),),
    )
    bundle = EntryBundle((MEDIC.write(corrected, counter=9, introduced=False),))
    plain = pack(bundle, base=base)
    assert plain[1] == Codec.PHRASES_AFTER
    assert len(plain) <= 64 + 50
    assert unpack(plain, base=base) == bundle
    with pytest.raises(BaseMissing, match=base.entry_id[:BASE_ID_BYTES].hex()) as missing:
        unpack(plain)
    assert base.entry_id.startswith(missing.value.base_id)
    with pytest.raises(BaseMissing):
        unpack(plain, base=bundle.entries[0])
    assert unpack(pack(bundle), base=base) == bundle


def test_with_another_history_the_change_does_not_come_out() -> None:
    history, other = (text.encode() for text in (NOTE, NOTE.replace("blisters", "patches")))
    data = f"{NOTE} Now worse.".encode()
    coded = compress_by_phrases(data, history=history)
    assert coded is not None
    assert coded.codec is Codec.PHRASES_AFTER
    assert decompress(*coded, size_bytes_max=SIZE_MAX, history=history) == data
    try:
        assert decompress(*coded, size_bytes_max=SIZE_MAX, history=other) != data
    except MalformedInput:
        return


def test_a_base_that_is_too_large_is_not_used_and_not_read() -> None:
    large = MEDIC.write(*(Note(language="en", text=NOTE * 10) for _ in range(8)), counter=1)
    assert len(large.payload) > CODED_BYTES_MAX
    bundle = note_bundle(NOTE, counter=30)
    plain = pack(bundle, base=large)
    assert plain[1] == Codec.PHRASES
    named = bytes((1, Codec.PHRASES_AFTER, 1, 1)) + bytes(64) + large.entry_id[:BASE_ID_BYTES] + b"\x05" * 9
    with pytest.raises(BundleRefused, match="too large"):
        unpack(named, base=large)


def test_a_base_that_does_not_help_is_not_named() -> None:
    other_case = CaseId(b"case-two-2")
    base = SPECIALIST.write(
        Vitals(observed_s=WALL_S, pain=3), counter=1, case=other_case, patient=PatientId(b"patient-22")
    )
    assert unpack(pack(note_bundle(NOTE), base=base)) == note_bundle(NOTE)


def test_every_shipped_dictionary_is_what_its_name_says() -> None:
    assert set(BOOK_FILES) == DICTIONARIES == {1, 2, 3, 4}
    for book_id, name in BOOK_FILES.items():
        assert name.startswith(f"{book_id}-{book_of(book_id).language}-")


def test_no_text_is_kept_once_it_is_forgotten() -> None:
    forget_compressed()
    assert compress_by_phrases(b"The patient says that the pain is worse.") is not None
    assert compressing._alone.cache_info().currsize == 1
    forget_compressed()
    assert compressing._alone.cache_info().currsize == 0


@pytest.mark.parametrize(
    "text",
    [
        NOTE,
        "Dolor en el pecho desde hace dos horas, peor al moverse. Sin fiebre. Pulso 92, tensión 134/82.",
        "두 시간 전부터 가슴이 아프고 움직이면 더 심해집니다. 열은 없습니다. 맥박 92, 혈압 134/82.",
        "Masakit ang dibdib mula pa kaninang umaga, lumalala kapag gumagalaw. Walang lagnat. Pulso 92.",
    ],
)
def test_what_is_left_out_at_first_sight_would_not_have_been_shorter(text: str) -> None:
    data = text.encode()
    chosen = compress_by_phrases(data)
    each = [compress_by_phrases(data, dictionaries=frozenset({book})) for book in BOOK_FILES]
    assert chosen is not None
    assert len(chosen.data) == min(len(packed.data) for packed in each if packed is not None)
