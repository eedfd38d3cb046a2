"""The keys of the screen that was in front, made from its bindings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from tui.lines import Row, Span, Tone, fit, row, wrap_after
from tui.sheets.frame import KeyHint
from tui.widgets import Sheet

from .page import Page

_KEY_CELLS = 12


class HelpPage(Page):
    """Every key, and for those that do nothing now, why."""

    TITLE_WORDS = "keys"

    def __init__(self, of: str, keys: Sequence[tuple[KeyHint, str | None]]) -> None:
        super().__init__()
        self._of = of
        self._keys = keys

    def body(self) -> Iterable[Widget]:
        yield Sheet(self._rows)

    def action_help(self) -> None:
        self.action_back()

    def _rows(self, width: int) -> list[Row]:
        rows = [row(), row(Span(f"KEYS: {self._of.upper()}", Tone.HEADING)), row()]
        for hint, reason in self._keys:
            label = Span(fit(hint.key, _KEY_CELLS), Tone.KEY)
            rows.append(row(label, Span(hint.does, Tone.FAINT if reason else Tone.PLAIN)))
            if reason:
                rows.append(
                    Row(wrap_after((Span(" " * _KEY_CELLS),), f"not now: {reason}", width, tone=Tone.FAINT))
                )
        rows.extend(
            (
                row(),
                row(Span("Nothing needs a function key, Alt or a mouse.", Tone.FAINT)),
                row(
                    Span(
                        "Letters typed into a field are text; Esc leaves the field's screen first.",
                        Tone.FAINT,
                    )
                ),
            )
        )
        return rows
