"""Day, Dusk and Night, by the names a bridge knows: calm colours, and at night nothing but red.

Night is a filter over everything that is painted, so that no picture, plot or forgotten style can spoil dark
adaptation. Alarms keep their full brightness in each palette.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme


class Palette(StrEnum):
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"

    @property
    def next(self) -> Palette:
        palettes = list(Palette)
        return palettes[(palettes.index(self) + 1) % len(palettes)]


def _theme(palette: Palette, *, dark: bool, base: str, colours: dict[str, str]) -> Theme:
    """Our few colours under our own names; Textual's own names follow from them."""
    return Theme(
        name=palette,
        primary=colours["accent"],
        foreground=colours["ink"],
        background=base,
        surface=colours["field"],
        panel=colours["bar"],
        success=colours["good"],
        warning=colours["warning"],
        error=colours["alarm"],
        accent=colours["accent"],
        dark=dark,
        variables=colours,
    )


THEMES: Final = {
    Palette.DAY: _theme(
        Palette.DAY,
        dark=False,
        base="#f5f3ed",
        colours={
            "ink": "#1f2a30",
            "strong": "#000000",
            "faint": "#55616a",
            "accent": "#0b5a78",
            "good": "#1b6634",
            "warning": "#7d4a00",
            "alarm": "#a11919",
            "alarm-ink": "#ffffff",
            "bar": "#dde3e3",
            "chosen": "#e2e8e6",
            "field": "#e6ebea",
        },
    ),
    Palette.DUSK: _theme(
        Palette.DUSK,
        dark=True,
        base="#10171c",
        colours={
            "ink": "#c4d0d4",
            "strong": "#f2f6f7",
            "faint": "#84949c",
            "accent": "#7fc4dc",
            "good": "#8ecb9b",
            "warning": "#e9bd6a",
            "alarm": "#e2645c",
            "alarm-ink": "#10171c",
            "bar": "#1e2a31",
            "chosen": "#1a242b",
            "field": "#1f2a31",
        },
    ),
    Palette.NIGHT: _theme(
        Palette.NIGHT,
        dark=True,
        base="#000000",
        colours={
            # Pure red on black has 5.25:1; anything darker than d00000 is below what small text needs.
            "ink": "#e80000",
            "strong": "#ff0000",
            "faint": "#d00000",
            "accent": "#ff0000",
            "good": "#e80000",
            "warning": "#ff0000",
            "alarm": "#ff0000",
            "alarm-ink": "#000000",
            "bar": "#240000",
            "chosen": "#1a0000",
            "field": "#240000",
        },
    ),
}


class OnlyRed(LineFilter):
    """Each colour by its brightness in red: none that reaches the screen has green or blue in it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, _reddened(style or Style.null()), control) for text, style, control in segments]


@lru_cache(1024)
def _reddened(style: Style) -> Style:
    return style + Style(color=_red(style.color), bgcolor=_red(style.bgcolor))


def _red(colour: RichColor | None) -> RichColor | None:
    if colour is None:
        return None
    red, green, blue = colour.get_truecolor()
    # A pure red keeps its own brightness; of other colours the perceived one counts.
    return RichColor.from_rgb(max(red if green == blue == 0 else 0, _brightness(red, green, blue)), 0, 0)


def _brightness(red: int, green: int, blue: int) -> int:
    return round(0.2126 * red + 0.7152 * green + 0.0722 * blue)
