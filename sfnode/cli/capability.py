"""Commands about what is at the site: capability set and show."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import click

from sfnode.errors import BadRequest

from .terminal import Terminal, pass_terminal, read_text, table

LIST_BYTES_MAX: Final = 256 * 1024


@click.group()
def capability() -> None:
    """Drugs and equipment at the site."""


@capability.command("set")
@click.argument("file", type=click.Path(path_type=Path))
@pass_terminal
def set_capability(terminal: Terminal, file: Path) -> None:
    """Replace the whole list by that of a TOML file with [[item]] tables.

    Each item has `item` (its number), `name`, and may have `strength`, `form`, `quantity` and `expires`.
    """
    try:
        items = tomllib.loads(read_text(file, size_bytes_max=LIST_BYTES_MAX)).get("item")
    except tomllib.TOMLDecodeError as error:
        raise BadRequest(f"{file} cannot be read: {error}. Nothing was changed.") from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadRequest(f"{file} has no [[item]] tables. Nothing was changed.")
    answer = terminal.call("capability_set", {"items": items})
    terminal.show(answer, [f"List {answer['version']} with {len(answer['items'])} items is in force."])


@capability.command("show")
@pass_terminal
def show_capability(terminal: Terminal) -> None:
    """The list in force."""
    answer = terminal.call("capability")
    rows = [
        tuple(str(item.get(key) or "") for key in ("item", "name", "strength", "form", "quantity", "expires"))
        for item in answer["items"]
    ]
    terminal.show(answer, table([("NO", "NAME", "STRENGTH", "FORM", "STOCK", "EXPIRES"), *rows]))
