"""The phrase books that this version ships, by id.

Law: a book never changes and its id is never used again. The file name holds the hash, and the name stands
here, so that a book that was damaged or exchanged is never used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from ..errors import MalformedInput
from .phrases import PhraseBook, decode_book

BOOKS_FOLDER: Final = "dictionaries"
BOOK_FILES: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "1-en-1559dc62371f5b59704b0b6ca0bc8389.book",
        2: "2-ko-4f1698ddc148ea986d9d3166bcb7b9e1.book",
        3: "3-es-baa1bbcfa0bc92e6eb15160d107f7cab.book",
        4: "4-tl-511f8445143af432d448e33d54d54a32.book",
    }
)
_HASH_BYTES: Final = 16


def book_file_name(book_id: int, language: str, data: bytes) -> str:
    """The only name that these bytes may have."""
    digest = blake2b(data, digest_size=_HASH_BYTES, person=b"sf-dictionary")
    return f"{book_id}-{language}-{digest.hexdigest()}.book"


@cache
def book_of(book_id: int) -> PhraseBook:
    """The book with this id; `MalformedInput` for one that is not shipped here.

    Reading it is not I/O that anybody could see: the files are part of the installed package, like its code.
    """
    if book_id not in BOOK_FILES:
        raise MalformedInput(f"compression dictionary {book_id} is not known here: update")
    name = BOOK_FILES[book_id]
    data = files("protocol").joinpath(BOOKS_FOLDER, name).read_bytes()
    book = decode_book(data)
    if book_file_name(book_id, book.language, data) != name:
        raise MalformedInput(f"compression dictionary {book_id} is damaged on this device: install again")
    return book
