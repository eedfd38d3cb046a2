"""Payload bytes as phrases of a book, blanks, copies of what came before, and rows of vital signs.

Any bytes can be written and come back exactly; the book only decides how short they become.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import MalformedInput
from ..limits import CODED_STEPS_MAX
from .phrases import BLANK_BYTES_MAX, COPY, VITALS, Candidate, PhraseBook
from .symbols import SymbolReader, SymbolWriter
from .vitals import Row, read_rows, rows_at, write_rows

COPY_BYTES_MIN: Final = 5
_LENGTH_DIGITS: Final = 4
"""Bits that say how many binary digits of a copy's length follow."""
_SHORT: Final = (0, 1)
"""Lengths of the texts that may fit where no longer one starts."""
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
        self._steps: list[_Step | tuple[int, Candidate] | None] = [None] * (len(whole) + 1)
        """By where they end; those of phrases, of which most are beaten, without the object."""
        self._copy, self._vitals = book.action(COPY), book.action(VITALS)
        self._seen_at: dict[bytes, int] = {}

    def steps(self) -> Sequence[_Step]:
        """In order; they lead from `start` to the end."""
        self._costs[self._start] = 0.0
        position = 0
        while position < len(self._whole):
            if position >= self._start:
                rows, end = rows_at(self._whole, position)
                if rows:
                    self._offer(position, end, self._vitals, len(rows) * _ROW_COST_BITS, rows=tuple(rows))
                    position = end
                    continue
                self._offer_phrases(position)
                self._offer_copy(position)
            self._seen_at[self._whole[position : position + COPY_BYTES_MIN]] = position
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
        whole, costs, steps, ways_of = self._whole, self._costs, self._steps, self._book.ways.get
        cost_here, last = costs[position], len(whole)
        for length in self._book.lengths_of.get(whole[position : position + 2], _SHORT):
            text_end = position + length
            for blank_bytes, cost_bits, candidate in ways_of(whole[position:text_end], ()):
                end = text_end + blank_bytes
                if end <= last and cost_here + cost_bits < costs[end]:
                    costs[end] = cost_here + cost_bits
                    steps[end] = (position, candidate)

    def _offer_copy(self, position: int) -> None:
        """The longest copy from the last place that starts with the same bytes; it may not overlap."""
        whole = self._whole
        source = self._seen_at.get(whole[position : position + COPY_BYTES_MIN])
        if source is None or position + COPY_BYTES_MIN > len(whole):
            return
        length = COPY_BYTES_MIN
        length_max = min(position - source, len(whole) - position)
        while length < length_max and whole[source + length] == whole[position + length]:
            length += 1
        if COPY_BYTES_MIN <= length_max:
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
