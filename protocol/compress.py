"""Compression of bundle payloads within fixed bounds, with codec and dictionary id in every payload.

Short payloads are written in the phrases of a dictionary (`protocol.coding`), the others by zstd. What does
not come back exactly is never sent in that form.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import zstandard

from .coding.library import BOOK_FILES, book_of
from .coding.payload import Draft, decode_payload, hasty_cost_bits
from .errors import MalformedInput
from .limits import CODED_BYTES_MAX, DICTIONARY_SAMPLE_BYTES, WINDOW_SIZE_MAX


class Codec(IntEnum):
    STORED = 0
    ZSTD = 1
    PHRASES = 2
    PHRASES_AFTER = 3
    """Phrases and copies from an entry that the peer holds."""


NO_DICTIONARY: Final = 0
DICTIONARIES: Final = frozenset(BOOK_FILES)
"""All were shipped with the first version of the format: every peer holds them."""
_LEVEL: Final = 19
_SUITED_MAX: Final = 256
_SUITED: dict[bytes, int] = {}
"""What suited samples best, by their hashes: what is measured for a forecast is sealed soon after. A pure
function's answers, and no text among them."""
_NEAR_BEST: Final = 1.05
"""A book that costs so much more at first sight is not tried out. Of 121 samples in four languages one lost
two bits by that."""
_TELLING_BYTES: Final = 64
_ALONE_MAX: Final = 16
"""Texts whose short form is kept: each is packed for a forecast, then to be sealed, and again beside its
difference from another."""
_SLICE_BYTES: Final = 64
"""Bounds what one step can inflate to: a block needs at least four bytes and yields at most 128 KiB."""


class Packed(NamedTuple):
    codec: Codec
    dictionary: int
    data: bytes


def compress(data: bytes, *, dictionaries: frozenset[int] = DICTIONARIES) -> Packed:
    """The smallest form of `data` that a peer with these dictionaries can read."""
    plain, coded = compress_plainly(data), compress_by_phrases(data, dictionaries=dictionaries)
    return coded if coded is not None and len(coded.data) < len(plain.data) else plain


def compress_plainly(data: bytes) -> Packed:
    """The smaller of zstd (no magic, size, checksum or dictionary fields) and the bytes as they are."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        source_size=len(data),
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=False,
        write_checksum=False,
        write_dict_id=False,
    )
    packed = zstandard.ZstdCompressor(compression_params=parameters).compress(data)
    if len(packed) < len(data):
        return Packed(Codec.ZSTD, NO_DICTIONARY, packed)
    return Packed(Codec.STORED, NO_DICTIONARY, data)


def compress_by_phrases(
    data: bytes, *, dictionaries: frozenset[int] = DICTIONARIES, history: bytes = b""
) -> Packed | None:
    """`data` in phrases, and copies from `history`; None if it is too long, or would not become shorter.

    The dictionary is the one that suits a sample of the data best.
    """
    if not history:
        return _alone(data, dictionaries & DICTIONARIES)
    return _in_phrases(data, dictionaries & DICTIONARIES, history)


def forget_compressed() -> None:
    """No text is kept for whoever seals it: the vault was locked."""
    _alone.cache_clear()


@lru_cache(maxsize=_ALONE_MAX)
def _alone(data: bytes, dictionaries: frozenset[int]) -> Packed | None:
    return _in_phrases(data, dictionaries, b"")


def _in_phrases(data: bytes, dictionaries: frozenset[int], history: bytes) -> Packed | None:
    usable = sorted(dictionaries)
    if not usable or not data or len(data) > CODED_BYTES_MAX:
        return None
    chosen, draft = _suited(data, usable)
    if draft is None or history:
        draft = Draft(data, book_of(chosen), history=history)
    coded = draft.encode()
    codec = Codec.PHRASES_AFTER if history else Codec.PHRASES
    packed = Packed(codec, chosen, coded)
    try:
        exact = decompress(*packed, size_bytes_max=len(data), history=history) == data
    except MalformedInput:
        exact = False  # It takes more steps than a reader allows.
    return packed if exact else None


def decompress(
    codec: int, dictionary: int, data: bytes, *, size_bytes_max: int, history: bytes = b""
) -> bytes:
    """The original bytes; `MalformedInput` for an unknown codec or dictionary, damage, a bomb or a tail."""
    if codec in (Codec.PHRASES, Codec.PHRASES_AFTER):
        size_bytes_max = min(size_bytes_max, CODED_BYTES_MAX)
        return decode_payload(data, book_of(dictionary), history=history, size_bytes_max=size_bytes_max)
    if dictionary != NO_DICTIONARY:
        raise MalformedInput(f"compression codec {codec} has no dictionary {dictionary} here: update")
    if len(data) > size_bytes_max:  # No form is longer than what it holds.
        raise MalformedInput(f"{len(data)} bytes where at most {size_bytes_max} are allowed")
    if codec == Codec.STORED:
        return data
    if codec != Codec.ZSTD:
        raise MalformedInput(f"compression codec {codec} is not known here: update")
    return _inflate(data, size_bytes_max)


def _suited(data: bytes, usable: Sequence[int]) -> tuple[int, Draft | None]:
    """The dictionary that suits a sample of the data best, and all of it drafted with that if at hand."""
    sample = _sample(data)
    question = blake2b(bytes(usable) + sample, digest_size=16).digest()
    if (known := _SUITED.get(question)) is not None:
        return known, None
    drafts = {dictionary: Draft(sample, book_of(dictionary)) for dictionary in _worth_trying(sample, usable)}
    chosen = min(drafts, key=lambda dictionary: drafts[dictionary].cost_bits)
    if len(_SUITED) >= _SUITED_MAX:
        _SUITED.clear()
    _SUITED[question] = chosen
    return chosen, drafts[chosen] if sample == data else None


def _worth_trying(sample: bytes, usable: Sequence[int]) -> Sequence[int]:
    """Those that are not far worse at first sight; of a few words that tells nothing."""
    if len(sample) < _TELLING_BYTES:
        return usable
    hasty = {dictionary: hasty_cost_bits(sample, book_of(dictionary)) for dictionary in usable}
    near_best_bits = _NEAR_BEST * min(hasty.values())
    return [dictionary for dictionary in usable if hasty[dictionary] <= near_best_bits]


def _sample(data: bytes) -> bytes:
    """A few pieces from all over."""
    pieces = 8
    piece_bytes = DICTIONARY_SAMPLE_BYTES // pieces
    apart = max(piece_bytes, len(data) // pieces)
    return b"".join(data[start : start + piece_bytes] for start in range(0, len(data), apart))


def _inflate(data: bytes, size_bytes_max: int) -> bytes:
    """Decompress in small slices: one-shot decompress() ignores its cap when the frame declares a size."""
    window = zstandard.ZstdDecompressor(
        max_window_size=WINDOW_SIZE_MAX, format=zstandard.FORMAT_ZSTD1_MAGICLESS
    )
    stream = window.decompressobj()
    plain = bytearray()
    try:
        for start in range(0, len(data), _SLICE_BYTES):
            plain += stream.decompress(data[start : start + _SLICE_BYTES])
            if len(plain) > size_bytes_max:
                raise MalformedInput(f"it unpacks to more than {size_bytes_max} bytes")
            if stream.eof:
                if stream.unused_data or start + _SLICE_BYTES < len(data):
                    raise MalformedInput("compressed data is followed by something else")
                return bytes(plain)
    except zstandard.ZstdError as error:
        raise MalformedInput(f"damaged compressed data: {error}") from error
    raise MalformedInput("compressed data is cut short")
