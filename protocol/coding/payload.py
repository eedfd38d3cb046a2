"""Payload bytes as phrases of a book, blanks, copies of what came before, and rows of vital signs.

Any bytes can be written and come back exactly; the book only decides how short they become.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import MalformedInput
from ..limits import CODED_STEPS_MAX
from .phrases import BLANK_BYTES_MAX, COPY, REACH_BYTES_MAX, VITALS, Candidate, PhraseBook, Ways
from .symbols import SymbolReader, SymbolWriter
from .vitals import ROW_START, Row, read_rows, rows_at, write_rows

COPY_BYTES_MIN: Final = 5
_LENGTH_DIGITS: Final = 4
"""Bits that say how many binary digits of a copy's length follow."""
_ROW_COST_BITS: Final = 40
"""About what a row takes; it only has to be less than its bytes as phrases."""


def decode_payload(data: bytes, book: PhraseBook, *, history: bytes, size_bytes_max: int) -> bytes:
    """The bytes that were written after `history`; `MalformedInput` for damage or too many of them."""
    if len(data) > size_bytes_max:
        raise MalformedInput(f"{len(data)} coded bytes where at most {size_bytes_max} are allowed")
    reader = SymbolReader(data)
    out = bytearray(history)
    end_max = len(history) + size_bytes_max
    steps = 0
    while more := reader.get_run(book.slots, out, end_max):
        if more <= BLANK_BYTES_MAX:
            out += reader.code_bits(0, 8 * more).to_bytes(more, "big")
            steps += 1
        elif more == COPY:
            _read_copy(reader, out, end_max)
            steps += 1
        elif more == VITALS:
            steps += read_rows(reader, out, end_max)
        else:
            raise MalformedInput("coded data holds a symbol that is never written")
        if steps > CODED_STEPS_MAX or len(out) > end_max:
            break
    if steps > CODED_STEPS_MAX or len(out) > end_max:
        raise MalformedInput(f"it unpacks to more than {size_bytes_max} bytes, or takes too many steps")
    return bytes(out[len(history) :])


class Draft:
    """The shortest way found to write `data` after `history`, and what it costs."""

    def __init__(self, data: bytes, book: PhraseBook, *, history: bytes = b"") -> None:
        self._whole = history + data
        self._steps = _Search(self._whole, len(history), book).steps()

    @property
    def cost_bits(self) -> float:
        """About what it takes: to choose a book by a sample."""
        return sum(step.candidate.cost_bits for step in self._steps)

    def encode(self) -> bytes:
        """The coded bytes."""
        whole = self._whole
        writer = SymbolWriter()
        for step in self._steps:
            writer.put(step.candidate.symbol)
            if step.rows:
                write_rows(writer, step.rows, whole[: step.start])
            elif step.distance:
                _write_copy(writer, step)
            elif blank := step.candidate.blank_bytes:
                writer.code_bits(int.from_bytes(whole[step.end - blank : step.end], "big"), 8 * blank)
        return writer.finish()


def hasty_cost_bits(data: bytes, book: PhraseBook) -> float:
    """About what it takes to write `data` from its beginning on by the longest phrases, each as it comes: a
    tenth of a `Draft`'s work, and enough to see which books are out of the question."""
    position, cost_bits = 0, 0.0
    while position < len(data):
        ways: Ways = ()
        for length in reversed(book.lengths_of.get(data[position : position + 3], ())):
            if ways := book.ways.get(data[position : position + length], ()):
                break
        near = book.near[data[position : position + 2]]
        fitting = [way for way in ways or near if position + way[0] <= len(data)] or near[:1]
        reach, cost, _ = min(fitting, key=_bits_per_byte)
        position += reach
        cost_bits += cost
    return cost_bits


def _bits_per_byte(way: tuple[int, float, Candidate]) -> float:
    return way[1] / way[0]


def encode_payload(data: bytes, book: PhraseBook, *, history: bytes) -> bytes:
    """The shortest way found to write `data` after `history`."""
    return Draft(data, book, history=history).encode()


@dataclass(frozen=True, slots=True)
class _Step:
    """From `start` to `end` of the data by one symbol and what follows it."""

    start: int
    end: int
    candidate: Candidate
    rows: tuple[Row, ...] = ()
    distance: int = 0


class _Search:
    """The steps of least total cost to each position of `whole`, from `start` on."""

    def __init__(self, whole: bytes, start: int, book: PhraseBook) -> None:
        self._whole = whole
        self._start = start
        self._book = book
        self._costs = [float("inf")] * (len(whole) + 1)
        # Behind the end nothing is ever cheaper: whoever offers need not look where the end is.
        self._costs += [float("-inf")] * REACH_BYTES_MAX
        self._steps: list[_Step | tuple[int, Candidate] | None] = [None] * (len(whole) + 1)
        """By where they end; those of phrases, of which most are beaten, without the object."""
        self._copy, self._vitals = book.action(COPY), book.action(VITALS)

    def steps(self) -> Sequence[_Step]:
        """In order; they lead from `start` to the end."""
        whole, position = self._whole, self._start
        seen_at = {whole[at : at + COPY_BYTES_MIN]: at for at in range(position)}
        self._costs[position] = 0.0
        while position < len(whole):
            if whole.startswith(ROW_START, position):
                rows, end = rows_at(whole, position)
                if rows:
                    self._offer(position, end, self._vitals, len(rows) * _ROW_COST_BITS, rows=tuple(rows))
                    position = end
                    continue
            self._offer_phrases(position)
            start = whole[position : position + COPY_BYTES_MIN]
            if (source := seen_at.get(start)) is not None:
                self._offer_copy(position, source)
            seen_at[start] = position
            position += 1
        return self._path()

    def _path(self) -> Sequence[_Step]:
        path = []
        position = len(self._whole)
        while position > self._start:
            found = self._steps[position]
            assert found is not None  # A blank of one byte leads from anywhere to the next position.
            step = found if isinstance(found, _Step) else _Step(found[0], position, found[1])
            path.append(step)
            position = step.start
        return path[::-1]

    def _offer_phrases(self, position: int) -> None:
        """Every phrase that fits here, and blanks alone."""
        whole, costs, steps, book = self._whole, self._costs, self._steps, self._book
        cost_here = costs[position]
        for reach, cost_bits, candidate in book.near[whole[position : position + 2]]:
            if cost_here + cost_bits < costs[position + reach]:
                costs[position + reach] = cost_here + cost_bits
                steps[position + reach] = (position, candidate)
        for length in book.lengths_of.get(whole[position : position + 3], ()):
            for reach, cost_bits, candidate in book.ways.get(whole[position : position + length], ()):
                if cost_here + cost_bits < costs[position + reach]:
                    costs[position + reach] = cost_here + cost_bits
                    steps[position + reach] = (position, candidate)

    def _offer_copy(self, position: int, source: int) -> None:
        """The longest copy from the last place that starts with the same bytes; it may not overlap."""
        whole = self._whole
        length_max = min(position - source, len(whole) - position)
        if length_max < COPY_BYTES_MIN:
            return
        length = COPY_BYTES_MIN
        while length < length_max and whole[source + length] == whole[position + length]:
            length += 1
        extra_bits = position.bit_length() + _LENGTH_DIGITS + _beyond_minimum(length).bit_length() - 1
        self._offer(position, position + length, self._copy, extra_bits, distance=position - source)

    def _offer(
        self,
        position: int,
        end: int,
        candidate: Candidate,
        extra_bits: int,
        *,
        rows: tuple[Row, ...] = (),
        distance: int = 0,
    ) -> None:
        cost = self._costs[position] + candidate.cost_bits + extra_bits
        if cost < self._costs[end]:
            self._costs[end] = cost
            self._steps[end] = _Step(position, end, candidate, rows, distance)


def _beyond_minimum(length: int) -> int:
    """What is written of a copy's length; 1 for the shortest."""
    return length - COPY_BYTES_MIN + 1


def _write_copy(writer: SymbolWriter, step: _Step) -> None:
    beyond = _beyond_minimum(step.end - step.start)
    digits = beyond.bit_length() - 1
    writer.code_bits(step.distance, step.start.bit_length())
    writer.code_bits(digits, _LENGTH_DIGITS)
    writer.code_bits(beyond & (1 << digits) - 1, digits)


def _read_copy(reader: SymbolReader, out: bytearray, end_max: int) -> None:
    distance = reader.code_bits(0, len(out).bit_length())
    digits = reader.code_bits(0, _LENGTH_DIGITS)
    length = (1 << digits | reader.code_bits(0, digits)) + COPY_BYTES_MIN - 1
    if not length <= distance <= len(out):
        raise MalformedInput("coded data copies what is not there")
    if len(out) + length > end_max:
        raise MalformedInput("it unpacks to more than is allowed")
    source = len(out) - distance
    out += out[source : source + length]
