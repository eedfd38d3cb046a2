"""Reads recorded rates of a line: CSV with named columns, or the format of the mahimahi emulator.

CSV: a header with `t_s` and `rate_bit_s`, or `up_bit_s` and `down_bit_s`; each row holds from its time on,
the last one as long as the one before it. Lines that begin with # say where it comes from and are skipped.

mahimahi: one whole number a line, the millisecond at which a packet of 1,500 bytes could have been delivered;
the recording begins again after the last one.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn

from .capacity import PERIOD_S_MAX, RATE_BIT_S_MAX, STEPS_MAX, RateStep, RateTrace
from .errors import ProfileError

RECORDING_BYTES_MAX: Final = 16_000_000
RECORDING_SUFFIXES: Final = (".csv", ".mahi", ".up", ".down", ".trace")
_OPPORTUNITY_BITS: Final = 1500 * 8
_MILLISECOND_S: Final = 1e-3
_OPPORTUNITIES_MAX: Final = int(RATE_BIT_S_MAX * _MILLISECOND_S / _OPPORTUNITY_BITS / 2)
"""In one millisecond: half of what the fastest line serves, as the last one takes those of moment 0 too."""
_DIGITS_MAX: Final = 12


def read_recording(path: Path, *, shown_as: str, way: str) -> RateTrace:
    """The rate of one direction, `up` or `down`. Raises `ProfileError` with file, line and reason."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(RECORDING_BYTES_MAX + 1)
    except OSError as error:
        raise ProfileError(f"{shown_as} cannot be read: {error.strerror or error}.") from error
    if len(raw) > RECORDING_BYTES_MAX:
        raise ProfileError(f"{shown_as} is larger than {RECORDING_BYTES_MAX} bytes: cut it into parts.")
    try:
        lines = raw.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ProfileError(f"{shown_as}, line {line}: a recording is plain ASCII text.") from error
    reader = _read_csv if path.suffix == ".csv" else _read_mahimahi
    return reader(lines, shown_as, way)


def _read_csv(lines: Sequence[str], shown_as: str, way: str) -> RateTrace:
    rows = [
        (number, _cells(number, line, shown_as))
        for number, line in enumerate(lines, 1)
        if _says_something(line)
    ]
    if len(rows) < 2:
        _refuse(shown_as, max(1, len(lines)), "a header and at least one row are needed")
    width, place = _header(rows[0], shown_as, way)
    steps: list[RateStep] = []
    began_s = before_s = -math.inf
    for number, cells in rows[1:]:
        if len(cells) != width:
            _refuse(shown_as, number, f"{len(cells)} values, and the header names {width}")
        at_s, rate_bit_s = (_number(cell, number, shown_as) for cell in (cells[0], cells[place]))
        if not steps:
            began_s = at_s
        elif at_s <= before_s:
            _refuse(shown_as, number, "its time does not come after the one before it")
        before_s = at_s
        # A clock may have counted from any second, 1970 too: time begins with the first row.
        steps.append(_step(at_s - began_s, rate_bit_s, number, shown_as))
    width_s = steps[-1].at_s - steps[-2].at_s if len(steps) > 1 else 1.0
    return _build(steps, steps[-1].at_s + width_s, shown_as, rows[-1][0])


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _cells(number: int, line: str, shown_as: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True))]
    except csv.Error as error:
        _refuse(shown_as, number, str(error))


def _header(row: tuple[int, list[str]], shown_as: str, way: str) -> tuple[int, int]:
    """How many columns there are, and in which the rate of this direction stands."""
    number, names = row
    wanted = next((name for name in (f"{way}_bit_s", "rate_bit_s") if name in names), None)
    if names[0] != "t_s" or wanted is None:
        _refuse(shown_as, number, f"the header must begin with t_s and name rate_bit_s or {way}_bit_s")
    if len(set(names)) < len(names):
        _refuse(shown_as, number, "the header names a column twice")
    return len(names), names.index(wanted)


def _number(cell: str, line: int, shown_as: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        _refuse(shown_as, line, f"expected a number, found {cell[:20]!r}")
    if not math.isfinite(value):
        _refuse(shown_as, line, f"expected a number, found {value:g}")
    return value


def _step(at_s: float, rate_bit_s: float, line: int, shown_as: str) -> RateStep:
    try:
        return RateStep(at_s, rate_bit_s)
    except ValueError as error:
        _refuse(shown_as, line, str(error))


def _read_mahimahi(lines: Sequence[str], shown_as: str, _way: str) -> RateTrace:
    moments: Counter[int] = Counter()
    before = 0
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text.isdecimal() or len(text) > _DIGITS_MAX:
            _refuse(shown_as, number, f"expected a whole number of milliseconds, found {text[:20]!r}")
        if int(text) * _MILLISECOND_S > PERIOD_S_MAX:
            _refuse(shown_as, number, f"{text} ms is more than a year")
        if int(text) < before:
            _refuse(shown_as, number, f"{text} ms does not come after {before} ms")
        before = int(text)
        moments[before] += 1
    if not moments or before == 0:
        _refuse(shown_as, max(1, len(lines)), "no moment at which a packet could pass")
    crowded = next((each for each, count in moments.items() if count > _OPPORTUNITIES_MAX), None)
    if crowded is not None:
        _refuse(shown_as, _line_of(lines, crowded), f"more than {_OPPORTUNITIES_MAX} packets in {crowded} ms")
    return _build(list(_opportunities(moments)), before * _MILLISECOND_S, shown_as, len(lines))


def _line_of(lines: Sequence[str], moment: int) -> int:
    return next(number for number, line in enumerate(lines, start=1) if int(line) == moment)


def _opportunities(moments: Counter[int]) -> Iterator[RateStep]:
    """The millisecond that ends at each moment serves its packets; between them nothing passes.

    A moment 0 is one with the last of the recording before."""
    moments[max(moments)] += moments.pop(0, 0)
    served = sorted(moments)
    if served[0] > 1:
        yield RateStep(0.0, 0.0)
    for moment, following in zip(served, [*served[1:], None], strict=True):
        yield RateStep((moment - 1) * _MILLISECOND_S, moments[moment] * _OPPORTUNITY_BITS / _MILLISECOND_S)
        if following is not None and following > moment + 1:
            yield RateStep(moment * _MILLISECOND_S, 0.0)


def _build(steps: Sequence[RateStep], period_s: float, shown_as: str, line: int) -> RateTrace:
    if len(steps) > STEPS_MAX:
        _refuse(shown_as, line, f"more than {STEPS_MAX} changes of rate: cut it into parts")
    try:
        return RateTrace(tuple(steps), period_s)
    except ValueError as error:
        _refuse(shown_as, line, str(error))


def _refuse(shown_as: str, line: int, reason: str) -> NoReturn:
    raise ProfileError(f"{shown_as}, line {line}: {reason}.")
