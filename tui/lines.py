"""Lines of toned text, measured in terminal cells: what every screen is made of.

A tone says what a piece of text is, never only by colour: the alarm is reversed, a warning bold, and both say
so in words. Text is fitted by cells and cut with `~`: the ellipsis is of ambiguous width in East Asian fonts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rich.cells import cell_len, chop_cells

CUT_MARK: Final = "~"


class Tone(StrEnum):
    """What a piece of text is; the palette decides how it looks."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    LABEL = "label"
    GOOD = "good"
    WARNING = "warning"
    ALARM = "alarm"
    KEY = "key"
    HEADING = "heading"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line in one tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]
EMPTY: Final[Line] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One or more lines that belong together; with a key, the cursor can stand on it."""

    lines: tuple[Line, ...]
    key: str | None = None


def line(*parts: Span | str) -> Line:
    """A line of spans; bare text is plain."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts if part)


def row(*parts: Span | str, key: str | None = None) -> Row:
    """A row of a single line."""
    return Row((line(*parts),), key)


def width_of(content: Line) -> int:
    return sum(cell_len(span.text) for span in content)


def text_of(content: Line) -> str:
    """The line without its tones."""
    return "".join(span.text for span in content)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells; a text that does not fit ends in the mark, never silently."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    kept = chop_cells(text, width - cell_len(CUT_MARK))[:1] if width > 1 else []
    return "".join(kept) + CUT_MARK


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells, cut or padded on the right."""
    shown = cut(text, width)
    return shown + " " * (width - cell_len(shown))


def fit_right(text: str, width: int) -> str:
    """`text` in exactly `width` cells, padded on the left: for numbers."""
    shown = cut(text, width)
    return " " * (width - cell_len(shown)) + shown


def cut_line(content: Line, width: int) -> Line:
    """The line in at most `width` cells."""
    kept: list[Span] = []
    room = width
    for span in content:
        length = cell_len(span.text)
        if length > room:
            kept.append(Span(cut(span.text, room), span.tone))
            return tuple(kept)
        kept.append(span)
        room -= length
    return tuple(kept)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of `width` cells; the left one is cut if both do not fit."""
    room = width - width_of(right)
    start = cut_line(left, max(0, room - 1))
    return (*start, Span(" " * max(0, room - width_of(start))), *right)


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken between words where they allow it."""
    width = max(1, width)
    return [piece for paragraph in text.split("\n") for piece in _wrap_paragraph(paragraph, width)]


def wrap_after(label: Sequence[Span], text: str, width: int, *, tone: Tone = Tone.PLAIN) -> tuple[Line, ...]:
    """`text` wrapped beside a label, its further lines indented to stay in the same column."""
    indent = width_of(tuple(label))
    pieces = wrap(text, width - indent)
    first: Line = (*label, Span(pieces[0], tone))
    return (first, *((Span(" " * indent), Span(piece, tone)) for piece in pieces[1:]))


def columns(cells: Sequence[Span], widths: Sequence[int], *, gap: str = "  ") -> Line:
    """Each span in its own width; a negative width aligns right, for numbers."""
    fitted = (
        Span(fit_right(cell.text, -width) if width < 0 else fit(cell.text, width), cell.tone)
        for cell, width in zip(cells, widths, strict=True)
    )
    return join(fitted, gap)


def flow(spans: Iterable[Span], width: int, *, gap: str = "   ", indent: str = "") -> tuple[Line, ...]:
    """Spans beside each other as far as they fit, then on the next line; only one too long alone is cut."""
    lines: list[Line] = []
    current: Line = ()
    for span in spans:
        candidate = (*current, Span(gap), span) if current else (Span(indent), span)
        if current and width_of(candidate) > width:
            lines.append(current)
            candidate = (Span(indent), span)
        current = candidate
    return (*lines, cut_line(current, width)) if current else tuple(lines)


def join(spans: Iterable[Span], between: str = "  ") -> Line:
    """Spans in one line with a gap between them.

    A gap belongs to the span before it, which saves a change of colour, unless that span has a background.
    """
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].tone is Tone.ALARM:
            joined.append(Span(between))
        elif joined:
            joined[-1] = Span(joined[-1].text + between, joined[-1].tone)
        joined.append(span)
    return tuple(joined)


def _wrap_paragraph(text: str, width: int) -> Iterator[str]:
    current = ""
    for word in text.split(" "):
        candidate = f"{current} {word}" if current else word
        if cell_len(candidate) <= width:
            current = candidate
            continue
        if current:
            yield current
        *full, current = chop_cells(word, width) or [""]
        yield from full
    yield current
