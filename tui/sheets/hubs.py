"""The hubs of a site that has several: how each is reached, and what waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from sfnode.views import HubView
from tui.lines import Line, Row, Span, Tone, cut_line, fit, line, row, width_of, wrap_after
from tui.moments import brief_moment, size

TOLD_APART_FROM: Final = 2
"""With one hub there is nothing to tell apart."""
_NAME_CELLS_MAX: Final = 24
_WAITS_CELLS: Final = 16
_HEARD_CELLS: Final = 12
_GAP: Final = "  "


def hub_rows(hubs: Sequence[HubView], now_s: float, width: int) -> list[Row]:
    """Nothing of a single one: the heading says it all."""
    if len(hubs) < TOLD_APART_FROM:
        return []
    name_cells = min(_NAME_CELLS_MAX, max(cell_len(hub.name) for hub in hubs))
    rows = [Row(_hub_lines(hub, now_s, width, name_cells=name_cells), f"hub {hub.name}") for hub in hubs]
    return [row(Span("HUBS", Tone.HEADING)), *rows, row()]


def _hub_lines(hub: HubView, now_s: float, width: int, *, name_cells: int) -> tuple[Line, ...]:
    """One line where the words of its link have room, else those below."""
    heard = (
        "never heard" if hub.last_contact_s is None else f"heard {brief_moment(hub.last_contact_s, now_s)}"
    )
    waits = f"unsent {hub.unsent_count}, {size(hub.unsent_bytes)}" if hub.unsent_count else "nothing unsent"
    first = line(
        Span(fit(hub.name, name_cells), Tone.STRONG),
        "  ",
        Span(fit(waits, _WAITS_CELLS), Tone.STRONG if hub.unsent_count else Tone.FAINT),
        "  ",
        Span(fit(heard, _HEARD_CELLS), Tone.FAINT),
    )
    tone = Tone.GOOD if hub.link_up else Tone.WARNING
    if width_of(first) + len(_GAP) + cell_len(hub.link) <= width:
        return ((*first, Span(_GAP), Span(hub.link, tone)),)
    return (cut_line(first, width), *wrap_after((Span(_GAP),), hub.link, width, tone=tone))
