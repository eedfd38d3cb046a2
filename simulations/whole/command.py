"""`sfsim run WORLD --whole`: a world on the whole product, with a bar on the way and a summary at the end."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from simulations.fleet.asking import (
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

from .playable import NotPlayable, require_playable
from .run import EQUAL_SIZE, REAL, run_whole

SEALS: Final = {"equal-size": EQUAL_SIZE, "real": REAL}


@click.command("run")
@world_options
@click.option("--whole", is_flag=True, required=True, help="On the whole product, and not in event mode.")
@click.option(
    "--seals",
    type=click.Choice(list(SEALS)),
    default="equal-size",
    show_default=True,
    help="Real ones, on encrypted disks; or ones of the same size that hide nothing, on plain disks.",
)
@click.option(
    "--idle",
    type=click.Choice(["played", "accounted"]),
    default="played",
    show_default=True,
    help="Contacts that find nothing new: all played, or most at the cost of the last real ones.",
)
def whole_command(
    *,
    world: str,
    whole: bool,
    seed: int,
    days: float | None,
    sites: int | None,
    kind: str | None,
    profile: str | None,
    look_every_s: float | None,
    policy: str,
    seals: str,
    idle: str,
    out: Path | None,
    trace_file: Path | None,
) -> None:
    """Play WORLD (a name, or a .toml file) on the whole product: every site's daemon and the hub with their
    services and databases, and people who act by the calls that their screens make.

    The same cases as in event mode come up; `sfsim compare` holds the two against each other.

    Ends with status 1 if a property was violated.
    """
    chosen = chosen_world(
        world, days=days, sites=sites, kind=kind, profile=profile, look_every_s=look_every_s
    )
    try:
        require_playable(chosen)
    except NotPlayable as error:
        raise click.ClickException(f"{error}.") from error
    how = (None if seals == "equal-size" else f"{seals}-seals", None if idle == "played" else idle, "whole")
    varied_by = (*variations(kind=kind, sites=sites, days=days), *how)
    path = results_path(out, chosen, seed, varied_by=varied_by, policy=policy)
    playing = replace(SEALS[seals], plays_idle=idle == "played")
    began_s = time.process_time()
    with (
        unwinding_when_terminated(),
        traced(trace_file, beside=path) as trace,
        progress_shown(chosen) as progress,
    ):
        results = run_whole(chosen, seed=seed, policy=policy, playing=playing, progress=progress, trace=trace)
    spent_s = time.process_time() - began_s
    sys.exit(told(results, path, processor_s=spent_s, notes=missed_storms(chosen)))
