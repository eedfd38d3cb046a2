"""The commands `report` and `compare`: results in, one page out, with the tables beside it."""

from __future__ import annotations

import csv
from dataclasses import astuple
from pathlib import Path

import click

from .page import comparison_page, comparison_rows, report_page, run_words, unlike
from .results import ResultsError, RunResults, columns_of, load_results
from .tables import TableRow

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
    _require_another(page, results)
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
    if out is not None:
        _require_another(out, first, second)
    if one.trace_hash == other.trace_hash:
        click.echo(f"Both are the same run: trace {one.trace_hash}.", err=True)
    if differing := unlike(one, other):
        click.echo(f"These runs differ in {differing}: look at the figures with that in mind.", err=True)
    for place, path, run in (("first", first, one), ("second", second, other)):
        click.echo(f"{place}: {path}: {run_words(run)}")
        for note in run.notes:
            click.echo(f"  {note}")
    rows = [TableRow("", ("first", "second", "change")), *comparison_rows(one, other)]
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:<{width}}" + "".join(f"{cell:>15}" for cell in row.cells))
    if out is not None:
        _write(out, comparison_page(one, other))
        click.echo(f"{out}")


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


def _require_another(page: Path, *results: Path) -> None:
    """A page in the place of the results that it was made of would be the last of them."""
    if page.resolve() in {each.resolve() for each in results}:
        raise click.ClickException(f"{page} is a file of results, and was kept. Choose another --out.")


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
