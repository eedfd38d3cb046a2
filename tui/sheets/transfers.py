"""Bundles on their way: what, how much of it is durable at the other end, and what is left, in words.

A bar is text of whole tenths, so it changes at most ten times; nothing here says sent before it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.cells import cell_len

from sfnode.views import CaseRow, PriceView, TransferView
from tui.answers import Sent
from tui.lines import Line, Row, Span, Tone, columns, cut_line, line, row, wrap_after
from tui.moments import brief_moment, moment, money, size, span

_BAR_CELLS: Final = 10
_WIDE_CELLS: Final = 100
_FIGURES_CELLS: Final = 60
"""Narrower, in a side column, the bar says what the figures would."""
_STATE_CELLS: Final = 17
_STATE_WIDE_CELLS: Final = 28


def transfer_rows(
    transfers: Sequence[TransferView], cases: Sequence[CaseRow], now_s: float, width: int
) -> list[Row]:
    """The outbox: what still waits or goes first, what is durable elsewhere after it."""
    if not transfers:
        return [row(Span("Nothing was queued yet. What you send appears here until the hub has stored it."))]
    shorts = {case.case: case.short for case in cases}
    rows: list[Row] = []
    for title, part in _grouped(transfers):
        heading = line(Span(title.upper(), Tone.HEADING), Span(f"   {_total(part)}", Tone.FAINT))
        rows.append(Row((cut_line(heading, width),)))
        for number, each in enumerate(part):
            lines = transfer_lines(each, now_s, width, short=shorts.get(each.case or "", ""))
            rows.append(Row(lines, f"{title} {number}"))
        rows.append(row())
    return rows[:-1]


def transfer_lines(
    transfer: TransferView, now_s: float, width: int, *, short: str | None = None
) -> tuple[Line, ...]:
    """One bundle; with `short`, it names its case too. Below: a state too long for its column, and when it is
    likely to be there."""
    state = state_words(transfer, now_s, brief=width < _WIDE_CELLS)
    cells = [
        Span(transfer.what, Tone.PLAIN if is_done(transfer) else Tone.STRONG),
        Span(bar(transfer), Tone.FAINT if is_done(transfer) else Tone.LABEL),
        Span(state, _tone(transfer)),
    ]
    widths = [0, _BAR_CELLS + 2, _STATE_CELLS]
    if width >= _FIGURES_CELLS:
        cells[2:2] = [Span(f"{percent(transfer)}%"), Span(_bytes(transfer), Tone.FAINT)]
        widths[2:2] = [-4, 15]
    if short is not None:
        cells.insert(0, Span(short, Tone.FAINT))
        widths.insert(0, 6)
    if width >= _WIDE_CELLS:
        cells.append(Span("" if transfer.usd is None else money(transfer.usd), Tone.FAINT))
        widths.append(-7)
        widths[-2] = _STATE_WIDE_CELLS
    free = width - sum(abs(each) for each in widths) - (len(widths) - 1)
    widths[widths.index(0)] = max(8, free)
    first = columns(cells, widths, gap=" ")
    room = _STATE_WIDE_CELLS if width >= _WIDE_CELLS else _STATE_CELLS
    below = [state] if cell_len(state) > room else []
    if transfer.arrival and not is_done(transfer):
        below.append(transfer.arrival)
    return (
        first,
        *(each for words in below for each in wrap_after((Span("  "),), words, width, tone=_tone(transfer))),
    )


def bar(transfer: TransferView) -> str:
    """`[####------]`: full only when everything is durable."""
    tenths = percent(transfer) * _BAR_CELLS // 100
    return f"[{'#' * tenths}{'-' * (_BAR_CELLS - tenths)}]"


def percent(transfer: TransferView) -> int:
    """Rounded down: 100 is said of what is whole, and of nothing else."""
    if transfer.size_bytes <= 0:
        return 100 if is_done(transfer) else 0
    return min(100, max(0, transfer.done_bytes) * 100 // transfer.size_bytes)


def is_done(transfer: TransferView) -> bool:
    return transfer.state in ("stored at hub", "received")


def state_words(transfer: TransferView, now_s: float, *, brief: bool) -> str:
    """The state with its time; brief where a heading already says where it is stored."""
    if is_done(transfer):
        state = transfer.state.removesuffix(" at hub") if brief else transfer.state
        when = brief_moment if brief else moment
        return f"{state} {when(transfer.stored_s, now_s)}" if transfer.stored_s else transfer.state
    if transfer.state == "going" and transfer.eta_s is not None:
        return f"going, ~{span(transfer.eta_s)} left"
    return transfer.state


def _grouped(transfers: Sequence[TransferView]) -> list[tuple[str, list[TransferView]]]:
    """What still waits first; where a site has several hubs, each of them on its own."""
    hubs = sorted({each.hub for each in transfers})
    return [
        (several.format(hub) if hub else title, part)
        for title, several, belongs in _GROUPS
        for hub in hubs
        if (part := [each for each in transfers if each.hub == hub and belongs(each)])
    ]


_GROUPS: Final[tuple[tuple[str, str, Callable[[TransferView], bool]], ...]] = (
    ("On the way", "On the way to {}", lambda each: not is_done(each)),
    ("Stored at hub", "Stored at {}", lambda each: is_done(each) and each.direction == "up"),
    ("Received", "Received from {}", lambda each: is_done(each) and each.direction != "up"),
)


def _bytes(transfer: TransferView) -> str:
    if transfer.done_bytes >= transfer.size_bytes:
        return size(transfer.size_bytes)
    return f"{size(transfer.done_bytes)} of {size(transfer.size_bytes)}"


def _total(transfers: Sequence[TransferView]) -> str:
    done = sum(each.done_bytes for each in transfers)
    whole = sum(each.size_bytes for each in transfers)
    items = "item" if len(transfers) == 1 else "items"
    return f"{len(transfers)} {items}, {size(whole) if done >= whole else f'{size(done)} of {size(whole)}'}"


def _tone(transfer: TransferView) -> Tone:
    if is_done(transfer):
        return Tone.GOOD
    if transfer.state.startswith("refused"):
        return Tone.ALARM
    return Tone.STRONG if transfer.state == "going" else Tone.WARNING


def forecast(size_bytes: int, seconds: float | None, usd: float | None) -> str:
    """`61 kB, about 40 s, $0.09`; no forecast is said so."""
    parts = [size(size_bytes), "no forecast yet" if seconds is None else f"about {span(seconds)}"]
    if usd is not None:
        parts.append(money(usd))
    return ", ".join(parts)


def price_words(price: PriceView) -> str:
    """`61 kB, about 40 s, $0.09 over vsat (no forecast yet: 22 kbit/s as declared)`, and what holds it."""
    first = price.first
    if first is None:
        return f"{size(price.size_bytes)}; no link leads to its hub, so nothing of it is on its way."
    words = f"{forecast(price.size_bytes, first.seconds, first.usd)} over {first.link}"
    if price.bundles and price.held_count == len(price.bundles):
        return f"{words} once it may go: now {first.held}."
    held = "" if first.held is None else f"; {first.held}"
    more = [sentence(each) for each in (price.arrival, first.window) if each]
    return " ".join([f"{words} ({first.basis}){held}.", *more])


def sent_words(sent: Sent) -> tuple[str, Tone]:
    """What was queued and what it takes; or that it waits, and what for."""
    count = len(sent.transfers)
    queued = f"Queued {count} item{'s' if count != 1 else ''}"
    arrival = f" {sentence(sent.arrival)}" if sent.arrival else ""
    if sent.no_link:
        return f"{queued}. {sent.no_link}", Tone.WARNING
    if sent.held is None:
        takes = forecast(sent.size_bytes, sent.seconds, sent.usd)
        return f"{queued}: {takes}.{arrival} o shows how far it is.", Tone.PLAIN
    if sent.held_count >= sum(each.stored_s is None for each in sent.transfers):
        return f"{queued}; held back: {sent.held}. o says what lets it go.", Tone.WARNING
    held = f"{sent.held_count} held back: {sent.held}"
    return f"{queued}; {held}.{arrival} o says what lets them go.", Tone.WARNING


def sentence(words: str) -> str:
    """As one among others."""
    return f"{words[:1].upper()}{words[1:]}."
