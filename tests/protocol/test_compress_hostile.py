"""Hostile compressed input costs little: steps, output and memory are bounded, whatever the bytes say."""

from __future__ import annotations

import os
import random
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.bundle import unpack
from protocol.coding.library import book_of
from protocol.coding.phrases import BLANK_BYTES_MAX, COPY, VITALS, PhraseBook
from protocol.coding.symbols import Symbol, SymbolWriter
from protocol.coding.vitals import ROWS_MAX, Row, write_rows
from protocol.compress import DICTIONARIES, Codec, compress_by_phrases, compress_plainly, decompress
from protocol.errors import BundleRefused, MalformedInput
from protocol.limits import CODED_BYTES_MAX, CODED_STEPS_MAX

SIZE_MAX = 128 * 1024
LINES_MAX = 250_000
"""What ten milliseconds hold: a line of this code takes some 40 ns when nobody counts it."""
MEMORY_BYTES_MAX = 16 * 1024 * 1024


def lines_run(work: Callable[[], object]) -> int:
    """Lines of ours that run until `work` refuses or returns: a cost that does not depend on the machine."""
    lines = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    except MalformedInput:
        pass
    finally:
        sys.settrace(before)
    return lines


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
    except MalformedInput:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def symbol_of(book: PhraseBook, wanted: Callable[[bytes, int], bool]) -> Symbol:
    """The most frequent symbol of a kind: the most steps for the fewest bytes."""
    start, found = 0, []
    for text, more, frequency in book.phrases:
        if wanted(text, more):
            found.append(Symbol(frequency, start))
        start += frequency
    return max(found, key=lambda symbol: symbol.frequency)


def many(symbol: Symbol, bits: int, count: int) -> bytes:
    """The same symbol over and over, each followed by so many zero bits."""
    writer = SymbolWriter()
    for _ in range(count):
        writer.put(symbol)
        writer.code_bits(0, bits)
    return writer.finish()


def random_rows(book: PhraseBook) -> bytes:
    """Runs of 256 rows of whatever the bits say."""
    writer, chance = SymbolWriter(), random.Random(1)
    for _ in range(20):
        writer.put(symbol_of(book, lambda text, more: more == VITALS))
        writer.code_bits(255, 8)
        writer.code_bits(chance.getrandbits(4000), 4000)
    return writer.finish()


def full_rows(book: PhraseBook) -> bytes:
    """Runs of 256 rows with every field, in as few bytes as there can be."""
    writer = SymbolWriter()
    row: Row = {1: 300, **dict.fromkeys(range(2, 13), 0), 5: False}
    for _ in range(20):
        writer.put(symbol_of(book, lambda text, more: more == VITALS))
        write_rows(writer, [row | {1: 300 * index} for index in range(ROWS_MAX)], b"")
    return writer.finish()


def hostile() -> dict[str, tuple[int, int, bytes]]:
    """Codec, dictionary and data of each attack."""
    book = book_of(1)
    magicless = zstandard.FORMAT_ZSTD1_MAGICLESS
    declared = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(19, format=magicless)
    ).compress(bytes(1 << 26))
    wide = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, format=magicless, window_log=27)
    ).compress(os.urandom(1000) + bytes(1 << 24))
    empty_blocks = b"\x00\x58" + bytes(3) * 340_000
    one_letter = symbol_of(book, lambda text, more: len(text) == 1 and not more)
    blank = symbol_of(book, lambda text, more: not text and 0 < more <= BLANK_BYTES_MAX)
    coded = Codec.PHRASES
    return {
        "zstd: a size is declared": (Codec.ZSTD, 0, declared),
        "zstd: a wide window": (Codec.ZSTD, 0, wide),
        "zstd: no size is declared": (Codec.ZSTD, 0, compress_plainly(bytes(1 << 22)).data),
        "zstd: a megabyte of empty blocks": (Codec.ZSTD, 0, empty_blocks),
        "zstd: a hundred kilobytes of empty blocks": (Codec.ZSTD, 0, empty_blocks[:100_000]),
        "phrases: letters": (coded, 1, many(one_letter, 0, 2 * CODED_BYTES_MAX)),
        "phrases: blanks": (coded, 1, many(blank, 8, 4000)),
        "phrases: copies": (coded, 1, many(symbol_of(book, lambda _, more: more == COPY), 20, 3000)),
        "phrases: random rows": (coded, 1, random_rows(book)),
        "phrases: full rows": (coded, 1, full_rows(book)),
        "phrases: a megabyte": (coded, 1, bytes(1 << 20)),
        "phrases: nothing": (coded, 1, b""),
        "phrases: zeros": (coded, 1, bytes(CODED_BYTES_MAX)),
        "phrases: ones": (coded, 1, b"\xff" * CODED_BYTES_MAX),
        "stored: a megabyte": (Codec.STORED, 0, bytes(1 << 20)),
    }


@pytest.mark.parametrize("name", sorted(hostile()))
def test_hostile_input_is_refused_at_a_bounded_cost(name: str) -> None:
    codec, dictionary, data = hostile()[name]

    def refuse() -> None:
        with pytest.raises(MalformedInput):
            decompress(codec, dictionary, data, size_bytes_max=SIZE_MAX)

    refuse()  # The tables of the book are made once.
    assert lines_run(refuse) < LINES_MAX
    assert peak_bytes(refuse) < MEMORY_BYTES_MAX


@settings(max_examples=60)
@given(st.sampled_from(sorted(DICTIONARIES)), st.integers(0, 1 << 32), st.integers(1, CODED_BYTES_MAX))
def test_random_coded_bytes_are_bounded(dictionary: int, seed: int, size: int) -> None:
    data = random.Random(seed).randbytes(size)
    try:
        plain = decompress(Codec.PHRASES, dictionary, data, size_bytes_max=SIZE_MAX)
    except MalformedInput:
        return
    assert len(plain) <= CODED_BYTES_MAX


@settings(max_examples=300)
@given(st.binary(max_size=600), st.sampled_from([2, 3]), st.sampled_from(sorted(DICTIONARIES)))
def test_any_bundle_is_refused_or_read(data: bytes, codec: int, dictionary: int) -> None:
    try:
        unpack(bytes((1, codec, dictionary)) + data)
    except BundleRefused:
        return


def test_what_unpacks_to_more_than_is_asked_for_is_refused() -> None:
    long = compress_by_phrases(b"chest pain, " * 1000)
    assert long is not None
    assert len(long.data) < 5000
    with pytest.raises(MalformedInput, match=r"unpacks to more than"):
        decompress(*long, size_bytes_max=5000)


def test_a_tail_is_refused() -> None:
    packed = compress_plainly(b"abc" * 100).data
    for tail in (b"x", packed, bytes(100)):
        with pytest.raises(MalformedInput):
            decompress(Codec.ZSTD, 0, packed + tail, size_bytes_max=SIZE_MAX)


def test_steps_are_counted() -> None:
    blanks = symbol_of(book_of(1), lambda text, more: not text and more == 1)
    for count, allowed in ((CODED_STEPS_MAX, True), (CODED_STEPS_MAX + 1, False)):
        writer = SymbolWriter()
        for _ in range(count):
            writer.put(blanks)
            writer.code_bits(0xFF, 8)
        if allowed:
            assert decompress(Codec.PHRASES, 1, writer.finish(), size_bytes_max=SIZE_MAX) == b"\xff" * count
        else:
            with pytest.raises(MalformedInput, match="too many steps"):
                decompress(Codec.PHRASES, 1, writer.finish(), size_bytes_max=SIZE_MAX)
