"""Records of vital signs as numbers: each reading as its difference from the one before, exactly.

A row is a record item `[10, {1: moment, 2: reading, ...}]` whose readings are whole numbers or yes/no. A
record with anything else is no row and travels as any other bytes. One model runs in both directions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from operator import add, sub
from typing import Final

import msgpack

from ..errors import MalformedInput
from .symbols import SLOTS, Coder, SymbolReader, SymbolTable, SymbolWriter

Row = dict[int, int]
"""Field number to reading, ascending; the moment is field 1, and the one yes/no is a bool."""

RUN_STEPS: Final = 32
_READINGS_PER_STEP: Final = 4
"""What a run costs its reader, in steps of a copy or a blank: most of it before the first reading."""
ROWS_MAX: Final = 256
"""Rows of one run; more are several runs."""
_KIND: Final = 10
_MOMENT: Final = 1
_SYSTOLIC: Final = 6
_DIASTOLIC: Final = 7
_READINGS: Final = tuple(range(2, 13))
_YES_NO: Final = 5
_READING_MAX: Final = (1 << 32) - 1
_NUMBER_MAX: Final = 1 << 36
ROW_START: Final = bytes((0x92, _KIND))
_ROW_BYTES_MIN: Final = 5
_ROW_BYTES_MAX: Final = 96

_USUAL: Final = {
    2: (85, 24),
    3: (18, 8),
    4: (96, 6),
    5: (0, 1),
    6: (125, 30),
    7: (75, 20),
    8: (372, 16),
    9: (0, 1),
    10: (15, 1),
    11: (4, 6),
    12: (65, 60),
}
"""What the first reading of a field is compared with, and twice how far from it that usually is."""
_USUAL_CHANGE: Final = {2: 8, 3: 4, 4: 2, 5: 1, 6: 10, 7: 8, 8: 4, 9: 1, 10: 1, 11: 2, 12: 20}
"""Twice how much a reading usually changes from row to row."""
_USUAL_GAPS: Final = 4
_USUAL_WAIT_S: Final = 600
_USUAL_STEP_S: Final = 300
_USUAL_STEP_CHANGE_S: Final = 60
_STEP_INERTIA: Final = 3
"""One part in so many of a surprise moves the step that is expected next."""
_MEMORY_ROWS: Final = 8
"""Changes older than this fade from the average that says how large the next may be."""

_MEANS: Final = (16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448)
"""In 1/256: the mean number of each table, half an octave apart."""
_DIRECT: Final = 24
"""Numbers up to this have a symbol; larger ones share the last symbol and follow in bits."""
_RARE_SLOTS: Final = 6


def rows_at(data: bytes, position: int) -> tuple[list[Row], int]:
    """The rows that follow one another from `position`, and where the last one ends."""
    rows: list[Row] = []
    while len(rows) < ROWS_MAX and data.startswith(ROW_START, position):
        row = _row_at(data, position)
        if row is None:
            break
        rows.append(row)
        position += len(_row_bytes(row))
    return rows, position


def write_rows(writer: SymbolWriter, rows: Sequence[Row], before: bytes) -> None:
    """Write a run of rows; `before` is all that precedes them."""
    writer.code_bits(len(rows) - 1, 8)
    _code_rows(writer, rows, _moment_before(before))


def read_rows(reader: SymbolReader, out: bytearray, end_max: int) -> int:
    """Append the bytes of a run of rows, and return how many steps that is worth.

    `MalformedInput` for what cannot be, or goes past `end_max`.
    """
    count = reader.code_bits(0, 8) + 1
    if count * _ROW_BYTES_MIN > end_max - len(out):
        raise MalformedInput("coded vital signs unpack to more than is allowed")
    packer = msgpack.Packer()  # One for all: making it takes longer than what it packs.
    rows = _code_rows(reader, [{}] * count, _moment_before(out))
    for row in rows:
        out += packer.pack((_KIND, row))
    if len(out) > end_max:
        raise MalformedInput("coded vital signs unpack to more than is allowed")
    return RUN_STEPS + sum(map(len, rows)) // _READINGS_PER_STEP


def _row_at(data: bytes, position: int) -> Row | None:
    """The row that starts here, if what starts here is one and nothing more."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=_ROW_BYTES_MAX)
    unpacker.feed(data[position : position + _ROW_BYTES_MAX])
    try:
        kind, fields = unpacker.unpack()
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    if kind != _KIND or not isinstance(fields, dict) or not all(_fits(*pair) for pair in fields.items()):
        return None
    if _MOMENT not in fields or list(fields) != sorted(fields):
        return None
    return fields if data.startswith(_row_bytes(fields), position) else None


def _fits(field: object, reading: object) -> bool:
    if type(field) is not int or field not in (_MOMENT, *_READINGS):
        return False
    if field == _YES_NO:
        return isinstance(reading, bool)
    return type(reading) is int and 0 <= reading <= _READING_MAX


def _row_bytes(row: Row) -> bytes:
    """The one canonical encoding of a row whose fields ascend."""
    packed: bytes = msgpack.packb([_KIND, row])
    return packed


def _moment_before(data: bytes | bytearray) -> int:
    """The last 32-bit number of what precedes: as a rule the time of the entry, close to the readings."""
    at = data.rfind(0xCE, 0, max(0, len(data) - 4))
    return int.from_bytes(data[at + 1 : at + 5], "big") if at >= 0 else 0


def _geometric(mean: int) -> SymbolTable:
    """Numbers that fall off by mean/(1+mean) each, in integers, so that all machines agree."""
    weights = [1 << 40]
    while len(weights) < 400:
        weights.append(weights[-1] * mean // (256 + mean))
    shares = [weight * 65_000 // sum(weights) for weight in weights]
    slots = [max(_RARE_SLOTS, share) for share in shares[:_DIRECT]]
    slots.append(max(2 * _RARE_SLOTS, sum(shares[_DIRECT:])))
    slots[0] += SLOTS - sum(slots)
    return SymbolTable(slots)


_TABLES: Final = tuple(_geometric(mean) for mean in _MEANS)
_STARTS: Final = tuple(table.starts for table in _TABLES)
_LEVELS: Final = len(_TABLES)


def _code_numbers(coder: Coder, numbers: Sequence[int], usual: int) -> list[int]:
    """Numbers from 0 up, each by a table that follows how large they have been lately.

    When they grow beyond the tables, their low bits go as they are. A reader asks only for how many.
    """
    if isinstance(coder, SymbolReader):
        return _read_numbers(coder, len(numbers), usual)
    average, seen = 16 * usual, 2
    for number in numbers:
        level = (average * average | 1).bit_length() - 1  # In half octaves.
        if level < _LEVELS:
            if coder.code(_TABLES[level], min(number, _DIRECT)) == _DIRECT:
                _code_beyond(coder, number)
        else:
            _code_large(coder, number, level)
        seen += seen < _MEMORY_ROWS
        average += (16 * number - average) // seen
    return [*numbers]


def _read_numbers(reader: SymbolReader, count: int, usual: int) -> list[int]:
    """The other half, with `SymbolReader.code` spelt out: of many rows, here goes the time of opening."""
    starts_of, direct, levels, memory_rows = _STARTS, _DIRECT, _LEVELS, _MEMORY_ROWS
    words, end = reader.words, len(reader.words)
    state, position = reader.place
    average, seen = 16 * usual, 2
    found_all = []
    for _ in range(count):
        level = (average * average | 1).bit_length() - 1
        if level < levels:
            starts, slot = starts_of[level], state & 0xFFFF
            found = bisect_right(starts, slot) - 1
            start = starts[found]
            state = (starts[found + 1] - start) * (state >> 16) + slot - start
            if state < 0x1_0000_0000 and position < end:
                state = state << 16 | words[position]
                position += 1
        if level >= levels or found == direct:
            reader.place = state, position
            found = _code_beyond(reader, 0) if level < levels else _code_large(reader, 0, level)
            state, position = reader.place
        if seen < memory_rows:
            seen += 1
        average += (16 * found - average) // seen
        found_all.append(found)
    reader.place = state, position
    return found_all


def _code_large(coder: Coder, number: int, level: int) -> int:
    """A number where they are larger than any table is made for: its low bits follow as they are."""
    low_bits = (level - _LEVELS) // 2 + 1
    high = number >> low_bits
    found = coder.code(_TABLES[level - 2 * low_bits], min(high, _DIRECT))
    if found == _DIRECT:
        found = _code_beyond(coder, high)
    found = found << low_bits | coder.code_bits(number & (1 << low_bits) - 1, low_bits)
    if found > _NUMBER_MAX:  # Or hostile numbers would grow from row to row.
        raise MalformedInput("coded vital signs hold a number that none can be")
    return found


def _code_beyond(coder: Coder, high: int) -> int:
    """What the tables do not hold, by its binary digits, preceded by how many follow the first."""
    beyond = high - _DIRECT + 1 if high > _DIRECT else 1
    digits = coder.code_bits(beyond.bit_length() - 1, 5)
    return (1 << digits | coder.code_bits(beyond & (1 << digits) - 1, digits)) + _DIRECT - 1


def _code_differences(coder: Coder, differences: Sequence[int], usual: int) -> list[int]:
    """Numbers of either sign: 0, -1, 1, -2, ... count as 0, 1, 2, 3, ..."""
    numbers = [2 * number if number >= 0 else -2 * number - 1 for number in differences]
    return [
        -(number + 1 >> 1) if number & 1 else number >> 1 for number in _code_numbers(coder, numbers, usual)
    ]


def _code_rows(coder: Coder, rows: Sequence[Row], moment_before: int) -> Sequence[Row]:
    """The rows, column by column: from themselves when writing, from what is read when reading."""
    coded: list[Row] = [{_MOMENT: moment} for moment in _code_moments(coder, rows, moment_before)]
    for field, having in zip(_READINGS, _code_presence(coder, rows), strict=True):
        if not having:
            continue
        # A reader has none yet, and as many numbers do.
        readings = [rows[index][field] for index in having] if rows[0] else having
        leads = _leads(coded, having) if field == _DIASTOLIC else ()
        column = _code_column(coder, field, readings, leads)
        if field == _YES_NO:
            column = [*map(bool, column)]
        for index, reading in zip(having, column, strict=True):
            coded[index][field] = reading
    return coded


def _leads(rows: Sequence[Row], having: Sequence[int]) -> Sequence[int]:
    """Of the diastolic pressure, which tends to follow the systolic by half."""
    systolic = _held(row.get(_SYSTOLIC) for row in rows)
    return [systolic[index] // 2 for index in having]


def _held(readings: Iterable[int | None]) -> list[int]:
    """Each reading, and where there is none the one before it."""
    held = [0]
    for reading in readings:
        held.append(held[-1] if reading is None else reading)
    return held[1:]


def _code_column(coder: Coder, field: int, readings: Sequence[int], leads: Sequence[int]) -> Sequence[int]:
    """All readings of a field, each compared with the one before, less how what leads it changed."""
    usual, spread = _USUAL[field]
    changes = [after - before for before, after in pairwise(readings)]
    led = [after - before for before, after in pairwise(leads)]
    first = _code_differences(coder, [readings[0] - usual], spread)
    changes = _code_differences(coder, [*map(sub, changes, led)] if led else changes, _USUAL_CHANGE[field])
    coded = [*accumulate(map(add, changes, led) if led else changes, initial=usual + first[0])]
    if min(coded) < 0 or max(coded) > (1 if field == _YES_NO else _READING_MAX):
        raise MalformedInput("coded vital signs hold a reading that none can be")
    return coded


def _code_moments(coder: Coder, rows: Sequence[Row], before: int) -> Sequence[int]:
    """The first compared with what precedes it, then steps that follow their own average."""
    moments = [row.get(_MOMENT, 0) for row in rows]
    (wait,) = _code_differences(coder, [moments[0] - before], _USUAL_WAIT_S)
    coded = [before + wait]
    if len(rows) > 1:
        (change,) = _code_differences(coder, [moments[1] - moments[0] - _USUAL_STEP_S], _USUAL_WAIT_S)
        coded.append(coded[0] + _USUAL_STEP_S + change)
    surprises = []
    expected_step = moments[1] - moments[0] if len(rows) > 1 else 0
    for earlier, later in pairwise(moments[1:]):
        surprises.append(later - earlier - expected_step)
        expected_step += surprises[-1] // _STEP_INERTIA
    expected_step = coded[-1] - coded[0]
    for surprise in _code_differences(coder, surprises, _USUAL_STEP_CHANGE_S):
        coded.append(coded[-1] + expected_step + surprise)
        expected_step += surprise // _STEP_INERTIA
    if min(coded) < 0 or max(coded) > _READING_MAX:
        raise MalformedInput("coded vital signs hold a moment that none can be")
    return coded


def _code_presence(coder: Coder, rows: Sequence[Row]) -> Sequence[Sequence[int]]:
    """For each field the rows that have it: which fields there are at all, then the gaps in their columns."""
    fields = set().union(*rows)
    present = sum(1 << index for index, field in enumerate(_READINGS) if field in fields)
    present = coder.code_bits(present, len(_READINGS))
    columns = [index for index in range(len(_READINGS)) if present >> index & 1]
    count = len(rows)
    gaps = _gaps(rows, columns) if rows[0] else []  # A reader has no readings yet.
    lacking = {*(_code_gaps(coder, gaps, count * len(columns)) if count > 1 else ())}
    having: list[list[int]] = [[] for _ in _READINGS]
    for place, column in enumerate(columns):
        having[column] = [at for at in range(count) if place * count + at not in lacking]
    return having


def _gaps(rows: Sequence[Row], columns: Sequence[int]) -> list[int]:
    """Where a reading is missing, counted through all columns that exist."""
    return [
        place * len(rows) + at
        for place, column in enumerate(columns)
        for at, row in enumerate(rows)
        if _READINGS[column] not in row
    ]


def _code_gaps(coder: Coder, gaps: Sequence[int], cells: int) -> Sequence[int]:
    """Ascending places: how many they are, and how far each is from the one before."""
    (count,) = _code_numbers(coder, [len(gaps)], _USUAL_GAPS)
    if count > cells:
        raise MalformedInput("coded vital signs lack more readings than there are")
    known = [later - earlier - 1 for earlier, later in pairwise((-1, *gaps))] or [0] * count
    distances = _code_numbers(coder, known, cells // (count + 1))
    coded = [*accumulate((1 + distance for distance in distances), initial=-1)][1:]
    if coded and coded[-1] >= cells:
        raise MalformedInput("coded vital signs lack more readings than there are")
    return coded
