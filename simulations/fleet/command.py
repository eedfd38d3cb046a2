"""`sfsim run WORLD`: a world in event mode, with a bar on the way and a summary at the end."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import click

from .asking import (
    chosen_world,
    missed_storms,
    progress_shown,
    results_path,
    told,
    traced,
    unwinding_when_terminated,
    variations,
    world_options,
)
from .restoring import Faults
from .run import run_world, run_world_in_files

FILED_SITES_MAX: Final = 100
"""Each has two databases open, of three files and two connections each."""


@click.command("run")
@world_options
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

    With --whole it is played on the whole product: see `sfsim run --whole --help`.

    With --real PROFILE it runs a program of your own through an emulated link instead: see
    `sfsim run --real PROFILE --help`.
    """
    chosen = chosen_world(
        world, days=days, sites=sites, kind=kind, profile=profile, look_every_s=look_every_s
    )
    if custody == "files" and chosen.site_count > FILED_SITES_MAX:
        raise click.ClickException(
            f"{chosen.site_count} sites are too many for custody in files, of which "
            f"{FILED_SITES_MAX} have room. Nothing was run. "
            f"Add --sites {FILED_SITES_MAX}, or leave out --custody files."
        )
    faults = Faults(site_restores=site_restores, hub_restores=hub_restores)
    restores = f"{site_restores}-{hub_restores}-restores" if site_restores or hub_restores else None
    varied_by = (*variations(kind=kind, sites=sites, days=days), restores)
    path = results_path(out, chosen, seed, varied_by=varied_by, policy=policy)
    began_s = time.process_time()
    play = run_world if custody == "memory" else run_world_in_files
    with (
        unwinding_when_terminated(),
        traced(trace_file, beside=path) as trace,
        progress_shown(chosen) as progress,
    ):
        results = play(chosen, seed=seed, policy=policy, faults=faults, progress=progress, trace=trace)
    notes = (*missed_storms(chosen), *_restored(faults))
    sys.exit(told(results, path, processor_s=time.process_time() - began_s, notes=notes))


def _restored(faults: Faults) -> tuple[str, ...]:
    """For whoever compares it with a run in which no disk went back."""
    if not (faults.site_restores or faults.hub_restores):
        return ()
    return (
        f"Disks went back to backups in this run: one of a site {faults.site_restores} times, the hub's "
        f"{faults.hub_restores} times.",
    )
