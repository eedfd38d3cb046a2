"""Compressed data that unpacks to far more than it is, or holds something else behind its end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import msgpack
import zstandard

from protocol.coding.library import BOOK_FILES, book_of
from protocol.coding.phrases import VITALS
from protocol.coding.symbols import SymbolWriter
from protocol.coding.vitals import ROWS_MAX, Row, write_rows
from protocol.compress import NO_DICTIONARY, Codec
from protocol.kinds import Kind
from protocol.limits import CODED_BYTES_MAX
from protocol.varint import encode_varint

from .messages import MEGABYTE

_BLOCK_BYTES_MAX: Final = 128 * 1024
_RLE, _RAW, _COMPRESSED, _RESERVED = 1, 0, 2, 3
_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = b"\x50\x2a\x4d\x18"
_WINDOW_8_MB: Final = b"\x68"
"""Window descriptor: 2**(10 + 13) bytes."""
_SIGNATURE_BYTES: Final = 64
_MOMENT_S: Final = 1_760_000_000


def packed() -> dict[str, bytes]:
    """Codec byte, dictionary byte, data."""
    head = bytes((Codec.ZSTD, NO_DICTIONARY))
    return {name: head + data for name, data in _zstd().items()} | _phrases() | _foreign()


def in_bundle() -> dict[str, bytes]:
    """The same as the entries of a bundle that claims one, and a few false claims."""
    one = encode_varint(1) + bytes(_SIGNATURE_BYTES)
    wrapped = {f"{name}, as entries": b"\x01" + data[:2] + one + data[2:] for name, data in packed().items()}
    micro = {
        f"{name}, as a micro-bundle": b"\x03" + data[:2] + bytes(34) + data[2:]
        for name, data in packed().items()
    }
    return (
        wrapped
        | micro
        | {
            "no entry": b"\x01\x00\x00\x00",
            "257 entries": b"\x01\x00\x00" + encode_varint(257) + bytes(257 * _SIGNATURE_BYTES),
            "2**62 entries": b"\x01\x00\x00" + encode_varint(1 << 62) + bytes(1000),
            "one signature of two": b"\x01\x00\x00\x02" + bytes(_SIGNATURE_BYTES),
            "entries of nothing": b"\x01\x00\x00"
            + encode_varint(256)
            + bytes(256 * _SIGNATURE_BYTES)
            + bytes(256),
            "a megabyte of empty entries": b"\x01\x00\x00" + one + bytes(MEGABYTE),
            "entry longer than the bundle": b"\x01\x00\x00" + one + encode_varint(1 << 40) + b"x",
            "layer of no size": b"\x02\x01" + bytes(10),
            "unknown layer": b"\x02\x09" + bytes(20),
            "unknown content": b"\x7f" + bytes(20),
            "difference from an unknown entry": b"\x01\x03\x01" + one + b"unseen" + bytes(40),
        }
    )


def _zstd() -> dict[str, bytes]:
    """Frames without magic, as they travel, most of them built by hand."""
    rle = _block(_RLE, _BLOCK_BYTES_MAX, b"\x00")
    return {
        "declared bomb": _compressed(bytes(64 * MEGABYTE), declared=True),
        "undeclared bomb": _compressed(bytes(64 * MEGABYTE), declared=False),
        "bomb of single blocks": b"\x00" + _WINDOW_8_MB + rle * 1000 + _last(),
        "bomb with a window of 8 MB": b"\x00" + _WINDOW_8_MB + rle * 200_000 + _last(),
        "window of 128 MB": b"\x00" + bytes(((17) << 3,)) + rle + _last(),
        "window of 2 TB": b"\x00\xff" + rle + _last(),
        "one segment of 16 EB": b"\xe0" + b"\xff" * 8 + rle + _last(),
        "one segment of 1 GB": b"\xa0" + (1 << 30).to_bytes(4, "little") + rle * 100 + _last(),
        "declared less than it holds": b"\x20\x05" + _block(_RAW, 9, b"123456789", last=True),
        "declared more than it holds": b"\x20\x50" + _block(_RAW, 9, b"123456789", last=True),
        "a megabyte of empty blocks": b"\x00"
        + _WINDOW_8_MB
        + _block(_RAW, 0, b"") * (MEGABYTE // 3)
        + _last(),
        "reserved block": b"\x00" + _WINDOW_8_MB + _block(_RESERVED, 1, b"x"),
        "damaged block": b"\x00" + _WINDOW_8_MB + _block(_COMPRESSED, 100, bytes(100), last=True),
        "names a dictionary": b"\x03" + _WINDOW_8_MB + b"\x01\x02\x03\x04" + _last(),
        "two frames": (b"\x00" + _WINDOW_8_MB + _last()) * 2,
        "two frames with magic": (_MAGIC + b"\x00" + _WINDOW_8_MB + _last()) * 2,
        "skippable frame": _SKIPPABLE + (8).to_bytes(4, "little") + bytes(8),
        "skippable frame of 4 GB": _SKIPPABLE + b"\xff" * 4 + bytes(1000),
        "skippable frame behind the end": b"\x00" + _WINDOW_8_MB + _last() + _SKIPPABLE + bytes(4),
        "a byte behind the end": b"\x00" + _WINDOW_8_MB + _last() + b"\x00",
        "cut short": _compressed(b"vital signs " * 50, declared=False)[:-3],
        "no block": b"\x00" + _WINDOW_8_MB,
    }


def _phrases() -> dict[str, bytes]:
    """Codes drawn at random, as large as they may be, and repeats that reach for the most output."""
    noise = random.Random(2)
    out = {}
    for codec in (Codec.PHRASES, Codec.PHRASES_AFTER):
        for dictionary in (*sorted(BOOK_FILES), NO_DICTIONARY, 255):
            head = bytes((codec, dictionary))
            for size in (1, 7, 1000, CODED_BYTES_MAX, CODED_BYTES_MAX + 1):
                out[f"{codec.name} by book {dictionary}, {size} random bytes"] = head + noise.randbytes(size)
            for byte in (0x00, 0x01, 0x55, 0xFF):
                data = b"\x01" + bytes((byte,)) * (CODED_BYTES_MAX - 2)
                out[f"{codec.name} by book {dictionary}, all {byte:#04x}"] = head + data
    return out | _rows_without_end()


def _rows_without_end() -> dict[str, bytes]:
    """Sets of vital signs in more runs than anybody needs, and one run with hardly a reading in it."""
    dictionary = min(BOOK_FILES)
    head = bytes((Codec.PHRASES, dictionary))
    full = {1: _MOMENT_S, **dict.fromkeys(range(2, 13), 40)} | {5: True}
    sparse = [{1: _MOMENT_S}] * (ROWS_MAX - 1) + [full]
    runs = {
        "455 runs of one full row": [[full]] * 455,
        "1024 runs of one small row": [[{1: _MOMENT_S, 2: 80, 3: 16}]] * 1024,
        "a run that lacks nearly all": [sparse],
    }
    return {name: head + _coded_runs(each, dictionary) for name, each in runs.items()}


def _coded_runs(runs: Sequence[Sequence[Row]], dictionary: int) -> bytes:
    writer, before = SymbolWriter(), b""
    for rows in runs:
        writer.put(book_of(dictionary).action(VITALS).symbol)
        write_rows(writer, rows, before)
        before += b"".join(msgpack.packb([int(Kind.VITALS), row]) for row in rows)
    return writer.finish()


def _foreign() -> dict[str, bytes]:
    stored = bytes((Codec.STORED, NO_DICTIONARY))
    return {
        "stored, a megabyte": stored + bytes(MEGABYTE),
        "stored with a dictionary": b"\x00\x01abc",
        "zstd with a dictionary": b"\x01\x01abc",
        "unknown codec": b"\x63\x00abc",
        "nothing stored": stored,
    }


def _compressed(plain: bytes, *, declared: bool) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=declared, write_checksum=False
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compress(plain)


def _block(kind: int, size: int, data: bytes, *, last: bool = False) -> bytes:
    return (last | kind << 1 | size << 3).to_bytes(3, "little") + data


def _last() -> bytes:
    return _block(_RAW, 0, b"", last=True)
