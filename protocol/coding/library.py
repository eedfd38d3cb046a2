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
        1: "1-en-402ddce7170aec89b8a90537e5dac46b.book",
        2: "2-ko-7334d2b0027f6bb8e54736ecab8b0903.book",
        3: "3-es-aa4bcc1187b49d66bc2ffeae30a80d0a.book",
        4: "4-tl-d09c97a7769c4d28efd4b5ab0209eb6c.book",
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
