"""Turns toned lines into what Textual paints, in the colours of the palette in force."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.lines import Line, Tone

TONE_CLASSES: Final = {f"tone--{tone}" for tone in Tone} | {"tone--selected"}


def strip_of(widget: Widget, content: Line, width: int, *, selected: bool = False) -> Strip:
    """`content` in exactly `width` cells; the widget must declare `TONE_CLASSES` as its component classes."""
    base = widget.rich_style
    if selected:
        base += widget.get_component_rich_style("tone--selected", partial=True)
    segments = [Segment(span.text, base + _tone(widget, span.tone)) for span in content if span.text]
    return Strip(segments).adjust_cell_length(width, base)


def _tone(widget: Widget, tone: Tone) -> Style:
    if tone is Tone.PLAIN:
        return Style.null()
    return widget.get_component_rich_style(f"tone--{tone}", partial=True)
