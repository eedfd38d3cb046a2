"""`sfsim run WORLD`: a world in event mode, with a bar on the way and a summary at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from simulations.engine.trace import Trace
from simulations.links import LinkDescriptionError, load_profile
from simulations.report import ResultsError, RunResults, save_results
from simulations.world import (
    DEFAULT_WORLD,
    World,
    about_so_many,
    load_world,
    looking_every,
    on_link,
    only_kind,
)

from .policies import POLICIES
from .restoring import Faults
from .run import Progress, run_world, run_world_in_files

BAR_STEPS: Final = 1_000
FILED_SITES_MAX: Final = 100
"""Each has two databases open, of three files and two connections each."""


@click.command("run")
@click.argument("world", default=DEFAULT_WORLD)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same run.")
@click.option("--days", type=click.FloatRange(0.01, 3_660), help="Instead of the world's own.")
@click.option("--sites", type=click.IntRange(1, 100_000), help="About so many, of each kind in proportion.")
@click.option("--kind", help="Only the sites of this kind: `ship`, say.")
@click.option("--link", "profile", help="All sites on this link alone: a name, or a file of your own.")
@click.option(
    "--look-every",
    "look_every_s",
    type=click.FloatRange(0, 90 * 86_400),
    metavar="SECONDS",
    help="Between two looks for replies, on every link; 0 holds a session open.",
)
@click.option("--policy", type=click.Choice(list(POLICIES)), default="as-described", show_default=True)
@click.option(
    "--site-restores",
    type=click.IntRange(0, 10_000),
    default=0,
    help="Sites whose disk goes back to a backup.",
)
@click.option("--hub-restores", type=click.IntRange(0, 100), default=0, help="How often the hub's disk does.")
@click.option(
    "--custody",
    type=click.Choice(["memory", "files"]),
    default="memory",
    show_default=True,
    help="The product's store in memory, or its own tables in SQLite files; the run is the same.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Default: WORLD-SEED.json in this folder.")
@click.option(
    "--trace", "trace_file", type=click.Path(path_type=Path), help="Also write one line for each event there."
)
def world_command(
    *,
    world: str,
    seed: int,
    days: float | None,
    sites: int | None,
    kind: str | None,
    profile: str | None,
    look_every_s: float | None,
    policy: str,
    site_restores: int,
    hub_restores: int,
    custody: str,
    out: Path | None,
    trace_file: Path | None,
) -> None:
    """Play WORLD (a name, or a .toml file) and write what it came to, for `sfsim report` and `sfsim compare`.

    What a ship would experience on another link: `sfsim run small-fleet --kind ship --link bgan`.

    Ends with status 1 if a property was violated.

    With --real PROFILE it runs a program of your own through an emulated link instead: see
    `sfsim run --real PROFILE --help`.
    """
    try:
        chosen = _varied(load_world(world), sites=sites, kind=kind, profile=profile)
        chosen = chosen if look_every_s is None else looking_every(chosen, look_every_s)
        chosen = chosen if days is None else replace(chosen, days=days)
    except (LinkDescriptionError, ValueError) as error:
        raise click.ClickException(f"{str(error).rstrip('.')}.") from error
    if custody == "files" and chosen.site_count > FILED_SITES_MAX:
        raise click.ClickException(
            f"{chosen.site_count} sites are too many for custody in files, of which "
            f"{FILED_SITES_MAX} have room. Nothing was run. "
            f"Add --sites {FILED_SITES_MAX}, or leave out --custody files."
        )
    path = out or Path(f"{chosen.name}-{seed}.json")
    _require_writable(path, "--out")
    faults = Faults(site_restores=site_restores, hub_restores=hub_restores)
    began_s = time.process_time()
    play = run_world if custody == "memory" else run_world_in_files
    with _traced(trace_file) as trace, _progress(chosen) as told:
        results = play(chosen, seed=seed, policy=policy, faults=faults, progress=told, trace=trace)
    try:
        save_results(results, path)
    except ResultsError as error:
        raise click.ClickException(str(error)) from error
    for line in summary(results, processor_s=time.process_time() - began_s):
        click.echo(line)
    click.echo(f"{path}")
    sys.exit(status_of(results))


@contextmanager
def _traced(path: Path | None) -> Iterator[Trace]:
    """Its lines go to the file, if there is one."""
    if path is None:
        yield Trace()
        return
    _require_writable(path, "--trace")
    with path.open("w", encoding="utf-8") as stream:

        def write(line: str) -> None:
            stream.write(f"{line}\n")

        yield Trace(write)


def _require_writable(path: Path, option: str) -> None:
    """Before a run of minutes, not after it; an existing file is not touched. Raises `ClickException`."""
    trouble = ""
    if path.is_dir():
        trouble = "it is a folder"
    elif not path.parent.is_dir():
        trouble = "its folder does not exist"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        trouble = "this account may not write there"
    if trouble:
        raise click.ClickException(
            f"{path} cannot be written: {trouble}. Nothing was run. Choose another {option}."
        )


def status_of(results: RunResults) -> int:
    """Of the process: 1 if a property was violated."""
    return 1 if results.violations else 0


def summary(results: RunResults, *, processor_s: float) -> Iterator[str]:
    """What a person wants to know first; on a busy machine the time of the processor is what compares."""
    arrived = sum(row.stored_s is not None for row in results.deliveries)
    yield (
        f"{len(results.sites)} sites, {results.duration_s / 86_400:g} days, {len(results.cases)} cases: "
        f"{arrived} of {len(results.deliveries)} bundles arrived, trace {results.trace_hash}"
    )
    usd = sum(row.usd for row in results.sites)
    size_bytes = sum(row.bytes_up + row.bytes_down for row in results.sites)
    yield f"{size_bytes / 1e6:.1f} MB on all links, USD {usd:.2f}, {len(results.alarms)} alarms"
    speed = results.site_days / max(processor_s, 1e-3)
    yield (
        f"computed in {results.wall_s:.1f} s; {speed:.0f} site-days for each of "
        f"{processor_s:.1f} s of one processor"
    )
    if not results.violations:
        yield f"no violation of {len(results.checked)} properties was seen"
    for violation in results.violations:
        yield f"VIOLATED: {violation.words}"
    if results.violations:
        yield "the same command with --trace FILE writes down every event that led to it"


def _varied(world: World, *, sites: int | None, kind: str | None, profile: str | None) -> World:
    """The sites that were asked for, on their links; raises `ValueError` or `LinkDescriptionError`."""
    if kind is not None:
        world = only_kind(world, kind)
    if sites is not None:
        world = about_so_many(world, sites)
    return world if profile is None else on_link(world, load_profile(profile))


@contextmanager
def _progress(world: World) -> Iterator[Progress]:
    """A bar on the terminal, where there is one: a large world takes minutes."""
    with click.progressbar(
        length=BAR_STEPS, label=f"{world.name}, {world.days:g} days", file=sys.stderr
    ) as bar:

        def told(share: float) -> None:
            bar.update(round(share * BAR_STEPS) - bar.pos)

        yield told
