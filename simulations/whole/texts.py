"""Texts that people write, as long as a stated number of sealed bytes needs.

Their words mean nothing: letters in random order hold what clinical prose of more letters holds, and no
dictionary of the product knows them, so that a size can be aimed at.
"""

from __future__ import annotations

import random
from string import ascii_lowercase
from typing import Final

SHORT_LETTERS: Final = 300
"""Up to here a letter takes a byte, sealed."""
BYTES_PER_LETTER: Final = 0.6
"""Beyond, the compressor's codes of 27 signs come to five bits each. Measured."""
NOTE_LETTERS_MAX: Final = 50_000
"""What the site writes as one note: five records of twelve kilobytes."""
ASSESSMENT_LETTERS_MAX: Final = 4_000
_WORD_LETTERS: Final = (2, 9)


def text_of(sealed_bytes: float, draw: random.Random, *, letters_max: int = NOTE_LETTERS_MAX) -> str:
    """As long as so many sealed bytes beyond those of an empty text; one word at least, and no more than its
    form takes."""
    short = min(sealed_bytes, SHORT_LETTERS)
    letters = min(letters_max, max(1, round(short + (sealed_bytes - short) / BYTES_PER_LETTER)))
    words: list[str] = []
    left = letters
    while left > 0:
        size = min(left, draw.randint(*_WORD_LETTERS))
        words.append("".join(draw.choices(ascii_lowercase, k=size)))
        left -= size + 1
    return " ".join(words)
