"""An entropy coder (range asymmetric numeral system): symbols of known frequency to bytes and back.

All integers, so two machines never disagree. A symbol is a span of the 65536 slots of its table and costs
16 - log2(span) bits. The state starts at 1, which is also how the end is known: no length and no end mark
travel, provided that whatever may come last starts with a symbol whose span does not begin at slot 0.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from ..errors import MalformedInput

SLOT_BITS: Final = 16
SLOTS: Final = 1 << SLOT_BITS
_LOW: Final = 1 << 32
"""Below this the reader takes another 16-bit word into its state, as long as there is one. Its hot paths
spell these numbers out: looking up their names would cost a tenth of the time."""
_HEAD_BYTES_MAX: Final = 6
"""The state stays below 2**48."""


class Symbol(NamedTuple):
    """A span of slots: what the writer needs."""

    frequency: int
    start: int


class SymbolTable:
    """The symbols 0, 1, 2, ... with a number of slots each; the last one also owns what is left over."""

    __slots__ = ("starts", "symbols")

    def __init__(self, frequencies: Sequence[int]) -> None:
        starts = [0, *accumulate(frequencies)]
        if min(frequencies) < 1 or starts[-1] > SLOTS:
            raise ValueError("the frequencies of a symbol table do not fit its slots")
        starts[-1] = SLOTS
        self.starts: Final = starts
        self.symbols: Final = [Symbol(end - start, start) for start, end in pairwise(starts)]


class SymbolWriter:
    """Collects symbols in the order of reading; the coder itself works from the last one back."""

    def __init__(self) -> None:
        self._symbols: list[Symbol] = []

    def put(self, symbol: Symbol) -> None:
        self._symbols.append(symbol)

    def code(self, table: SymbolTable, index: int) -> int:
        """Write a symbol of a table, and return it."""
        self._symbols.append(table.symbols[index])
        return index

    def code_bits(self, value: int, count: int) -> int:
        """Write `count` bits that no model knows anything about, most significant first."""
        for done in range(count, 0, -SLOT_BITS):
            digits = min(done, SLOT_BITS)
            frequency = SLOTS >> digits
            self._symbols.append(Symbol(frequency, (value >> done - digits & (1 << digits) - 1) * frequency))
        return value

    def finish(self) -> bytes:
        """The state in as few bytes as it needs, then the words in the order they are taken in."""
        state = 1
        words = []
        for frequency, start in reversed(self._symbols):
            if state >= frequency << 32:
                words.append(state & SLOTS - 1)
                state >>= SLOT_BITS
            state = (state // frequency << SLOT_BITS) + start + state % frequency
        head = state.to_bytes((state.bit_length() + 7) // 8, "big")
        return head + struct.pack(f">{len(words)}H", *reversed(words))


class SymbolReader:
    """Gives back what a writer collected; damage shows as other symbols, never as an endless loop.

    `code` and `code_bits` take the same arguments as the writer's, so that one model serves both, and ignore
    what only a writer knows.
    """

    __slots__ = ("place", "words")

    def __init__(self, data: bytes) -> None:
        head_bytes = len(data) if len(data) <= _HEAD_BYTES_MAX else _HEAD_BYTES_MAX - len(data) % 2
        state = int.from_bytes(data[:head_bytes], "big")
        if state == 0:
            raise MalformedInput("coded data is empty")
        words = (len(data) - head_bytes) // 2
        self.words: Sequence[int] = struct.unpack_from(f">{words}H", data, head_bytes)
        self.place = state, 0
        """The state, and how many words it has taken in: a loop that must be fast keeps both at hand."""

    def code(self, table: SymbolTable, index: int) -> int:
        state, position = self.place
        slot = state & 0xFFFF
        starts = table.starts
        index = bisect_right(starts, slot)
        start = starts[index - 1]
        state = (starts[index] - start) * (state >> 16) + slot - start
        if state < 0x1_0000_0000 and position < len(self.words):
            state = state << 16 | self.words[position]
            position += 1
        self.place = state, position
        return index - 1

    def code_bits(self, value: int, count: int) -> int:
        value = 0
        state, position = self.place
        whole = count // SLOT_BITS
        if whole and position + whole <= len(self.words):
            # Sixteen bits leave the state at its low end and a word replaces them: so words pass as they are.
            passing = (state & 0xFFFF, *self.words[position : position + whole])
            for word in passing[:-1]:
                value = value << SLOT_BITS | word
            state = state & ~0xFFFF | passing[-1]
            position += whole
            count -= whole * SLOT_BITS
        while count > 0:
            digits = min(count, SLOT_BITS)
            slot = state & 0xFFFF
            value = value << digits | slot >> SLOT_BITS - digits
            rest = slot & (SLOTS >> digits) - 1
            state = (state >> 16) * (SLOTS >> digits) + rest
            if state < 0x1_0000_0000 and position < len(self.words):
                state = state << 16 | self.words[position]
                position += 1
            count -= digits
        self.place = state, position
        return value

    def get_run(
        self, slots: Sequence[tuple[int, int, bytes, int]], out: bytearray, size_bytes_max: int
    ) -> int:
        """Append the texts of symbols until one asks for more than text, and return what; 0 at the end.

        `slots` holds frequency, start, text and what follows for each slot. It is `code` in a loop, spelt
        out, since here goes the time of opening a bundle.
        """
        words, count = self.words, len(self.words)
        state, position = self.place
        more = 0
        while state != 1 or position < count:
            slot = state & 0xFFFF
            frequency, start, text, more = slots[slot]
            state = frequency * (state >> 16) + slot - start
            if state < 0x1_0000_0000 and position < count:
                state = state << 16 | words[position]
                position += 1
            out += text
            if more or len(out) > size_bytes_max:
                break
        self.place = state, position
        return more


Coder = SymbolWriter | SymbolReader
"""One end or the other."""
