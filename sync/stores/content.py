"""Sealed bytes on disk: pieces of at most 64 KiB, each with a hash that is checked whenever it is read."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from protocol.limits import CHUNK_BYTES_MAX
from protocol.ranges import RangeSet

from .connection import Connection
from .errors import StoreDamaged

PIECE_BYTES_MAX: Final = CHUNK_BYTES_MAX
"""Small enough to be hashed for one chunk's sake, large enough that a photo is a few dozen rows."""
_STRIDE: Final = 1 << 32
_HASH_BYTES: Final = 16


class ContentDamaged(StoreDamaged):
    """Sealed bytes that are not those that were written, or are gone."""

    def __init__(self, content: int) -> None:
        super().__init__(
            f"Sealed bytes no. {content} were damaged on the disk. Nothing false was handed on. "
            "They are sent again from where they came; check the disk if this repeats."
        )


def begin(connection: Connection, size_bytes: int) -> int:
    """A new, empty content; its number was never used before."""
    cursor = connection.execute("INSERT INTO content (size_bytes) VALUES (?)", (size_bytes,))
    if cursor.lastrowid is None:
        raise RuntimeError("an insert gave no row number")
    return cursor.lastrowid


def write(connection: Connection, content: int, offset: int, data: bytes) -> int:
    """Keep the bytes that are not held yet; the number of those. What is held is never overwritten."""
    end = offset + len(data)
    missing = RangeSet.of([(offset, end)]) - _held(connection, content, offset, end)
    for start, stop in missing.spans:
        for at in range(start, stop, PIECE_BYTES_MAX):
            piece = data[at - offset : min(at + PIECE_BYTES_MAX, stop) - offset]
            position = content * _STRIDE + at
            connection.execute(
                "INSERT INTO piece (position, data, hash) VALUES (?, ?, ?)",
                (position, piece, _hash(position, piece)),
            )
    return len(missing)


def held(connection: Connection, content: int) -> RangeSet:
    """Which bytes are here."""
    return _held(connection, content, 0, _STRIDE)


def read(connection: Connection, content: int, offset: int, size_bytes: int) -> bytes:
    """Exactly these bytes; `ContentDamaged` unless every piece of them is here and is what was written."""
    base, end = content * _STRIDE, offset + size_bytes
    rows = connection.execute(
        "SELECT position, data, hash FROM piece WHERE position >= ? AND position < ? ORDER BY position",
        (_first_piece(connection, content, offset), base + end),
    ).fetchall()
    found = bytearray()
    for position, data, stored_hash in rows:
        start = position - base
        if stored_hash != _hash(position, data) or start > offset + len(found):
            raise ContentDamaged(content)
        found += data[offset + len(found) - start : end - start]
    if len(found) != size_bytes:
        raise ContentDamaged(content)
    return bytes(found)


def drop(connection: Connection, content: int) -> None:
    """Delete the content and its pieces; idempotent."""
    empty(connection, content)
    connection.execute("DELETE FROM content WHERE content = ?", (content,))


def empty(connection: Connection, content: int) -> None:
    """Delete the pieces and keep the number; idempotent."""
    base = content * _STRIDE
    connection.execute("DELETE FROM piece WHERE position >= ? AND position < ?", (base, base + _STRIDE))


def check_piece(position: int, data: bytes, stored_hash: bytes) -> None:
    """`ContentDamaged` unless the row is what was written."""
    if stored_hash != _hash(position, data):
        raise ContentDamaged(position // _STRIDE)


def _held(connection: Connection, content: int, start: int, end: int) -> RangeSet:
    """The pieces that touch start..end-1, whole."""
    base = content * _STRIDE
    rows = connection.execute(
        # SQLite tells a blob's length without reading it.
        "SELECT position, length(data) FROM piece WHERE position >= ? AND position < ?",
        (_first_piece(connection, content, start), base + end),
    )
    return RangeSet.of((position - base, position - base + length) for position, length in rows)


def _first_piece(connection: Connection, content: int, offset: int) -> int:
    """Where the piece begins that holds `offset`, or would hold it."""
    base = content * _STRIDE
    (position,) = connection.execute(
        "SELECT max(position) FROM piece WHERE position BETWEEN ? AND ?", (base, base + offset)
    ).fetchone()
    return base if position is None else int(position)


def _hash(position: int, data: bytes) -> bytes:
    return blake2b(position.to_bytes(8, "big") + data, digest_size=_HASH_BYTES, person=b"sf-piece").digest()
