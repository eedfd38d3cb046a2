"""What the commands that play a world have in common: how it is named and varied, where its trace and results
go, the bar on the way and the summary at the end."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click

from simulations.links import LinkDescriptionError, load_profile
from simulations.report import ResultsError, RunResults, save_results
from simulations.virtual.trace import Trace
from simulations.world import (
    DEFAULT_WORLD,
    World,
    about_so_many,
    load_world,
    looking_every,
    on_link,
    only_kind,
)

from .policies import AS_DESCRIBED, POLICIES
from .run import Progress

BAR_STEPS: Final = 1_000
_STATUS_OF_SIGNALS: Final = 128
"""A process that a signal ended has this and its number for a status, as shells count."""
_NOT_OF_A_NAME: Final = re.compile(r"[^\w.-]+")
"""Kinds of sites have any name; a file has none with a slash."""
_WORD_MAX: Final = 40
"""Characters of a kind that the name of a file takes; it has 255 bytes in all."""
_OPTIONS: Final = (
    click.argument("world", default=DEFAULT_WORLD),
    click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same run."),
    click.option("--days", type=click.FloatRange(0.01, 3_660), help="Instead of the world's own."),
    click.option(
        "--sites", type=click.IntRange(1, 100_000), help="About so many, of each kind in proportion."
    ),
    click.option("--kind", help="Only the sites of this kind: `ship`, say."),
    click.option("--link", "profile", help="All sites on this link alone: a name, or a file of your own."),
    click.option(
        "--look-every",
        "look_every_s",
        type=click.FloatRange(0, 90 * 86_400),
        metavar="SECONDS",
        help="Between two looks for replies, on every link; 0 holds a session open.",
    ),
    click.option("--policy", type=click.Choice(list(POLICIES)), default=AS_DESCRIBED, show_default=True),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        help="Default: in this folder, named after the world, what was varied, and the seed.",
    ),
    click.option(
        "--trace",
        "trace_file",
        type=click.Path(path_type=Path),
        help="Also write one line for each event there.",
    ),
)


def world_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: which world, how it is varied, and where everything goes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen_world(
    name: str,
    *,
    days: float | None,
    sites: int | None,
    kind: str | None,
    profile: str | None,
    look_every_s: float | None,
) -> World:
    """As it was asked for; raises `ClickException` with the reason why it cannot be."""
    try:
        world = load_world(name)
        world = world if kind is None else only_kind(world, kind)
        world = world if sites is None else about_so_many(world, sites)
        world = world if profile is None else on_link(world, load_profile(profile))
        world = world if look_every_s is None else looking_every(world, look_every_s)
        return world if days is None else replace(world, days=days)
    except (LinkDescriptionError, ValueError) as error:
        raise click.ClickException(f"{str(error).rstrip('.')}.") from error


def results_path(
    out: Path | None, world: World, seed: int, *, varied_by: tuple[str | None, ...], policy: str
) -> Path:
    """Where the results go, writable: as asked, or a name that no other variant of the world has, since two
    are run to be compared. Raises `ClickException`."""
    words = (*varied_by, None if policy == AS_DESCRIBED else policy)
    varied = "".join(f"-{_NOT_OF_A_NAME.sub('-', word)[:_WORD_MAX]}" for word in words if word)
    path = out or Path(f"{world.name}{varied}-{seed}.json")
    require_writable(path, "--out")
    return path


def variations(*, kind: str | None, sites: int | None, days: float | None) -> tuple[str | None, ...]:
    """What the name of a variant has to say of it; links and looks are in the name of its world."""
    return (kind, None if sites is None else f"{sites}-sites", None if days is None else f"{days:g}-days")


def missed_storms(world: World) -> tuple[str, ...]:
    """A sentence for each region whose storms take no link that a site there has: on another link, say."""
    links: dict[str, set[str]] = {}
    for group in world.groups:
        links.setdefault(group.region, set()).update(link.profile.name for link in group.links)
    return tuple(
        f"Storms over {storm.region!r} take {', '.join(storm.profiles)}: no site there has such a link, "
        "and this run has none of these storms."
        for storm in world.storms
        if links[storm.region].isdisjoint(storm.profiles)
    )


def told(results: RunResults, path: Path, *, processor_s: float, notes: tuple[str, ...] = ()) -> int:
    """Write the results, with `notes` on them, and say what they come to; the status of the process.

    What was computed for minutes is said even where it cannot be written: that raises `ClickException`."""
    refused: ResultsError | None = None
    try:
        # Before a word is said: whoever reads the words may not read them to their end.
        save_results(replace(results, notes=(*results.notes, *notes)), path)
    except ResultsError as error:
        refused = error
    for line in (*summary(results, processor_s=processor_s), *notes):
        click.echo(line)
    if refused is not None:
        raise click.ClickException(
            f"{refused} The run is lost: play it again with another --out."
        ) from refused
    click.echo(f"{path}")
    return status_of(results)


@contextmanager
def unwinding_when_terminated() -> Iterator[None]:
    """A request to terminate ends the run as Ctrl-C does: the disks of its sites lie in memory, where what a
    dead process leaves behind stays."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(_STATUS_OF_SIGNALS + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def traced(path: Path | None, *, beside: Path) -> Iterator[Trace]:
    """Its lines go to the file, if there is one; `beside` is that of the results. Raises `ClickException`."""
    if path is None:
        yield Trace()
        return
    if path.resolve() == beside.resolve():
        raise click.ClickException(
            f"{path} is where the results go. Nothing was run. Choose another --trace."
        )
    require_writable(path, "--trace")
    with path.open("w", encoding="utf-8") as stream:

        def write(line: str) -> None:
            stream.write(f"{line}\n")

        yield Trace(write)


def require_writable(path: Path, option: str) -> None:
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
        f"computed in {results.wall_s:.1f} s; {speed:.{0 if speed >= 100 else 1}f} site-days for each of "
        f"{processor_s:.1f} s of one processor"
    )
    if not results.violations:
        yield f"no violation of {len(results.checked)} properties was seen"
    for violation in results.violations:
        yield f"VIOLATED: {violation.words}"
    if results.violations:
        yield "the same command with --trace FILE writes down every event that led to it"


@contextmanager
def progress_shown(world: World) -> Iterator[Progress]:
    """A bar on the terminal, where there is one: a large world takes minutes."""
    with click.progressbar(
        length=BAR_STEPS, label=f"{world.name}, {world.days:g} days", file=sys.stderr, width=0
    ) as bar:

        def told(share: float) -> None:
            bar.update(round(share * BAR_STEPS) - bar.pos)

        yield told
