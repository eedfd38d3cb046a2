"""What the audience sees: one line per event, and live transfer bars where there is a terminal."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TextIO

from sfnode.views import TransferView

BAR_CELLS: Final = 24
REDRAW_S: Final = 0.2
PLAIN_EVERY_S: Final = 5.0
"""Without a terminal a moving item is reported this often, so that a log stays readable."""
WIDTH: Final = 100


def bar(transfer: TransferView) -> str:
    """`standard: paper ECG      [######------]  52 %  10.4/20.0 kB  ETA 5 s`."""
    share = min(1.0, transfer.done_bytes / transfer.size_bytes) if transfer.size_bytes else 0.0
    filled = int(share * BAR_CELLS)
    sizes = f"{transfer.done_bytes / 1000:.1f}/{transfer.size_bytes / 1000:.1f} kB"
    eta = f"ETA {transfer.eta_s:.0f} s" if transfer.eta_s is not None and share < 1 else transfer.state
    blocks = "#" * filled + "-" * (BAR_CELLS - filled)
    return f"{transfer.what[:34]:<34} [{blocks}] {share:>4.0%} {sizes:>13}  {eta}"


@dataclass(slots=True)
class Screen:
    """Prints acts and events with the second they happened at; bars are redrawn in place on a terminal."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    started_s: float = field(default_factory=time.monotonic)
    _drawn: int = 0
    _last_draw_s: float = 0.0
    _told: dict[str, int] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.out.isatty()

    def second(self) -> float:
        """Seconds since the case was sent (or since the start, before that)."""
        return time.monotonic() - self.started_s

    def restart_clock(self) -> None:
        self.started_s = time.monotonic()

    def act(self, title: str) -> None:
        """A heading between two parts of the story."""
        self._clear()
        self._write(f"\n== {title} {'=' * max(0, 76 - len(title))}")

    def say(self, text: str) -> None:
        """One event, stamped with its second."""
        self._clear()
        lines = [line for part in text.splitlines() for line in textwrap.wrap(part, WIDTH - 11) or [""]]
        for index, line in enumerate(lines):
            stamp = f"{self.second():8.1f} s " if index == 0 else " " * 11
            self._write(stamp + line)

    def block(self, lines: Sequence[str]) -> None:
        """Lines as they are: a table, or a screen quoted."""
        self._clear()
        for line in lines:
            self._write("           " + line)

    def progress(self, transfers: Mapping[str, TransferView]) -> None:
        """Show what moves: a bar each on a terminal, elsewhere a line for changed items at times."""
        now = time.monotonic()
        if now - self._last_draw_s < (REDRAW_S if self.live else PLAIN_EVERY_S):
            return
        self._last_draw_s = now
        moving = [t for t in transfers.values() if t.done_bytes < t.size_bytes]
        if self.live:
            self._clear()
            for transfer in moving:
                self._write("           " + bar(transfer))
            self._drawn = len(moving)
            return
        for transfer in moving:
            if 0 < transfer.done_bytes != self._told.get(transfer.what):
                self._told[transfer.what] = transfer.done_bytes
                self._write(f"{self.second():8.1f} s " + bar(transfer))

    def _clear(self) -> None:
        if self.live and self._drawn:
            self.out.write(f"\x1b[{self._drawn}F\x1b[J")
        self._drawn = 0

    def _write(self, line: str) -> None:
        self.out.write(line + "\n")
        self.out.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; numbers are the caller's business."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
