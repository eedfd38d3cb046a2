"""A second reader of text in phrases, written from docs/wire-format-coding.md and from nothing else.

Law: it imports nothing of the product. What it cannot read, the page does not tell well enough. It is slow,
and believes what it reads: no bound of the page is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final, NamedTuple

import msgpack

BOOKS: Final = Path(__file__).resolve().parents[2] / "protocol" / "dictionaries"
BLANK_MAX, COPY, VITALS = 32, 254, 255
MEANS: Final = (16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448)
USUAL: Final = dict(zip(range(2, 13), (85, 18, 96, 0, 125, 75, 372, 0, 15, 4, 65), strict=True))
SPREAD: Final = dict(zip(range(2, 13), (24, 8, 6, 1, 30, 20, 16, 1, 1, 6, 60), strict=True))
CHANGE: Final = dict(zip(range(2, 13), (8, 4, 2, 1, 10, 8, 4, 1, 1, 2, 20), strict=True))
Row = dict[int, int]


class Span(NamedTuple):
    """A symbol, and the slots it owns."""

    symbol: int
    frequency: int
    start: int


# 5.1 Marks


def unmarked(joined: bytes) -> list[bytes]:
    """The payloads with their MessagePack strings."""
    return [_payload(part) for part in joined.split(b"\xc1\xfd")]


def _payload(part: bytes) -> bytes:
    first, *others = part.split(b"\xc1\xfe")
    out = _without_keepers(first)
    for other in others:
        text, _, rest = other.partition(b"\xc1\xff")
        out += msgpack.packb(text.decode()) + _without_keepers(rest)
    return out


def _without_keepers(piece: bytes) -> bytes:
    return re.sub(rb"\xc1\xfc(?=[\xfc-\xff])", b"\xc1", piece)


# 5.2 Symbols


class Symbols:
    """What a coded text holds, one symbol after the other."""

    def __init__(self, data: bytes) -> None:
        head = len(data) if len(data) <= 6 else 5 if len(data) % 2 else 6
        self._state = int.from_bytes(data[:head], "big")
        self._words = [int.from_bytes(data[at : at + 2], "big") for at in range(head, len(data), 2)]

    @property
    def at_end(self) -> bool:
        return self._state == 1 and not self._words

    def take(self, owner: Callable[[int], Span]) -> int:
        """The next symbol; `owner` tells whose a slot is."""
        slot = self._state % 65_536
        symbol, frequency, start = owner(slot)
        self._state = frequency * (self._state // 65_536) + slot - start
        if self._state < 2**32 and self._words:
            self._state = self._state * 65_536 + self._words.pop(0)
        return symbol

    def plain_bits(self, count: int) -> int:
        value = 0
        while count > 0:
            digits = min(count, 16)
            frequency = 2 ** (16 - digits)
            group = self.take(lambda slot, f=frequency: Span(slot // f, f, slot // f * f))  # type: ignore[misc]  # a default binds the loop variable
            value, count = value << digits | group, count - digits
        return value


# 5.3 Books


@dataclass(frozen=True, slots=True)
class Book:
    texts: Sequence[bytes]
    more: bytes
    slots: Sequence[Span]


@cache
def book(book_id: int) -> Book:
    """From its file."""
    (file,) = BOOKS.glob(f"{book_id}-*.book")
    _, texts, more, frequencies = msgpack.unpackb(file.read_bytes(), raw=False)
    return Book(texts, more, _slots(frequencies))


def _slots(frequencies: Sequence[int]) -> Sequence[Span]:
    starts = accumulate(frequencies, initial=0)
    return [
        Span(symbol, frequency, start)
        for symbol, (frequency, start) in enumerate(zip(frequencies, starts, strict=False))
        for _ in range(frequency)
    ]


def read_phrases(data: bytes, book_id: int, history: bytes = b"") -> bytes:
    """The marked payloads."""
    symbols, phrases, out = Symbols(data), book(book_id), bytearray(history)
    while not symbols.at_end:
        phrase = symbols.take(phrases.slots.__getitem__)
        out += phrases.texts[phrase]
        more = phrases.more[phrase]
        if more == COPY:
            out += _copy(symbols, out)
        elif more == VITALS:
            out += _vital_signs(symbols, bytes(out))
        elif more > BLANK_MAX:
            raise ValueError("a phrase that is never written")
        elif more:
            out += symbols.plain_bits(8 * more).to_bytes(more, "big")
    return bytes(out[len(history) :])


# 5.4 Copies


def _copy(symbols: Symbols, before: bytearray) -> bytes:
    distance = symbols.plain_bits(len(before).bit_length())
    k = symbols.plain_bits(4)
    length = 2**k + symbols.plain_bits(k) + 4
    start = len(before) - distance
    return bytes(before[start : start + length])


# 5.5 Vital signs


def _vital_signs(symbols: Symbols, before: bytes) -> bytes:
    count = symbols.plain_bits(8) + 1
    rows: list[Row] = [{1: moment} for moment in _moments(symbols, count, before)]
    for field, having in _presence(symbols, count):
        for index, reading in zip(having, _column(symbols, field, having, rows), strict=True):
            rows[index][field] = bool(reading) if field == 5 else reading
    return b"".join(msgpack.packb([10, row]) for row in rows)


@cache
def _table(mean: int) -> Sequence[Span]:
    weights = [2**40]
    while len(weights) < 400:
        weights.append(weights[-1] * mean // (256 + mean))
    shares = [weight * 65_000 // sum(weights) for weight in weights]
    slots = [max(6, share) for share in shares[:24]] + [max(12, sum(shares[24:]))]
    slots[0] += 65_536 - sum(slots)
    return _slots(slots)


def _numbers(symbols: Symbols, count: int, usual: int) -> Iterator[int]:
    average, seen = 16 * usual, 2
    for _ in range(count):
        level = (average**2 or 1).bit_length() - 1
        low = 0 if level < 14 else (level - 14) // 2 + 1
        number = symbols.take(_table(MEANS[level - 2 * low]).__getitem__)
        if number == 24:
            digits = symbols.plain_bits(5)
            number = (1 << digits | symbols.plain_bits(digits)) + 23
        number = number << low | symbols.plain_bits(low)
        seen = min(seen + 1, 8)
        average += (16 * number - average) // seen
        yield number


def _differences(symbols: Symbols, count: int, usual: int) -> Iterator[int]:
    for number in _numbers(symbols, count, usual):
        yield -(number + 1) // 2 if number % 2 else number // 2


def _moments(symbols: Symbols, count: int, before: bytes) -> list[int]:
    at = before.rfind(b"\xce", 0, max(0, len(before) - 4))
    known = int.from_bytes(before[at + 1 : at + 5], "big") if at >= 0 else 0
    moments = [known + next(_differences(symbols, 1, 600))]
    if count > 1:
        moments.append(moments[0] + 300 + next(_differences(symbols, 1, 600)))
    expected = moments[-1] - moments[0]
    for difference in _differences(symbols, max(0, count - 2), 60):
        moments.append(moments[-1] + expected + difference)
        expected += difference // 3
    return moments


def _presence(symbols: Symbols, count: int) -> list[tuple[int, list[int]]]:
    """Each field, and the sets that have it."""
    bits = symbols.plain_bits(11)
    columns = [(field, list(range(count))) for field in range(2, 13) if bits >> field - 2 & 1]
    if count > 1:
        cells, cell = count * len(columns), -1
        gaps = next(_numbers(symbols, 1, 4))
        for distance in _numbers(symbols, gaps, cells // (gaps + 1)):
            cell += distance + 1
            columns[cell // count][1].remove(cell % count)
    return columns


def _column(
    symbols: Symbols, field: int, having: Sequence[int], rows: Sequence[Mapping[int, int]]
) -> list[int]:
    if not having:
        return []
    readings = [USUAL[field] + next(_differences(symbols, 1, SPREAD[field]))]
    leads = _halves_of_systolic(rows) if field == 7 else [0] * len(rows)
    changes = _differences(symbols, len(having) - 1, CHANGE[field])
    for (earlier, later), change in zip(pairwise(having), changes, strict=True):
        readings.append(readings[-1] + change + leads[later] - leads[earlier])
    return readings


def _halves_of_systolic(rows: Sequence[Mapping[int, int]]) -> list[int]:
    known, halves = 0, []
    for row in rows:
        known = row.get(6, known)
        halves.append(known // 2)
    return halves
