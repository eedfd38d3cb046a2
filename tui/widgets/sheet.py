"""A long list of rows with one cursor, drawn line by line: painting costs what is visible, however long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.lines import EMPTY, Line, Row, Span, Tone

from .toned import TONE_CLASSES, strip_of

Rows = Callable[[int], Sequence[Row]]
"""The rows for a width in cells."""
MARKER: Final = Span("> ", Tone.KEY)
GUTTER: Final = Span("  ")
MORE_ABOVE: Final = Span("^ ", Tone.KEY)
MORE_BELOW: Final = Span("v ", Tone.KEY)
GUTTER_CELLS: Final = 2


class Sheet(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of one or more lines; those with a key can carry the cursor, marked by `>` and by shape."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TONE_CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown,space", "page(1)", "page down", show=False),
        Binding("pageup,b", "page(-1)", "page up", show=False),
        Binding("home", "end(-1)", "top", show=False),
        Binding("end", "end(1)", "bottom", show=False),
        Binding("enter", "choose", "open", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        sheet: Sheet
        key: str

    @dataclass
    class Chosen(Message):
        """Enter on a row."""

        sheet: Sheet
        key: str

    def __init__(self, rows: Rows | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows_for: Rows = rows or (lambda _: ())
        self._lines: list[Line] = []
        self._owners: list[str | None] = []
        self._starts: dict[str, int] = {}
        self._heights: dict[str, int] = {}
        self._cursor: str | None = None

    @property
    def cursor(self) -> str | None:
        """The key of the row that the cursor is on."""
        return self._cursor

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line there is, visible or not."""
        return tuple(self._lines)

    def show(self, rows: Rows) -> None:
        """Other rows from now on; the cursor stays on its key if that is still there."""
        self._rows_for = rows
        self.renew()

    def renew(self) -> None:
        """Ask for the rows again; only visible lines that differ are painted."""
        if self.size.width <= 0:
            return
        before, marked = self._lines, self._marked_line()
        old_keys = list(self._starts)
        self._take(self._rows_for(self._text_width()))
        self._keep_cursor(old_keys)
        self.virtual_size = Size(self.size.width, len(self._lines))
        changed = {y for y, (old, new) in enumerate(zip(before, self._lines, strict=False)) if old != new}
        changed |= set(range(len(self._lines), len(before))) | set(range(len(before), len(self._lines)))
        if marked != self._marked_line():
            changed |= {y for y in (marked, self._marked_line()) if y is not None}
        if len(before) != len(self._lines):
            # The mark of more below may have come or gone.
            changed.add(self.scroll_offset.y + self.size.height - 1)
        for y in sorted(changed):
            self.refresh_line(y)

    def point_at(self, key: str) -> None:
        """Put the cursor on the row `key`, scrolling no more than needed."""
        if key not in self._starts or key == self._cursor:
            return
        previous, self._cursor = self._cursor, key
        for owner in (previous, key):
            if owner in self._starts:
                self.refresh_lines(self._starts[owner], self._heights[owner])
        self._reveal(key)
        self.post_message(self.Moved(self, key))

    def on_resize(self) -> None:
        self.renew()

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.size.width
        if index >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        owner = self._owners[index]
        selected = owner is not None and owner == self._cursor
        marked = selected and index == self._starts.get(owner or "")
        return strip_of(
            self, (MARKER if marked else self._edge(y), *self._lines[index]), width, selected=selected
        )

    def action_move(self, steps: int) -> None:
        """To the next row that can carry the cursor; without any, scroll by a line."""
        keys = list(self._starts)
        if not keys:
            self.scroll_relative(y=steps, animate=False)
            return
        here = keys.index(self._cursor) if self._cursor in self._starts else -1
        target = here + steps
        if 0 <= target < len(keys):
            self.point_at(keys[target])
        else:
            # Past the last row there may still be lines to read.
            self.scroll_relative(y=steps, animate=False)

    def action_page(self, pages: int) -> None:
        height = max(1, self.size.height - 1)
        top = min(max(0, self.scroll_offset.y + pages * height), max(0, len(self._lines) - self.size.height))
        self.scroll_to(y=top, animate=False)
        visible = [
            key for key, start in self._starts.items() if top <= start < top + max(1, self.size.height)
        ]
        if visible and self._cursor not in visible:
            self.point_at(visible[0] if pages > 0 else visible[-1])

    def action_end(self, side: int) -> None:
        keys = list(self._starts)
        if keys:
            self.point_at(keys[-1] if side > 0 else keys[0])
        self.scroll_to(y=len(self._lines) if side > 0 else 0, animate=False)

    def action_choose(self) -> None:
        if self._cursor is not None:
            self.post_message(self.Chosen(self, self._cursor))

    def _edge(self, y: int) -> Span:
        """At the first and last visible line, whether there is more beyond it."""
        if y == 0 and self.scroll_offset.y > 0:
            return MORE_ABOVE
        below = len(self._lines) - self.scroll_offset.y - self.size.height
        return MORE_BELOW if y == self.size.height - 1 and below > 0 else GUTTER

    def _text_width(self) -> int:
        return self.size.width - GUTTER_CELLS - 1

    def _take(self, rows: Sequence[Row]) -> None:
        self._lines, self._owners, self._starts, self._heights = [], [], {}, {}
        for item in rows:
            if item.key is not None:
                self._starts[item.key] = len(self._lines)
                self._heights[item.key] = max(1, len(item.lines))
            content = item.lines or (EMPTY,)
            self._lines.extend(content)
            self._owners.extend([item.key] * len(content))

    def _keep_cursor(self, old_keys: list[str]) -> None:
        """A row that went away leaves the cursor where it stood, not at the top."""
        if self._cursor in self._starts:
            return
        keys = list(self._starts)
        at = old_keys.index(self._cursor) if self._cursor in old_keys else 0
        self._cursor = keys[min(at, len(keys) - 1)] if keys else None

    def _marked_line(self) -> int | None:
        return None if self._cursor is None else self._starts.get(self._cursor)

    def _reveal(self, key: str) -> None:
        start, height = self._starts[key], self._heights[key]
        top, room = self.scroll_offset.y, max(1, self.size.height)
        if key == next(iter(self._starts)) and start < room:
            self.scroll_to(y=0, animate=False)
        elif start < top:
            self.scroll_to(y=start, animate=False)
        elif start + height > top + room:
            self.scroll_to(y=start + height - room, animate=False)
