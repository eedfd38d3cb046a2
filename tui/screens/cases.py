"""Home: the cases of the site, those that need a person first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tui.answers import Happening
from tui.lines import Line, Row, Span, Tone, line, row, spread
from tui.sheets.cases import case_rows, matches, peek_lines, summary
from tui.widgets import Block, Sheet
from tui.widgets.fields import Filled, Left, LineField

from .page import Page


class CasesPage(Page):
    """One row per case; `/` narrows the list as you type."""

    TITLE_WORDS = "cases"
    AUTO_FOCUS = "Sheet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "new case"),
        Binding("slash", "search", "search"),
        Binding("o", "outbox", "outbox"),
        Binding("q,escape", "back", "leave"),
        Binding("r", "reload", "ask again", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self._leaving = False

    def body(self) -> Iterable[Widget]:
        yield Block(self._heading, id="heading")
        yield Sheet(self._rows, id="cases")
        search = LineField(
            hint="words of name, complaint, number or state; Enter keeps, Esc shows all", id="search"
        )
        search.display = False
        yield search
        yield Block(self._peek, id="peek")

    def refreshed(self, event: Happening | None) -> None:
        self.query_one("#heading", Block).renew()
        self.query_one("#cases", Sheet).renew()
        self.query_one("#peek", Block).renew()

    def on_sheet_moved(self) -> None:
        self.query_one("#peek", Block).renew()

    def useful(self) -> Sequence[str]:
        return ("choose", "new", "search", "outbox") if self.site.cases else ("new", "outbox")

    def why_not(self, action: str) -> str | None:
        status = self.site.status
        if action == "new" and status is not None and status.hub is None:
            return "This site has no hub yet, so nobody could answer. Join one first: sfnode enrol."
        return None

    def on_sheet_chosen(self, message: Sheet.Chosen) -> None:
        from .case import CasePage

        message.stop()
        self.shell.open(CasePage(message.key))

    def action_new(self) -> None:
        from .new_case import PickTemplatePage

        if not self.refused("new"):
            self.shell.open(PickTemplatePage())

    def action_search(self) -> None:
        search = self.query_one("#search", LineField)
        search.display = True
        search.focus()

    def action_reload(self) -> None:
        self.shell.reload()

    def action_back(self) -> None:
        """First out of the search; leaving the terminal asks once if something typed would be lost."""
        search = self.query_one("#search", LineField)
        if search.display:
            search.fill("")
            self._end_search()
        elif self.shell.drafts and not self._leaving:
            self._leaving = True
            self.say(
                "A form that you did not save is kept only in this terminal: q again drops it, n opens it.",
                Tone.WARNING,
            )
        else:
            self.app.exit()

    def on_filled(self, message: Filled) -> None:
        message.stop()
        self._words = message.field.answer
        self.refreshed(None)

    def on_left(self, message: Left) -> None:
        message.stop()
        if message.field.answer:
            self.query_one("#cases", Sheet).focus()
        else:
            self._end_search()

    def _end_search(self) -> None:
        self.query_one("#search", LineField).display = False
        self.query_one("#cases", Sheet).focus()

    def _heading(self, width: int) -> tuple[Line, ...]:
        if self.site.status is None:
            return (line(" "),)
        shown = sum(matches(case, self._words) for case in self.site.cases)
        right = line(Span(f"search: {self._words} ", Tone.LABEL)) if self._words else self._notice_hint()
        return (
            line(" "),
            spread(
                line(
                    "  ",
                    Span("CASES", Tone.HEADING),
                    "   ",
                    Span(summary(self.site.cases, shown), Tone.FAINT),
                ),
                right,
                width,
            ),
        )

    def _notice_hint(self) -> Line:
        """That something is to be read, where everybody looks; the outbox has the words."""
        count = 0 if self.site.status is None else len(self.site.status.notices)
        if not count:
            return line()
        return line(Span(f"! {count} notice{'s' if count != 1 else ''}: o ", Tone.WARNING))

    def _peek(self, width: int) -> tuple[Line, ...]:
        return peek_lines(self.site.row(self.query_one("#cases", Sheet).cursor or ""), width)

    def _rows(self, width: int) -> list[Row]:
        if not self.site.cases:
            if self.site.status is None:
                return []
            return [
                row(),
                row("No case yet."),
                row(
                    Span("n", Tone.KEY),
                    "  opens the first one; nothing leaves this machine before you send it.",
                ),
            ]
        found = [case for case in self.site.cases if matches(case, self._words)]
        if not found:
            return [row(), row("No case has these words. Esc shows all.")]
        return case_rows(found, self.shell.now_s, width)
