"""The outbox: every bundle with what is durable at the other end, and what is left in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from sfnode.errors import NodeError
from sfnode.views import StatusView
from tui.answers import Happening
from tui.lines import Line, Row, Span, Tone, line, row, wrap_after
from tui.moments import size
from tui.sheets.hubs import TOLD_APART_FROM, hub_rows
from tui.sheets.transfers import transfer_rows
from tui.widgets import Block, Sheet
from tui.work import start

from .page import Page


class OutboxPage(Page):
    """Repainted at most four times a second, and only where a text differs."""

    TITLE_WORDS = "outbox"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "notices_seen", "notices read"),
        Binding("r", "reload", "ask again"),
    ]

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

    def why_not(self, action: str) -> str | None:
        status = self.site.status
        if action == "notices_seen" and (status is None or not status.notices):
            return "There is no notice."
        return None

    def action_notices_seen(self) -> None:
        """Those that are told once go; what holds something back stays as long as it does."""
        if not self.refused("notices_seen"):
            start(self.shell, self._mark_notices, name="notices read")

    async def _mark_notices(self) -> None:
        try:
            await self.shell.daemon.act("notices_seen", {})
        except NodeError as error:
            self.shell.say_failure(error)
            return
        self.say("What was only to be told is put aside; what still holds stays here.")
        self.shell.reload()

    def action_outbox(self) -> None:
        self.action_back()

    def _heading(self, width: int) -> tuple[Line, ...]:
        title = Span("  OUTBOX   ", Tone.HEADING)
        status = self.site.status
        if status is None:
            return (line(" "), line(title))
        carried = f"up {size(status.bytes_up)}, down {size(status.bytes_down)} so far"
        return (
            line(" "),
            line(title, Span(carried, Tone.FAINT)),
            *self._link(status, width),
            *self._forecasts(status.forecasts, width),
            line(" "),
        )

    @staticmethod
    def _link(status: StatusView, width: int) -> tuple[Line, ...]:
        """Each of several hubs has its own words below."""
        if len(status.hubs) >= TOLD_APART_FROM:
            return ()
        tone = Tone.GOOD if status.link_up else Tone.WARNING
        return wrap_after((Span("  "),), f"link {status.link}", width - 1, tone=tone)

    @staticmethod
    def _forecasts(words: str, width: int) -> tuple[Line, ...]:
        """How far what is told of arrivals can be trusted; of people's answers nothing is told."""
        if not words:
            return ()
        return wrap_after((Span("  "),), f"arrival at the hub: {words}", width - 1, tone=Tone.FAINT)

    def _notices(self, width: int) -> list[Row]:
        """What somebody at the site should know, above the bundles: scrolled, never cut."""
        status = self.site.status
        if status is None or not status.notices:
            return []
        rows = [row(Span("NOTICES", Tone.HEADING))]
        for number, sentence in enumerate(status.notices):
            lines = wrap_after((Span("! ", Tone.WARNING),), sentence, width - 1, tone=Tone.WARNING)
            rows.append(Row(lines, f"notice {number}"))
        return [*rows, row()]

    def _rows(self, width: int) -> list[Row]:
        status = self.site.status
        hubs = () if status is None else status.hubs
        return [
            *self._notices(width),
            *hub_rows(hubs, self.shell.now_s, width),
            *transfer_rows(self.site.transfers, self.site.cases, self.shell.now_s, width),
        ]
