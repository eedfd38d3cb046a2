"""Colours can be read in each palette, and at night there is nothing but red."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from tui.palette import THEMES, OnlyRed, Palette

TEXT_CONTRAST_MIN = 4.5
"""WCAG 2.2, level AA, for text of this size."""
CHANNEL = st.integers(0, 255)


def luminance(colour: Color) -> float:
    def linear(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.03928 else float(((part + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", [Palette.DAY, Palette.DUSK])
@pytest.mark.parametrize("ink", ["ink", "strong", "faint", "accent", "good", "warning"])
@pytest.mark.parametrize("ground", ["base", "bar", "chosen", "field"])
def test_every_text_can_be_read_on_every_ground(palette: Palette, ink: str, ground: str) -> None:
    theme = THEMES[palette]
    below = theme.background if ground == "base" else theme.variables[ground]
    assert contrast(theme.variables[ink], below or "") >= TEXT_CONTRAST_MIN


@pytest.mark.parametrize("palette", list(Palette))
def test_an_alarm_can_be_read(palette: Palette) -> None:
    colours = THEMES[palette].variables
    assert contrast(colours["alarm-ink"], colours["alarm"]) >= TEXT_CONTRAST_MIN


def test_the_brightest_red_is_kept_for_what_matters_at_night() -> None:
    colours = THEMES[Palette.NIGHT].variables
    assert colours["alarm"] == colours["strong"] == colours["warning"] == "#ff0000"
    assert contrast(colours["strong"], "#000000") >= TEXT_CONTRAST_MIN


@given(CHANNEL, CHANNEL, CHANNEL, CHANNEL, CHANNEL, CHANNEL)
def test_no_colour_passes_the_night_with_green_or_blue(
    r: int, g: int, b: int, r2: int, g2: int, b2: int
) -> None:
    style = Style(color=RichColor.from_rgb(r, g, b), bgcolor=RichColor.from_rgb(r2, g2, b2), bold=True)
    (segment,) = OnlyRed().apply([Segment("x", style)], Color(0, 0, 0))
    assert segment.style is not None
    for colour in (segment.style.color, segment.style.bgcolor):
        assert colour is not None
        assert colour.get_truecolor()[1:] == (0, 0)
    assert segment.style.bold


def test_the_palettes_follow_each_other_in_a_ring() -> None:
    assert [palette.next for palette in Palette] == [Palette.DUSK, Palette.NIGHT, Palette.DAY]
