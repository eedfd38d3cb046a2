"""`sfsim bench`: measure, print tables, write one JSON object per row."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from .consult import consult_rows
from .rows import row_lines, write_rows
from .speed import speed_rows
from .wire import wire_rows


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench.json"), show_default=True)
def bench(*, out: Path) -> None:
    """Measure sizes, speed and sessions; takes under a minute."""
    rows = []
    for title, measured in (
        ("Sizes on the wire (reference: compact JSON; bound: that JSON by zstd-19)", wire_rows()),
        ("Speed on one core (reference: its cryptography alone)", speed_rows()),
        ("Sessions over an emulated link (bound: the physical limit)", asyncio.run(consult_rows())),
    ):
        click.echo("\n".join(row_lines(title, measured)))
        rows += measured
    write_rows(rows, out)
    click.echo(f"\n{len(rows)} rows are in {out}.")
