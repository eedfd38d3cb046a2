"""What every command shares: its folder, its output, and its way to the hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from ..config import HubFolder

Command = TypeVar("Command", bound=Callable[..., Any])

_CELL_LETTERS_MAX: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The surroundings of one command."""

    folder: HubFolder
    as_json: bool

    def data(self, value: object, *, as_json: bool, text: Callable[[], Iterable[str]]) -> None:
        """Print `value` as JSON when asked to anywhere on the line, else its lines for people."""
        if as_json or self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False))
            return
        for line in text():
            click.echo(plain(line))

    def talk(self, sentence: str) -> None:
        """Something about the doing rather than the data."""
        click.echo(plain(sentence), err=True)


def json_option(command: Command) -> Command:
    """`--json` after the command's name too, where people type it."""
    return click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")(command)


def plain(text: str) -> str:
    """No byte that a terminal would obey, whoever wrote it."""
    return "".join(ch if ch.isprintable() else " " for ch in text)


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterable[str]:
    """Left-aligned columns as wide as what is in them; the last one is never cut."""
    cells = [[str(cell) for cell in row] for row in rows]
    shown = [list(titles), *([*map(_cut, row[:-1]), row[-1]] for row in cells)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(titles))]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cut(cell: str) -> str:
    return cell if len(cell) <= _CELL_LETTERS_MAX else cell[: _CELL_LETTERS_MAX - 1] + "~"
