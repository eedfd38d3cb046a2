"""`sfsim replay` shows one seeded world event by event; `sfsim soak` plays worlds until something breaks."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from itertools import count as count_from
from typing import Final

import click

from simulations.virtual.trace import Trace

from .scenarios import SCENARIOS
from .soak import soak_worlds

HOUR_S: Final = 3_600.0
COUNT: Final = 10_000
EVENTS_BETWEEN: Final = 20
"""Between two words about how far a world is."""


@click.command()
@click.argument("seed", type=int)
@click.option("--scenario", type=click.Choice(sorted(SCENARIOS)), default="pair", show_default=True)
@click.option("--quiet", is_flag=True, help="Only the hash of the trace and what was broken.")
def replay(seed: int, scenario: str, quiet: bool) -> None:
    """Play the world of SEED again, one line per event.

    \b
    pair       a hub and up to two nodes at the level of sessions and custody
    recovery   the same with verified backups, pruning and many restores
    setbacks   restores of both, to backups of any age, with every talk between them cut
    versions   as pair, between software of different versions
    consults   whole sites and a hub, with their services and databases
    upheavals  the same with copied cards, lost hubs, two hubs in turn, versions and an unkind relay
    failing-disks   the same with disks that refuse, lie, tear files and spoil backups
    strangers  the same with lost and revoked devices, poison, and guesses at enrolment codes
    dear-links the same over links with a price, under caps that bind
    proxies    the same over HTTP, through whatever is in between
    turns      as pair, over HTTP, through whatever is in between
    airwaves   as pair, over one channel for both ways
    """
    trace = Trace(_counting() if quiet else click.echo)
    court = SCENARIOS[scenario](seed, trace)
    if quiet and sys.stderr.isatty():
        click.echo("\r", nl=False, err=True)
    click.echo(f"{trace.count} events, trace {trace.digest}")
    for violation in court.violations:
        click.echo(f"VIOLATED: {violation}", err=True)
    sys.exit(1 if court.violations else 0)


def _counting() -> Callable[[str], None] | None:
    """Tells a terminal how far it is: a world of whole sites takes seconds."""
    if not sys.stderr.isatty():
        return None
    numbers = count_from(1)

    def counted(_line: str) -> None:
        if (number := next(numbers)) % EVENTS_BETWEEN == 0:
            click.echo(f"\r{number} events", nl=False, err=True)

    return counted


def _finite(_context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """No bound of a range is above "nan"."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of hours.", param=option)
    return value


@click.command()
@click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    callback=_finite,
    help="Stop after so long.",
)
@click.option(
    "--count", type=click.IntRange(min=1), default=None, help="Stop after so many worlds.  [default: 10000]"
)
@click.option("--from-seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=None, help="Processes.  [default: one for each core]"
)
def soak(hours: float | None, count: int | None, from_seed: int, jobs: int | None) -> None:
    """Play one seeded world after the other; say of each that breaks a law how to see it again."""
    if count is None and hours is None:
        count = COUNT
    broken = soak_worlds(
        from_seed=from_seed,
        count=count,
        span_s=None if hours is None else hours * HOUR_S,
        jobs=jobs or os.cpu_count() or 1,
    )
    sys.exit(1 if broken else 0)
