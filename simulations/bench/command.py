"""`sfsim bench`: measure, print tables, write one JSON object per row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click

from simulations.emulator.link import ModeName

from .consult import Answer, Carriage, carriage_of
from .consult_files import Consult, ConsultFileError, read_consult, read_reply
from .fleet_rows import fleet_rows
from .hostile import hostile_rows
from .links import Choice, Measured, idle_rows, link_rows, measure_scenarios, scenarios, side_by_side
from .rows import NotMeasured, Row, row_lines, write_rows
from .speed import speed_rows
from .whole_stack import whole_stack_rows
from .wire import wire_rows

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_GROUPS: Final = ("sizes", "speed", "hostile", "links", "idle")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench.json"), show_default=True)
@click.option("--only", type=click.Choice(_GROUPS), multiple=True, help="Only this group; may be repeated.")
@click.option("--rows", "names", multiple=True, help="Only link rows with this in their name; repeatable.")
@click.option("--full", is_flag=True, help="All link rows and seeds, also those that take many minutes.")
@click.option("--peers/--no-peers", "with_peers", default=True, show_default=True)
@click.option(
    "--mode",
    type=click.Choice(["namespace", "relay"]),
    default="namespace",
    show_default=True,
    help="How links are emulated; the relay needs no root, and estimates bytes.",
)
@click.option("--seeds", "seeds_max", type=click.IntRange(min=1), help="At most so many seeds of a row.")
@click.option("--case", "case_file", type=_FILE, help="Measure this consult (JSON) in place of the story's.")
@click.option("--reply", "reply_file", type=_FILE, help="Measure this reply (JSON) in place of the story's.")
@click.option("--photo", "photo_files", type=_FILE, multiple=True, help="A photograph of case C; repeatable.")
def bench(
    *,
    out: Path,
    only: tuple[str, ...],
    names: tuple[str, ...],
    full: bool,
    with_peers: bool,
    mode: ModeName,
    seeds_max: int | None,
    case_file: Path | None,
    reply_file: Path | None,
    photo_files: tuple[Path, ...],
) -> None:
    """Measure sizes, speed, and sessions over emulated links beside the bound and beside peers."""
    try:
        consult = None if case_file is None else read_consult(case_file)
        answer = None if reply_file is None else read_reply(reply_file)
    except ConsultFileError as error:
        raise click.ClickException(str(error)) from error
    photographs = [path.read_bytes() for path in photo_files] or None
    choice = Choice(is_full=full, mode=mode, with_peers=with_peers, seeds_max=seeds_max)

    def links() -> list[Row | NotMeasured]:
        return _links(carriage_of(consult, answer, photographs), names, choice)

    measures: dict[str, Callable[[], Sequence[Row | NotMeasured]]] = {
        "sizes": lambda: _sizes(consult, answer),
        "speed": lambda: [
            *_told("Speed on one core (reference: its cryptography alone)", speed_rows()),
            *_told("Whole sites and their hub in virtual time, on one core", whole_stack_rows()),
            *_told("Fleets in event mode, on one core", fleet_rows()),
        ],
        "hostile": lambda: _told(
            "Hostile input of up to 1 MB, and floods of true frames: one channel record", hostile_rows()
        ),
        "links": links,
        "idle": lambda: _told("Sessions that are open and idle, at the hub", asyncio.run(idle_rows())),
    }
    rows: list[Row | NotMeasured] = []
    for group in only or (("links",) if names else _GROUPS):
        _progress(f"measuring {group}")
        rows += measures[group]()
    write_rows(rows, out)
    click.echo(f"\n{len(rows)} rows are in {out}.")


def _sizes(consult: Consult | None, answer: Answer | None) -> list[Row]:
    title = "Sizes on the wire (naive: compact JSON; zstd-19: that JSON, or the bare text)"
    return _told(title, wire_rows(consult, answer))


def _links(carriage: Carriage, names: tuple[str, ...], choice: Choice) -> list[Row | NotMeasured]:
    every = scenarios(carriage)
    chosen = [row for row in every if not names or any(name in row.name for name in names)]
    if not chosen:
        raise click.ClickException(f"No link row is named so. There are {', '.join(r.name for r in every)}.")
    click.echo("\nSessions over emulated links, in real time; IP bytes, as they were put on the line")

    def show(row: Measured) -> None:
        click.echo("\n".join(side_by_side(row)))

    measured = asyncio.run(measure_scenarios(chosen, choice, progress=_progress, done=show))
    rows = link_rows(measured)
    _told("What we ask of ourselves there", [row for row in rows if isinstance(row, Row) and row.verdict])
    return rows


def _told(title: str, rows: list[Row]) -> list[Row]:
    if rows:
        click.echo("\n".join(row_lines(title, rows)))
    return rows


def _progress(line: str) -> None:
    click.echo(line, err=True)
