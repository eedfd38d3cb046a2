"""`sfsim run WORLD`: a world in event mode, with a bar on the way and a summary at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from simulations.links import LinkDescriptionError
from simulations.report import ResultsError, RunResults, save_results
from simulations.world import DEFAULT_WORLD, SiteGroup, World, load_world

from .policies import POLICIES
from .restoring import Faults
from .run import Progress, run_world

BAR_STEPS: Final = 1_000


@click.command("run")
@click.argument("world", default=DEFAULT_WORLD)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same run.")
@click.option("--days", type=click.FloatRange(0.01, 3_660), help="Instead of the world's own.")
@click.option("--sites", type=click.IntRange(1, 100_000), help="About so many, of each kind in proportion.")
@click.option("--policy", type=click.Choice(list(POLICIES)), default="as-described", show_default=True)
@click.option(
    "--site-restores",
    type=click.IntRange(0, 10_000),
    default=0,
    help="Sites whose disk goes back to a backup.",
)
@click.option("--hub-restores", type=click.IntRange(0, 100), default=0, help="How often the hub's disk does.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: WORLD-SEED.json in this folder.")
def world_command(
    *,
    world: str,
    seed: int,
    days: float | None,
    sites: int | None,
    policy: str,
    site_restores: int,
    hub_restores: int,
    out: Path | None,
) -> None:
    """Play WORLD (a name, or a .toml file) and write what it came to, for `sfsim report` and `sfsim compare`.

    Ends with status 1 if a property was violated.

    With --real PROFILE it runs a program of your own through an emulated link instead: see
    `sfsim run --real PROFILE --help`.
    """
    try:
        chosen = _cut_to(load_world(world), days, sites)
    except (LinkDescriptionError, ValueError) as error:
        raise click.ClickException(f"{str(error).rstrip('.')}.") from error
    path = out or Path(f"{chosen.name}-{seed}.json")
    _require_writable(path)
    faults = Faults(site_restores=site_restores, hub_restores=hub_restores)
    with _progress(chosen) as told:
        results = run_world(chosen, seed=seed, policy=policy, faults=faults, progress=told)
    try:
        save_results(results, path)
    except ResultsError as error:
        raise click.ClickException(str(error)) from error
    for line in summary(results):
        click.echo(line)
    click.echo(f"{path}")
    sys.exit(status_of(results))


def _require_writable(path: Path) -> None:
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
            f"{path} cannot be written: {trouble}. Nothing was run. Choose another --out."
        )


def status_of(results: RunResults) -> int:
    """Of the process: 1 if a property was violated."""
    return 1 if results.violations else 0


def summary(results: RunResults) -> Iterator[str]:
    """What a person wants to know first."""
    arrived = sum(row.stored_s is not None for row in results.deliveries)
    yield (
        f"{len(results.sites)} sites, {results.duration_s / 86_400:g} days, {len(results.cases)} cases: "
        f"{arrived} of {len(results.deliveries)} bundles arrived, trace {results.trace_hash}"
    )
    usd = sum(row.usd for row in results.sites)
    size_bytes = sum(row.bytes_up + row.bytes_down for row in results.sites)
    yield f"{size_bytes / 1e6:.1f} MB on all links, USD {usd:.2f}, {len(results.alarms)} alarms"
    speed = results.site_days / max(results.wall_s, 1e-3)
    yield f"computed in {results.wall_s:.1f} s, {speed:.0f} site-days a second"
    if not results.violations:
        yield f"no violation of {len(results.checked)} properties was seen"
    for violation in results.violations:
        yield f"VIOLATED: {violation.words}"


def _cut_to(world: World, days: float | None, sites: int | None) -> World:
    """The world as long and as large as asked for; raises `ValueError`."""
    if sites is not None:
        share = sites / world.site_count
        groups = tuple(_fewer(group, share) for group in world.groups)
        kept = {group.region for group in groups}
        world = replace(
            world, groups=groups, storms=tuple(each for each in world.storms if each.region in kept)
        )
    return world if days is None else replace(world, days=days)


def _fewer(group: SiteGroup, share: float) -> SiteGroup:
    return replace(group, count=max(1, round(group.count * share)))


@contextmanager
def _progress(world: World) -> Iterator[Progress]:
    """A bar on the terminal, where there is one: a large world takes minutes."""
    with click.progressbar(
        length=BAR_STEPS, label=f"{world.name}, {world.days:g} days", file=sys.stderr
    ) as bar:

        def told(share: float) -> None:
            bar.update(round(share * BAR_STEPS) - bar.pos)

        yield told
