"""Plots as SVG: curves and stacked bars that print in black and white and are read aloud by their captions.

Own code of a few shapes: a plotting library would weigh more than the product, and every page would have to
carry its script. What a plot returns is safe in a page: each text in it was escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
_STEPS_S: Final = (
    *(60.0, 600.0, 3_600.0, 3 * 3_600.0, 6 * 3_600.0, 12 * 3_600.0),
    *(86_400.0, 2 * 86_400.0, 7 * 86_400.0, 28 * 86_400.0, 91 * 86_400.0),
)
"""Between the marks of simulated time."""
_MARKS_MAX: Final = 8


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


def curves(title: str, drawn: Sequence[Curve], *, x_words: str) -> Markup:
    """Cumulative distributions over time, which is drawn by powers of ten."""
    values = [value for each in drawn for value, _ in each.points]
    if not values:
        return empty(title)
    low = max((mark for mark in _MARKS_S if mark <= min(values)), default=_MARKS_S[0])
    high = min((mark for mark in _MARKS_S if mark > max(max(values), low)), default=_MARKS_S[-1])
    x = Axis(low, high, _LEFT, WIDTH - _RIGHT, logarithmic=True)
    y = Axis(0.0, 1.0, HEIGHT - _BOTTOM, _TOP)
    parts = [_grid_x(x, mark, span_words(mark)) for mark in _MARKS_S if x.low <= mark <= x.high]
    parts += [_grid_y(y, share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for index, each in enumerate(drawn):
        parts.append(_steps(each, x, y, index))
    parts.append(_legend([each.name for each in drawn if each.points]))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 6, x_words, "middle"))
    return _svg(title, parts)


def over_time(
    title: str, layers: Sequence[tuple[str, Sequence[tuple[float, float]]]], *, y_words: str
) -> Markup:
    """Counts over simulated time, one line a layer; both axes are linear."""
    points = [point for _, layer in layers for point in layer]
    if not points:
        return empty(title)
    x = Axis(0.0, max(max(at for at, _ in points), 1.0), _LEFT, WIDTH - _RIGHT)
    y = Axis(0.0, _round_up(max(value for _, value in points)), HEIGHT - _BOTTOM, _TOP)
    parts = [_grid_x(x, mark, span_words(mark)) for mark in _marks(x.high)]
    step = max(y.high / 4, 1.0)
    parts += [_grid_y(y, step * part, f"{step * part:g}") for part in range(round(y.high / step) + 1)]
    for index, (_, layer) in enumerate(layers):
        path = " ".join(f"{x.at(at):.1f},{y.at(value):.1f}" for at, value in layer)
        parts.append(f'<polyline points="{path}" {_stroke(index)}/>')
    parts.append(_legend([name for name, _ in layers]))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 6, y_words, "middle"))
    return _svg(title, parts)


def bars(title: str, rows: Sequence[tuple[str, Sequence[float]]], *, parts_words: Sequence[str]) -> Markup:
    """Stacked horizontal bars of seconds, one a row."""
    longest = max((sum(values) for _, values in rows), default=0.0)
    if longest <= 0.0:
        return empty(title)
    names_px = max(130.0, 20 + 7.2 * max(len(name) for name, _ in rows))
    x = Axis(0.0, longest, names_px, WIDTH - _RIGHT - 60)
    height = 34 * len(rows) + 40
    drawn = []
    for row, (name, values) in enumerate(rows):
        top, left = 24 + 34 * row, x.begin
        drawn.append(_text(names_px - 8, top + 16, name, "end"))
        for index, value in enumerate(values):
            width = x.at(value) - x.begin
            drawn.append(
                f'<rect x="{left:.1f}" y="{top}" width="{max(width, 0.5):.1f}" height="22" '
                f'fill="{_STYLES[index][0]}" fill-opacity="0.75" stroke="#fff"/>'
            )
            left += width
        drawn.append(_text(left + 6, top + 16, span_words(sum(values)), "start"))
    drawn.append(_legend(list(parts_words), filled=True))
    return _svg(title, drawn, height=height)


def empty(title: str) -> Markup:
    """A plot of nothing says so."""
    return _svg(
        title, [_text(WIDTH / 2, 40, "Nothing of this kind happened in the run.", "middle")], height=70
    )


def _steps(each: Curve, x: Axis, y: Axis, index: int) -> str:
    if not each.points:
        return ""
    path = [f"{x.at(each.points[0][0]):.1f},{y.at(0.0):.1f}"]
    before = 0.0
    for value, share in each.points:
        path += [f"{x.at(value):.1f},{y.at(before):.1f}", f"{x.at(value):.1f},{y.at(share):.1f}"]
        before = share
    path.append(f"{x.end:.1f},{y.at(before):.1f}")
    return f'<polyline points="{" ".join(path)}" {_stroke(index)}/>'


def _stroke(index: int) -> str:
    colour, dashes = _STYLES[index % len(_STYLES)]
    return f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'


def _grid_x(x: Axis, value: float, words: str) -> str:
    at, foot = x.at(value), HEIGHT - _BOTTOM
    line = f'<line x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{foot}" class="grid"/>'
    return line + _text(at, foot + 16, words, "middle")


def _grid_y(y: Axis, value: float, words: str) -> str:
    at = y.at(value)
    line = f'<line x1="{_LEFT}" y1="{at:.1f}" x2="{WIDTH - _RIGHT}" y2="{at:.1f}" class="grid"/>'
    return line + _text(_LEFT - 6, at + 4, words, "end")


def _legend(names: Sequence[str], *, filled: bool = False) -> str:
    parts, left = [], float(_LEFT + 10)
    for index, name in enumerate(names):
        key = (
            f'<rect x="{left:.0f}" y="4" width="14" height="10" fill="{_STYLES[index % len(_STYLES)][0]}"/>'
            if filled
            else f'<line x1="{left:.0f}" y1="10" x2="{left + 22:.0f}" y2="10" {_stroke(index)}/>'
        )
        parts.append(key + _text(left + 28, 14, name, "start"))
        left += 44 + 7.2 * len(name)
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(title: str, parts: Sequence[str], *, height: int = HEIGHT) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _round_up(value: float) -> float:
    """The end of a scale of counts: beyond four a multiple of it, so that its quarters are whole."""
    return float(max(1, math.ceil(value)) if value <= 4 else math.ceil(value / 4) * 4)


def _marks(until_s: float) -> list[float]:
    """Whole hours or days of simulated time."""
    step_s = next((step for step in _STEPS_S if until_s / step <= _MARKS_MAX), _STEPS_S[-1])
    return [step_s * number for number in range(int(until_s / step_s) + 1)]
