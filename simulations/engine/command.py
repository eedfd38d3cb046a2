"""`sfsim replay` shows one seeded world event by event; `sfsim soak` plays worlds until something breaks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

import click

from simulations.checkers import Court

from .consult_schedule import draw_consults
from .consult_world import play_consults
from .consult_world import replay_words as replay_consults
from .pair_world import play_pair, replay_recovery
from .pair_world import replay_words as replay_pair
from .schedule import draw_schedule
from .trace import Trace

HOUR_S: Final = 3_600.0
SAY_EVERY_S: Final = 2.0
CONSULTS_EVERY: Final = 100
"""In a soak one world in so many is one of whole sites: it takes as long as thirty others."""

Play = Callable[[int, Trace], Court]
SCENARIOS: Final[dict[str, tuple[Play, Callable[[int], str]]]] = {
    "pair": (lambda seed, trace: play_pair(draw_schedule(seed), trace=trace), replay_pair),
    "recovery": (
        lambda seed, trace: play_pair(draw_schedule(seed, recovers=True), trace=trace),
        replay_recovery,
    ),
    "consults": (lambda seed, trace: play_consults(draw_consults(seed), trace=trace), replay_consults),
}


@click.command()
@click.argument("seed", type=int)
@click.option("--scenario", type=click.Choice(sorted(SCENARIOS)), default="pair", show_default=True)
@click.option("--quiet", is_flag=True, help="Only the hash of the trace and what was broken.")
def replay(seed: int, scenario: str, quiet: bool) -> None:
    """Play the world of SEED again, one line per event.

    \b
    pair      a hub and up to two nodes at the level of sessions and custody
    recovery  the same with verified backups, pruning and many restores
    consults  whole sites and a hub, with their services and databases
    """
    play, _ = SCENARIOS[scenario]
    trace = Trace(None if quiet else click.echo)
    court = play(seed, trace)
    click.echo(f"{trace.count} events, trace {trace.digest}")
    for violation in court.violations:
        click.echo(f"VIOLATED: {violation}", err=True)
    sys.exit(1 if court.violations else 0)


@click.command()
@click.option("--hours", type=float, default=None, help="Stop after so long.")
@click.option("--count", type=int, default=None, help="Stop after so many worlds.  [default: 10000]")
@click.option("--from-seed", type=int, default=1, show_default=True)
def soak(hours: float | None, count: int | None, from_seed: int) -> None:
    """Play one seeded world after the other; say of each that breaks a law how to see it again."""
    began_s, said_s, broken = time.monotonic(), 0.0, 0
    ends_s = None if hours is None else began_s + hours * HOUR_S
    limit = count if count is not None or hours is not None else 10_000
    played = 0
    while (limit is None or played < limit) and (ends_s is None or time.monotonic() < ends_s):
        seed = from_seed + played
        broken += _soaked(seed, "pair" if seed % 2 else "recovery")
        if seed % CONSULTS_EVERY == 0:
            broken += _soaked(seed, "consults")
        played += 1
        if time.monotonic() - said_s > SAY_EVERY_S:
            said_s = time.monotonic()
            progress = f"{played} worlds, {broken} broke a law, {said_s - began_s:.0f} s"
            click.echo(f"\r{progress}", nl=False, err=True)
    click.echo("", err=True)
    click.echo(f"{played} seeds from {from_seed}: {broken} worlds broke a law")
    sys.exit(1 if broken else 0)


def _soaked(seed: int, scenario: str) -> int:
    """1 for a world that broke a law, or could not be played to its end."""
    play, words = SCENARIOS[scenario]
    try:
        violations = play(seed, Trace()).violations
    except Exception as error:  # noqa: BLE001 - Recorded with its seed; the other worlds go on.
        violations = [f"the world stopped: {type(error).__name__}: {error}"]
    for violation in violations[:1]:
        click.echo(f"\n{violation}\n{words(seed)}")
    return bool(violations)
