"""The bench's notes: three in each language, none of them easy, and all of them short by their dictionary."""

from __future__ import annotations

from collections import Counter, defaultdict

from protocol.compress import Codec, compress, compress_plainly
from simulations.bench.notes import notes, replies


def test_there_are_three_notes_in_each_language() -> None:
    assert Counter(note.language for note in notes()) == {"en": 3, "es": 3, "ko": 3, "tl": 3}
    assert all(len(note.text) > 250 for note in notes())


def test_each_language_is_far_below_zstd() -> None:
    shares: dict[str, list[float]] = defaultdict(list)
    for language, text in notes():
        packed = compress(text.encode())
        assert packed.codec is Codec.PHRASES
        shares[language].append(len(packed.data) / len(compress_plainly(text.encode()).data))
    for language, each in shares.items():
        assert sum(each) / len(each) <= 0.72, language


def test_korean_is_shorter_than_in_its_own_encoding() -> None:
    for language, text in notes():
        if language == "ko":
            own = compress_plainly(text.encode("euc_kr", errors="replace"))
            assert len(compress(text.encode()).data) < 0.7 * len(own.data)


def test_replies_are_little_more_than_half_of_zstd() -> None:
    shares = []
    for _, text in replies():
        packed = compress(text.encode())
        assert packed.codec is Codec.PHRASES
        shares.append(len(packed.data) / len(compress_plainly(text.encode()).data))
    assert len(shares) == 5
    assert sum(shares) / len(shares) <= 0.54
