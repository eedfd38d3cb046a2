"""A few fixed lines: status line, banner, head, message and footer; paints nothing that did not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.lines import Line

from .toned import TONE_CLASSES, strip_of

Compose = Callable[[int], tuple[Line, ...]]
"""The lines for a width in cells."""


class Block(Widget):
    """Lines made for the width there is; as tall as they are many, and gone when there are none."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TONE_CLASSES

    def __init__(self, compose: Compose | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._compose_lines: Compose = compose or (lambda _: ())
        self._lines: tuple[Line, ...] = ()

    def show(self, compose: Compose) -> None:
        """Other lines from now on."""
        self._compose_lines = compose
        self.renew()

    def renew(self) -> None:
        """Ask for the lines again; only those that differ are painted."""
        before, width = self._lines, self.size.width
        if width <= 0:
            # Not laid out yet, or hidden: the width is that of the screen, as every block spans it.
            width = self.app.size.width
        self._lines = self._compose_lines(width)
        if len(before) != len(self._lines):
            self.display = bool(self._lines)
            self.styles.height = len(self._lines)
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, width, 1))

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is on screen."""
        return self._lines

    def on_mount(self) -> None:
        self.renew()

    def on_resize(self) -> None:
        self.renew()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        return strip_of(self, self._lines[y], self.size.width)
