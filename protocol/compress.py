"""Compression of bundle payloads: zstd within fixed bounds, with codec and dictionary id in every payload."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import zstandard

from .errors import MalformedInput
from .limits import WINDOW_SIZE_MAX


class Codec(IntEnum):
    STORED = 0
    ZSTD = 1


NO_DICTIONARY: Final = 0
_LEVEL: Final = 19
_SLICE_BYTES: Final = 64
"""Bounds what one step can inflate to: a block needs at least four bytes and yields at most 128 KiB."""


def compress(data: bytes) -> tuple[Codec, bytes]:
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
    return (Codec.ZSTD, packed) if len(packed) < len(data) else (Codec.STORED, data)


def decompress(codec: int, dictionary: int, data: bytes, *, size_bytes_max: int) -> bytes:
    """The original bytes; `MalformedInput` for an unknown codec or dictionary, damage, a bomb or a tail."""
    if dictionary != NO_DICTIONARY:
        raise MalformedInput(f"compression dictionary {dictionary} is not known here: update")
    if codec == Codec.STORED:
        if len(data) > size_bytes_max:
            raise MalformedInput(f"{len(data)} bytes where at most {size_bytes_max} are allowed")
        return data
    if codec != Codec.ZSTD:
        raise MalformedInput(f"compression codec {codec} is not known here: update")
    return _inflate(data, size_bytes_max)


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
