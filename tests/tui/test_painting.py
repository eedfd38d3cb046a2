"""Only what differs is painted: on a thin line each needless cell is paid for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from textual.strip import Strip

from tests.tui import story
from tests.tui.driving import terminal
from tui.widgets import Block, Sheet


@contextmanager
def painted_lines() -> Iterator[list[str]]:
    """The text of every line that blocks and sheets are asked to draw."""
    lines: list[str] = []
    originals = {widget: widget.render_line for widget in (Block, Sheet)}

    def drawing(widget: type[Block] | type[Sheet]):  # type: ignore[no-untyped-def]  # a method, made for two classes
        def render_line(self: Block | Sheet, y: int) -> Strip:
            strip = originals[widget](self, y)  # type: ignore[arg-type]  # its own class
            lines.append(strip.text)
            return strip

        return render_line

    with patch.object(Block, "render_line", drawing(Block)), patch.object(Sheet, "render_line", drawing(Sheet)):
        yield lines
