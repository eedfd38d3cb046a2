"""The commands `report` and `compare`: results in, one page out, with the tables beside it."""

from __future__ import annotations

import csv
from dataclasses import astuple
from pathlib import Path

import click

from .page import comparison_page, comparison_rows, report_page
from .results import ResultsError, RunResults, columns_of, load_results

TABLES = ("sites", "cases", "deliveries", "queue", "alarms", "violations")
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("results", type=_FILE)
@click.option("--out", type=_FILE, help="The page; default: beside RESULTS, ending in .html.")
@click.option("--csv", "with_csv", is_flag=True, help="Also one CSV file for each table.")
def report(*, results: Path, out: Path | None, with_csv: bool) -> None:
    """Write one page about the run in RESULTS, a file that `sfsim run` wrote.

    It is self-contained: it works offline, has no script, and prints.
    """
    run = _load(results)
    page = out or results.with_suffix(".html")
    _write(page, report_page(run))
    click.echo(f"{page}")
    if with_csv:
        for name in TABLES:
            click.echo(f"{write_table(run, name, page)}")


@click.command()
@click.argument("first", type=_FILE)
@click.argument("second", type=_FILE)
@click.option("--out", type=_FILE, help="Also write one page with the distributions of both.")
def compare(*, first: Path, second: Path, out: Path | None) -> None:
    """Say what SECOND changes against FIRST: two files that `sfsim run` wrote."""
    one, other = _load(first), _load(second)
    if one.trace_hash == other.trace_hash:
        click.echo(f"Both are the same run: trace {one.trace_hash}.", err=True)
    if differing := unlike(one, other):
        click.echo(f"These runs differ in {differing}: look at the figures with that in mind.", err=True)
    width = max(len(row.name) for row in comparison_rows(one, other))
    for row in comparison_rows(one, other):
        click.echo(f"{row.name:<{width}}  " + "  ".join(f"{cell:>14}" for cell in row.cells))
    if out is not None:
        _write(out, comparison_page(one, other))
        click.echo(f"{out}")


def unlike(one: RunResults, other: RunResults) -> str:
    """In what two runs differ, where it is more than one thing or their extent; empty otherwise."""
    pairs = {
        "world": (one.world, other.world),
        "policy": (one.policy, other.policy),
        "how they were played": (one.played, other.played),
        "seed": (one.seed, other.seed),
        "sites": (len(one.sites), len(other.sites)),
        "days": (f"{one.duration_s / 86_400:g}", f"{other.duration_s / 86_400:g}"),
    }
    differing = [
        f"{name} ({first} and {second})" for name, (first, second) in pairs.items() if first != second
    ]
    extent = ("sites", "days") if one.world == other.world else ("days",)
    if len(differing) < 2 and all(pairs[name][0] == pairs[name][1] for name in extent):
        return ""
    return ", ".join(differing)


def write_table(run: RunResults, name: str, page: Path) -> Path:
    """One table as CSV beside the page; its path. Raises `click.ClickException`."""
    rows = getattr(run, name)
    path = page.with_name(f"{page.stem}-{name}.csv")
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns_of(name))
            writer.writerows(map(astuple, rows))
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def _load(path: Path) -> RunResults:
    try:
        return load_results(path)
    except ResultsError as error:
        raise click.ClickException(str(error)) from error


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror or error}.") from error
