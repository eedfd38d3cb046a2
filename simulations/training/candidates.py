"""What may become a phrase: runs of words and marks, pieces of words, and the words of a list."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from protocol.coding.phrases import COPY, PHRASE_BYTES_MAX, VITALS

from .samples import Sample

Key = tuple[bytes, int]
"""Text of a phrase, and what follows it."""
Counts = defaultdict[Key, float]

RUN_TOKENS_MAX: Final = 6
PIECE_LETTERS_MAX: Final = 9
PIECE_COUNT: Final = 0.01
"""A piece of a word starts low: it is only of use where its word is not known."""
WORD_COUNT: Final = 0.3
"""What a word of the list counts as, beside its occurrences."""
CAPITAL_SHARE: Final = 0.2
"""Of words that start a sentence."""
FRAGMENT_COUNT: Final = 0.02
"""For each word of the list that a fragment occurs in."""
FRAGMENT_WORDS_MIN: Final = 6
FRAGMENT_LETTERS_MAX: Final = 6
LETTER_COUNT: Final = 0.05
ACTION_COUNT: Final = 20.0
"""For what the samples do not show: copies, rows of vital signs, and blanks without a text."""
BARE_BLANKS: Final = (1, 2, 3, 4, 6, 8, 16)
_TOKEN: Final = re.compile("\udcc1[\udcfd-\udcff]| ?[^\\W\\d_]+|.", re.DOTALL)
"""A mark of a string, a word with the space before it, or one character."""


def candidates(samples: Sequence[Sample], words: Sequence[bytes]) -> Counts:
    """Runs and pieces that occur in two samples, and fragments of many listed words, as first counts."""
    found: Counts = defaultdict(float)
    seen_in: defaultdict[Key, set[int]] = defaultdict(set)
    for index, sample in enumerate(samples):
        for text, blank in sample:
            tokens = _TOKEN.findall(text.decode("utf-8", "surrogateescape"))
            for key, count in (*_runs(tokens), *_endings(tokens, blank), *_pieces(tokens)):
                found[key] += count
                seen_in[key].add(index)
    kept: Counts = defaultdict(float, {key: found[key] for key in found if len(seen_in[key]) > 1})
    for fragment, count in Counter(_fragments(words)).items():
        if count >= FRAGMENT_WORDS_MIN:
            kept[fragment.encode(), 0] += FRAGMENT_COUNT * count
    return kept


def fixed_counts(words: Sequence[bytes], letters: Iterable[str]) -> Counts:
    """What stays in the book even if no sample has it; words start with a space."""
    fixed: Counts = defaultdict(float)
    for word in words:
        fixed[word, 0] += WORD_COUNT
        lower = word[1:].decode()
        capital = lower[0].upper() + lower[1:]
        if capital != lower:
            fixed[capital.encode(), 0] += WORD_COUNT * CAPITAL_SHARE
    for letter in letters:
        fixed[letter.encode(), 0] += LETTER_COUNT
    for more in (COPY, VITALS, *BARE_BLANKS):
        fixed[b"", more] += ACTION_COUNT
    return fixed


def _runs(tokens: Sequence[str]) -> Iterator[tuple[Key, float]]:
    for start in range(len(tokens)):
        for end in range(start + 1, min(len(tokens), start + RUN_TOKENS_MAX) + 1):
            run = _bytes("".join(tokens[start:end]))
            if len(run) <= PHRASE_BYTES_MAX:
                yield (run, 0), 1.0


def _endings(tokens: Sequence[str], blank: int) -> Iterator[tuple[Key, float]]:
    """What may stand right before a blank, down to nothing."""
    for start in range(max(0, len(tokens) - RUN_TOKENS_MAX), len(tokens) + 1) if blank else ():
        yield (_bytes("".join(tokens[start:])), blank), 1.0


def _pieces(tokens: Sequence[str]) -> Iterator[tuple[Key, float]]:
    for token in sorted(set(tokens)):
        for start in range(len(token)):
            for end in range(start + 1, min(len(token), start + PIECE_LETTERS_MAX) + 1):
                yield (_bytes(token[start:end]), 0), PIECE_COUNT


def _fragments(words: Sequence[bytes]) -> Iterator[str]:
    """Pieces of listed words, and their beginnings after the space."""
    for word in words:
        spaced = word.decode()
        for start in range(1, len(spaced)):
            for end in range(start + 2, min(len(spaced), start + FRAGMENT_LETTERS_MAX) + 1):
                yield spaced[start:end]
        for end in range(3, min(len(spaced), FRAGMENT_LETTERS_MAX + 1)):
            yield spaced[:end]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
