"""Phrase books: the immutable dictionaries of the wire format, one per language.

A book is a list of byte strings with the frequency of each. Some leave a blank: bytes that no book can know,
such as an identifier, which follow as they are. Its id names it for ever; the file's hash proves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, groupby
from math import log2
from typing import Final, NamedTuple

import msgpack

from ..errors import InvalidRecord
from .symbols import SLOTS, Symbol

PHRASE_BYTES_MAX: Final = 48
BLANK_BYTES_MAX: Final = 32
"""A longer run of unknown bytes is several blanks."""

REACH_BYTES_MAX: Final = PHRASE_BYTES_MAX + BLANK_BYTES_MAX
"""No phrase writes more than its text and its blank."""
_NEAR_BYTES: Final = 2

RESERVED: Final = 253
"""Owns the lowest slots and is never written: what was cut short or altered tends to end there."""
RESERVED_SLOTS: Final = 256
COPY: Final = 254
"""Bytes that occurred before: their distance and number follow."""
VITALS: Final = 255
"""Records of vital signs: their number and readings follow."""


class Phrase(NamedTuple):
    """Text and what follows it: nothing (0), that many unknown bytes, or one of the three above."""

    text: bytes
    more: int
    frequency: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to write something: its symbol, what it costs, and the bytes of its blank."""

    symbol: Symbol
    cost_bits: float
    blank_bytes: int


Ways = tuple[tuple[int, float, Candidate], ...]
"""Ways to write one text: how far each reaches with its blank, what it costs, and itself."""


@dataclass(frozen=True)
class PhraseBook:
    """What a reader and a writer need of one book; the parts are made when first asked for."""

    language: str
    phrases: Sequence[Phrase] = field(repr=False)

    @cached_property
    def slots(self) -> Sequence[tuple[int, int, bytes, int]]:
        """For each slot its phrase, as `SymbolReader.get_run` wants it: half a megabyte, and no search."""
        slots: list[tuple[int, int, bytes, int]] = []
        for text, more, frequency in self.phrases:
            slots += [(frequency, len(slots), text, more)] * frequency
        return slots

    @cached_property
    def candidates(self) -> Mapping[bytes, tuple[Candidate, ...]]:
        """The ways to write a text; a blank of its own has the empty text."""
        found: dict[bytes, tuple[Candidate, ...]] = {}
        for phrase, symbol in zip(self.phrases, self._symbols, strict=True):
            if phrase.more <= BLANK_BYTES_MAX:
                cost_bits = cost_bits_of(symbol.frequency) + 8 * phrase.more
                found[phrase.text] = (
                    *found.get(phrase.text, ()),
                    Candidate(symbol, cost_bits, phrase.more),
                )
        return found

    @cached_property
    def ways(self) -> Mapping[bytes, Ways]:
        """`candidates` as the search for the shortest form wants them."""
        return {
            text: tuple((len(text) + each.blank_bytes, each.cost_bits, each) for each in found)
            for text, found in self.candidates.items()
        }

    @cached_property
    def near(self) -> Mapping[bytes, Ways]:
        """Of every two bytes, the ways by a text no longer than they are; of those that reach as far, the
        cheapest. Worked out when first asked for."""
        return _Near(self.ways)

    @cached_property
    def lengths_of(self) -> Mapping[bytes, tuple[int, ...]]:
        """Lengths of the longer texts that may fit where these three bytes are, shortest first."""
        texts = sorted(text for text in self.candidates if len(text) > _NEAR_BYTES)
        return {
            start: tuple(sorted({len(text) for text in same}))
            for start, same in groupby(texts, key=lambda text: text[: _NEAR_BYTES + 1])
        }

    def action(self, more: int) -> Candidate:
        """The symbol of `COPY` or `VITALS`."""
        index = next(i for i, phrase in enumerate(self.phrases) if phrase.more == more)
        symbol = self._symbols[index]
        return Candidate(symbol, cost_bits_of(symbol.frequency), 0)

    @cached_property
    def _symbols(self) -> Sequence[Symbol]:
        starts = accumulate((phrase.frequency for phrase in self.phrases), initial=0)
        return [Symbol(phrase.frequency, start) for phrase, start in zip(self.phrases, starts, strict=False)]


class _Near(dict[bytes, Ways]):
    """At most one entry for each two bytes there are, and for each one at the end of the data."""

    def __init__(self, ways: Mapping[bytes, Ways]) -> None:
        self._ways = ways

    def __missing__(self, start: bytes) -> Ways:
        best: dict[int, tuple[int, float, Candidate]] = {}
        for length in range(len(start) + 1):
            for way in self._ways.get(start[:length], ()):
                if way[0] not in best or way[1] < best[way[0]][1]:
                    best[way[0]] = way
        found = self[start] = tuple(best.values())
        return found


def cost_bits_of(frequency: int) -> float:
    """What a symbol of this frequency adds to the output."""
    return log2(SLOTS / frequency)


def encode_book(book: PhraseBook) -> bytes:
    """The file of a book; `InvalidRecord` for one that could not be used."""
    first = book.phrases[0]
    if (first.more, first.frequency) != (RESERVED, RESERVED_SLOTS):
        raise InvalidRecord("a phrase book does not reserve the lowest slots")
    if sum(phrase.frequency for phrase in book.phrases) != SLOTS:
        raise InvalidRecord(f"the frequencies of a phrase book do not add up to {SLOTS}")
    columns = [
        [phrase.text for phrase in book.phrases],
        bytes(phrase.more for phrase in book.phrases),
        [phrase.frequency for phrase in book.phrases],
    ]
    packed: bytes = msgpack.packb([book.language, *columns], use_bin_type=True)
    return packed


def decode_book(data: bytes) -> PhraseBook:
    """The book that a file of this package holds; the caller has checked its hash."""
    language, texts, more, frequencies = msgpack.unpackb(data, raw=False)
    return PhraseBook(language, list(map(Phrase, texts, more, frequencies)))
