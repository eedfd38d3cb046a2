"""Golden vectors of every codec and dictionary: a difference here is a change of the wire format.

`python -m tests.protocol.test_compress_golden` writes them anew, which only a new dictionary id can justify.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

import pytest

from protocol.coding.library import BOOK_FILES, BOOKS_FOLDER, book_of
from protocol.compress import Codec, compress_by_phrases, compress_plainly, decompress

VECTORS = Path(__file__).parent.parent / "golden" / "codecs.json"
SIZE_MAX = 12 * 1024
TEXTS = {
    "en": "Pain 7/10 since 02:10, BP 98/60, SpO2 91% on air; amoxicillin 500 mg given. Zq\u00df?",
    "ko": "02:10부터 통증 7점, 혈압 98/60, 산소포화도 91%, 아목시실린 500mg 투여. 뷁?",
    "es": "Dolor 7/10 desde las 02:10, PA 98/60, SatO2 91%; se dio amoxicilina 500 mg. \u0160k?",
    "tl": "Masakit 7/10 mula 02:10, BP 98/60, SpO2 91%; binigyan ng amoxicillin 500 mg. \u0178w?",
}


def plain_of(language: str) -> bytes:
    """Text, an identifier, rows of vital signs, and the text once more: every kind of symbol."""
    text = TEXTS[language].encode()
    rows = b"".join(
        bytes((0x92, 10, 0x83, 1, 0xCE))
        + (1_760_000_000 + 300 * i).to_bytes(4, "big")
        + bytes((2, 80 + i % 3, 4, 96))
        for i in range(4)
    )
    return text + bytes(range(200, 210)) + rows + b"\xff" + text


def vectors() -> dict[str, object]:
    """What the committed file must say."""
    found: dict[str, object] = {"books": dict(BOOK_FILES)}
    plain = TEXTS["en"].encode() * 3
    packed = compress_plainly(plain)
    found["zstd"] = _vector(packed.codec, packed.dictionary, plain, packed.data, b"")
    found["stored"] = _vector(Codec.STORED, 0, b"\x07", b"\x07", b"")
    for book_id in BOOK_FILES:
        language = book_of(book_id).language
        for history in (b"", TEXTS[language].encode()):
            coded = compress_by_phrases(
                plain_of(language), dictionaries=frozenset({book_id}), history=history
            )
            if coded is None:
                raise ValueError(f"the text of {language} is not packed in phrases")
            name = f"{language}, {coded.codec.name.lower()}"
            found[name] = _vector(coded.codec, coded.dictionary, plain_of(language), coded.data, history)
    return found


def _vector(codec: int, dictionary: int, plain: bytes, packed: bytes, history: bytes) -> dict[str, object]:
    return {
        "codec": int(codec),
        "dictionary": dictionary,
        "history": history.hex(),
        "plain": plain.hex(),
        "packed": packed.hex(),
    }


def committed() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(VECTORS.read_text())
    return found


def test_every_codec_and_dictionary_has_a_vector() -> None:
    items = [vector for name, vector in committed().items() if name != "books"]
    pairs = {(int(item["codec"]), int(item["dictionary"])) for item in items}
    assert pairs == {(0, 0), (1, 0)} | {(codec, book) for codec in (2, 3) for book in BOOK_FILES}


def test_the_vectors_are_still_read() -> None:
    for name, vector in committed().items():
        if name == "books":
            continue
        plain = decompress(
            int(vector["codec"]),
            int(vector["dictionary"]),
            bytes.fromhex(vector["packed"]),
            size_bytes_max=SIZE_MAX,
            history=bytes.fromhex(vector["history"]),
        )
        assert plain.hex() == vector["plain"], name


def test_what_we_write_is_what_the_vectors_say() -> None:
    assert json.loads(json.dumps(vectors())) == committed()


@pytest.mark.parametrize("book_id", sorted(BOOK_FILES))
def test_no_book_has_changed(book_id: int) -> None:
    name = committed()["books"][str(book_id)]
    assert BOOK_FILES[book_id] == name, "a published book is never replaced: give the new one a new id"
    data = files("protocol").joinpath(BOOKS_FOLDER, name).read_bytes()
    digest = blake2b(data, digest_size=16, person=b"sf-dictionary").hexdigest()
    assert name == f"{book_id}-{book_of(book_id).language}-{digest}.book"


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1) + "\n")
