"""Sizes of texts that training has not seen, by every way to compress them that was considered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import zstandard

from protocol.coding.payload import encode_payload
from protocol.coding.phrases import PhraseBook
from protocol.compress import compress_plainly
from simulations.demo.screen import table

from .samples import texts_of

DICTIONARY_BYTES: Final = 64 * 1024
_LEVEL: Final = 19


def measured_lines(paths: Sequence[Path], books: Mapping[int, PhraseBook]) -> list[str]:
    """A table: UTF-8, zstd alone, Korean as EUC-KR, zstd with a dictionary trained on our texts, phrases."""
    dictionaries = [one for book in books.values() for one in _zstd_dictionaries(book.language)]
    rows = []
    for path in paths:
        text = path.read_text("utf-8").strip()
        data = text.encode()
        plain = len(compress_plainly(data).data)
        with_dictionary = min(_zstd_bytes(data, dictionary) for dictionary in dictionaries)
        phrases = min(len(encode_payload(data, book, history=b"")) for book in books.values())
        rows.append(
            (
                path.stem,
                *(str(size) for size in (len(data), plain, _euc_kr_bytes(text), with_dictionary, phrases)),
                f"{with_dictionary / plain:.2f}",
                f"{phrases / plain:.2f}",
            )
        )
    heads = ("text", "UTF-8", "zstd", "EUC-KR", "zstd+dict", "phrases", "dict/zstd", "phrases/zstd")
    return ["", *table(heads, rows)]


def _zstd_dictionaries(language: str) -> Iterator[zstandard.ZstdCompressionDict]:
    """One with entropy tables, as zstd trains it, and one that simply holds as much text as fits."""
    texts = texts_of(language)
    samples = [line.encode() for line in (*texts.notes, *texts.replies, *texts.phrases)]
    yield zstandard.train_dictionary(DICTIONARY_BYTES, [*samples], level=_LEVEL)
    content = b"\n".join((" ".join(texts.words).encode(), *samples))[-DICTIONARY_BYTES:]
    yield zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _zstd_bytes(data: bytes, dictionary: zstandard.ZstdCompressionDict) -> int:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=False,
        write_checksum=False,
        write_dict_id=False,
    )
    return len(zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters).compress(data))


def _euc_kr_bytes(text: str) -> str | int:
    """Korean in the encoding that takes two bytes for a syllable, then zstd alone."""
    try:
        return len(compress_plainly(text.encode("euc_kr")).data) if not text.isascii() else "-"
    except UnicodeEncodeError:
        return "-"
