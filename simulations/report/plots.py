"""Plots as SVG: curves and stacked bars that print in black and white and are read aloud by their captions.

Own code of a few shapes: a plotting library would weigh more than the product, and every page would have to
carry its script. What a plot returns is safe in a page: each text in it was escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from .figures import Curve

WIDTH: Final = 640
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 28, 26, 44
_STYLES: Final = (
    ("#1b6ca8", ""),
    ("#b3402a", "7 3"),
    ("#3d7a34", "2 3"),
    ("#6b4a9a", "9 3 2 3"),
    ("#555555", "1 4"),
)
"""Colour and dashes of each curve, so that a copy in grey still tells them apart."""
_SPANS: Final = (
    (1.0, "s"), (60.0, "min"), (3_600.0, "h"), (86_400.0, "d"),
)  # fmt: skip
_MILLISECONDS_BELOW_S: Final = 0.1
_MARKS_S: Final = (
    *(0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 6 * 3_600.0),
    *(86_400.0, 7 * 86_400.0, 28 * 86_400.0, 364 * 86_400.0),
)
"""Of a scale of times: a millisecond to a year, in units that people use."""
_BYTES: Final = (100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9)
_USD: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
_BOUND_STROKE: Final = ("1 3", 1.4)
"""Dashes and width of what physics allows, in the colour of the curve that it belongs to."""
_STEPS_S: Final = (
    *(60.0, 600.0, 3_600.0, 3 * 3_600.0, 6 * 3_600.0, 12 * 3_600.0),
    *(86_400.0, 2 * 86_400.0, 7 * 86_400.0, 28 * 86_400.0, 91 * 86_400.0),
)
"""Between the marks of simulated time."""
_MARKS_MAX: Final = 8
_CHARACTER_PX: Final = 7.2
_LEGEND_LINE_PX: Final = 18


@dataclass(frozen=True, slots=True)
class Axis:
    """One scale: from where to where, and on which pixels."""

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value; what is beyond the scale stands at its end."""
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def span_words(seconds: float) -> str:
    """A length of time as people say it: 15 ms, 40 s, 12 min, 3.5 h, 2 d."""
    if 0.0 < seconds < _MILLISECONDS_BELOW_S:
        return f"{seconds * 1_000:.3g} ms"
    for size_s, unit in reversed(_SPANS):
        if seconds >= size_s or unit == "s":
            return f"{seconds / size_s:.3g} {unit}"
    raise AssertionError("every length of time has a unit")


def size_words(size_bytes: float) -> str:
    """Bytes in the unit that suits them."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1_000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1_000
    return f"{size_bytes:.3g} GB"


@dataclass(frozen=True, slots=True)
class Scale:
    """What is measured along a plot by powers of ten: where it is marked, and how a mark is said."""

    marks: tuple[float, ...]
    words: Callable[[float], str]


TIMES: Final = Scale(_MARKS_S, span_words)
SIZES: Final = Scale(_BYTES, size_words)
PRICES: Final = Scale(_USD, lambda usd: f"USD {usd:g}")


def curves(title: str, drawn: Sequence[Curve], *, x_words: str, scale: Scale = TIMES) -> Markup:
    """Cumulative distributions over time, or another scale; what is below its marks stands at its end."""
    shown = [each for each in drawn if each.points]
    values = [value for each in shown for value, _ in each.points]
    if not values:
        return empty(title)
    marks = scale.marks
    low = max((mark for mark in marks[:-1] if mark <= min(values)), default=marks[0])
    high = min((mark for mark in marks if mark > max(max(values), low)), default=marks[-1])
    x = Axis(low, high, _LEFT, WIDTH - _RIGHT, logarithmic=True)
    y = Axis(0.0, 1.0, HEIGHT - _BOTTOM, _TOP)
    parts = [_grid_x(x, mark, scale.words(mark)) for mark in marks if x.low <= mark <= x.high]
    parts += [_grid_y(y, share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    strokes = _strokes(shown)
    parts += [_steps(each, x, y, stroke) for each, stroke in zip(shown, strokes, strict=True)]
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 6, x_words, "middle"))
    keys = [_line_key(stroke) for stroke in strokes]
    return _svg(title, parts, legend=list(zip([each.name for each in shown], keys, strict=True)))


def over_time(
    title: str,
    layers: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    *,
    x_words: str,
    y_words: str,
) -> Markup:
    """Counts over simulated time, one line of steps a layer; both axes are linear."""
    points = [point for _, layer in layers for point in layer]
    if not points:
        return empty(title)
    x = Axis(0.0, max(max(at for at, _ in points), 1.0), _LEFT, WIDTH - _RIGHT)
    y = Axis(0.0, _round_up(max(value for _, value in points)), HEIGHT - _BOTTOM, _TOP)
    parts = [_grid_x(x, mark, span_words(mark)) for mark in _marks(x.high)]
    step = max(y.high / 4, 1.0)
    parts += [_grid_y(y, step * part, f"{step * part:g}") for part in range(round(y.high / step) + 1)]
    for index, (_, layer) in enumerate(layers):
        path, before = [], 0.0
        for at, value in layer:
            path += [f"{x.at(at):.1f},{y.at(before):.1f}", f"{x.at(at):.1f},{y.at(value):.1f}"]
            before = value
        parts.append(f'<polyline points="{" ".join(path)}" {_stroke(index)}/>')
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 6, x_words, "middle"))
    parts.append(_turned_text(14, (_TOP + HEIGHT - _BOTTOM) / 2, y_words))
    return _svg(
        title, parts, legend=[(name, _line_key(_stroke(index))) for index, (name, _) in enumerate(layers)]
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of parts that are stacked along it, and what is said of them at its end."""

    name: str
    values: tuple[float, ...]
    words: str


def bars(title: str, rows: Sequence[Bar], *, parts_words: Sequence[str]) -> Markup:
    """Stacked horizontal bars, all to one scale."""
    longest = max((sum(row.values) for row in rows), default=0.0)
    if longest <= 0.0:
        return empty(title)
    names_px = max(90.0, 20 + _CHARACTER_PX * max(len(row.name) for row in rows))
    words_px = 12 + _CHARACTER_PX * max(len(row.words) for row in rows)
    x = Axis(0.0, longest, names_px, max(names_px + 60, WIDTH - words_px))
    height = 34 * len(rows) + 40
    drawn = []
    for number, row in enumerate(rows):
        top, left = 24 + 34 * number, x.begin
        drawn.append(_text(names_px - 8, top + 16, row.name, "end"))
        for index, value in enumerate(row.values):
            width = x.at(value) - x.begin
            drawn.append(
                f'<rect x="{left:.1f}" y="{top}" width="{max(width, 0.5):.1f}" height="22" '
                f'fill="{_STYLES[index][0]}" fill-opacity="0.75" stroke="#fff"/>'
            )
            left += width
        drawn.append(_text(left + 6, top + 16, row.words, "start"))
    keys = [
        f'<rect y="4" width="22" height="10" fill="{colour}" fill-opacity="0.75"/>' for colour, _ in _STYLES
    ]
    return _svg(title, drawn, height=height, legend=list(zip(parts_words, keys, strict=False)))


def empty(title: str) -> Markup:
    """A plot of nothing says so."""
    return _svg(
        title, [_text(WIDTH / 2, 40, "Nothing of this kind happened in the run.", "middle")], height=70
    )


def _steps(each: Curve, x: Axis, y: Axis, stroke: str) -> str:
    path = [f"{x.at(each.points[0][0]):.1f},{y.at(0.0):.1f}"]
    before = 0.0
    for value, share in each.points:
        path += [f"{x.at(value):.1f},{y.at(before):.1f}", f"{x.at(value):.1f},{y.at(share):.1f}"]
        before = share
    path.append(f"{x.end:.1f},{y.at(before):.1f}")
    return f'<polyline points="{" ".join(path)}" {stroke}/>'


def _strokes(drawn: Sequence[Curve]) -> list[str]:
    """One style for each curve; a bound has the colour of the curve before it."""
    strokes, index = [], -1
    for each in drawn:
        index += 0 if each.is_bound and index >= 0 else 1
        strokes.append(_stroke(max(index, 0), is_bound=each.is_bound))
    return strokes


def _stroke(index: int, *, is_bound: bool = False) -> str:
    colour, dashes = _STYLES[index % len(_STYLES)]
    dashes, width = _BOUND_STROKE if is_bound else (dashes, 2.0)
    return f'fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-dasharray="{dashes}"'


def _grid_x(x: Axis, value: float, words: str) -> str:
    at, foot = x.at(value), HEIGHT - _BOTTOM
    line = f'<line x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{foot}" class="grid"/>'
    return line + _text(at, foot + 16, words, "middle")


def _grid_y(y: Axis, value: float, words: str) -> str:
    at = y.at(value)
    line = f'<line x1="{_LEFT}" y1="{at:.1f}" x2="{WIDTH - _RIGHT}" y2="{at:.1f}" class="grid"/>'
    return line + _text(_LEFT - 6, at + 4, words, "end")


def _line_key(stroke: str) -> str:
    return f'<line x1="0" y1="10" x2="22" y2="10" {stroke}/>'


def _legend(entries: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """Names with their keys, in as many lines as they need; and how many more than one that is."""
    parts, left, line = [], float(_LEFT + 10), 0
    for name, key in entries:
        width = 44 + _CHARACTER_PX * len(name)
        if left + width > WIDTH and left > _LEFT + 10:
            left, line = float(_LEFT + 10), line + 1
        parts.append((left, line, key, name))
        left += width
    return "".join(
        f'<g transform="translate({at:.0f} {_LEGEND_LINE_PX * (place - line)})">'
        f"{key}{_text(28, 14, name, 'start')}</g>"
        for at, place, key, name in parts
    ), line


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _turned_text(x: float, y: float, words: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" transform="rotate(-90 {x:.1f} {y:.1f})">'
        f"{escape(words)}</text>"
    )


def _svg(
    title: str, parts: Sequence[str], *, height: int = HEIGHT, legend: Sequence[tuple[str, str]] = ()
) -> Markup:
    keys, more_lines = _legend(legend)
    above = _LEGEND_LINE_PX * more_lines
    return Markup(
        f'<svg viewBox="0 {-above} {WIDTH} {height + above}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{keys}{"".join(parts)}</svg>'
    )


def _round_up(value: float) -> float:
    """The end of a scale of counts: beyond four a multiple of it, so that its quarters are whole."""
    return float(max(1, math.ceil(value)) if value <= 4 else math.ceil(value / 4) * 4)


def _marks(until_s: float) -> list[float]:
    """Whole hours or days of simulated time."""
    step_s = next((step for step in _STEPS_S if until_s / step <= _MARKS_MAX), _STEPS_S[-1])
    return [step_s * number for number in range(int(until_s / step_s) + 1)]
