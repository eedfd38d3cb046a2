"""`sfsim run --real`: a program of one's own through an emulated link, in real time."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click

from simulations.links import DirectionCounters, LinkDescriptionError, load_profile

from .errors import EmulatorError
from .link import ModeName
from .program import Outcome, Run, carry_out


@click.command("run", context_settings={"ignore_unknown_options": True})
@click.option(
    "--real", "profile", required=True, metavar="PROFILE", help="A name, or a .toml, .csv or .mahi file."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--hub-port", type=click.IntRange(1, 65_535), required=True, help="The port the hub listens on."
)
@click.option("--hub-command", help="Start this at the hub first; {host} and {port} are filled in.")
@click.option("--udp", is_flag=True, help="The hub's port is UDP.")
@click.option("--mode", type=click.Choice(["auto", "namespace", "relay"]), default="auto", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses which packets are lost.")
@click.option("--packet-log", type=click.Path(path_type=Path), help="Write one CSV line per packet.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON line.")
def real_command(
    *,
    profile: str,
    command: tuple[str, ...],
    hub_port: int,
    hub_command: str | None,
    udp: bool,
    mode: ModeName,
    seed: int,
    packet_log: Path | None,
    as_json: bool,
) -> None:
    """Run COMMAND in real time at the site end of an emulated link, then print what crossed.

    PROFILE is one of `sfsim link list`, or a file of your own. Ctrl-C ends COMMAND, and what it started,
    and prints what had crossed.

    In COMMAND, {url}, {hub_host} and {hub_port} stand for what the site dials. Without
    --hub-command the hub is whatever already listens on this machine, reached by the relay.
    """
    try:
        run = Run(
            profile=load_profile(profile),
            argv=command,
            hub_argv=_words(hub_command),
            hub_port=hub_port,
            protocol="udp" if udp else "tcp",
            mode=_mode(mode, has_hub_command=hub_command is not None),
            seed=seed,
            packet_log=packet_log,
        )
        outcome = asyncio.run(carry_out(run))
    except (EmulatorError, LinkDescriptionError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(asdict(outcome)) if as_json else _report(outcome), err=not as_json)
    sys.exit(outcome.exit_status)


def _words(hub_command: str | None) -> tuple[str, ...]:
    try:
        words = shlex.split(hub_command or "")
    except ValueError as error:
        raise click.UsageError(f"--hub-command cannot be split into words: {error}.") from error
    if hub_command is not None and not words:
        raise click.UsageError("--hub-command is empty. Leave it out to dial what listens on this machine.")
    return tuple(words)


def _mode(mode: ModeName, *, has_hub_command: bool) -> ModeName:
    if has_hub_command:
        return mode
    if mode == "namespace":
        raise click.UsageError(
            "--mode namespace needs --hub-command: a hub outside the link's namespaces cannot be reached."
        )
    return "relay"


def _report(outcome: Outcome) -> str:
    lines = [outcome.description]
    for way, counted in (("up", outcome.counters.up), ("down", outcome.counters.down)):
        lines.append(f"{way:>4}: {_counted(counted)}")
    lines.append(f"time: {outcome.duration_s:.2f} s, cost: USD {outcome.cost_usd:.4f}")
    return "\n".join(lines)


def _counted(counted: DirectionCounters) -> str:
    return (
        f"{counted.bytes_sent} IP bytes in {counted.packets_sent} packets sent, "
        f"{counted.bytes_delivered} bytes delivered, {counted.packets_dropped} packets lost"
    )
