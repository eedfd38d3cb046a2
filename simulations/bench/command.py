"""`sfsim bench`: measure, print tables, write one JSON object per row."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from .consult import consult_rows
from .consult_files import ConsultFileError, read_consult, read_reply
from .hostile import hostile_rows
from .rows import row_lines, write_rows
from .speed import speed_rows
from .wire import wire_rows

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench.json"), show_default=True)
@click.option("--case", "case_file", type=_FILE, help="Measure this consult (JSON) in place of the story's.")
@click.option("--reply", "reply_file", type=_FILE, help="Measure this reply (JSON) in place of the story's.")
def bench(*, out: Path, case_file: Path | None, reply_file: Path | None) -> None:
    """Measure sizes, speed and sessions; takes under a minute."""
    try:
        consult = None if case_file is None else read_consult(case_file)
        answer = None if reply_file is None else read_reply(reply_file)
    except ConsultFileError as error:
        raise click.ClickException(str(error)) from error
    rows = []
    for title, measured in (
        (
            "Sizes on the wire (naive: compact JSON; zstd-19: that JSON, or the bare text)",
            wire_rows(consult, answer),
        ),
        ("Speed on one core (reference: its cryptography alone)", speed_rows()),
        ("Hostile input of up to 1 MB, and floods of true frames: one channel record", hostile_rows()),
        ("Sessions over an emulated link (bound: the physical limit)", asyncio.run(consult_rows())),
    ):
        click.echo("\n".join(row_lines(title, measured)))
        rows += measured
    write_rows(rows, out)
    click.echo(f"\n{len(rows)} rows are in {out}.")
