"""The outbox: every bundle with what is durable at the other end, and what is left in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tui.answers import Happening
from tui.lines import Line, Row, Span, Tone, line, wrap_after
from tui.moments import size
from tui.sheets.transfers import transfer_rows
from tui.widgets import Block, Sheet

from .page import Page


class OutboxPage(Page):
    """Repainted at most four times a second, and only where a text differs."""

    TITLE_WORDS = "outbox"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "reload", "ask again")]

    def body(self) -> Iterable[Widget]:
        yield Block(self._heading, id="heading")
        yield Sheet(self._rows, id="transfers")

    def on_mount(self) -> None:
        self.shell.reload()

    def refreshed(self, event: Happening | None) -> None:
        self.query_one("#heading", Block).renew()
        self.query_one("#transfers", Sheet).renew()

    def action_reload(self) -> None:
        self.shell.reload()

    def action_outbox(self) -> None:
        self.action_back()

    def _heading(self, width: int) -> tuple[Line, ...]:
        title = Span("  OUTBOX   ", Tone.HEADING)
        status = self.site.status
        if status is None:
            return (line(" "), line(title))
        carried = f"up {size(status.bytes_up)}, down {size(status.bytes_down)} so far"
        tone = Tone.GOOD if status.link_up else Tone.WARNING
        return (
            line(" "),
            line(title, Span(carried, Tone.FAINT)),
            *wrap_after((Span("  "),), f"link {status.link}", width - 1, tone=tone),
            line(" "),
        )

    def _rows(self, width: int) -> list[Row]:
        return transfer_rows(self.site.transfers, self.site.cases, self.shell.now_s, width)
