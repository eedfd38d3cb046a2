"""The `link` commands: list the profiles, and run a program of one's own through an emulated link."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from simulations.links import (
    DirectionCounters,
    LinkDescriptionError,
    LinkProfile,
    load_profile,
    profile_document,
    profile_names,
)

from .control import Mode
from .counters import LinkCounters
from .errors import EmulatorError
from .link import EmulatedLink, ModeName, Protocol, open_link
from .listening import listens
from .modem_command import modem_command

HUB_START_TIMEOUT_S = 30.0
POLL_S = 0.05
END_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """One program to run at the site, and the hub it talks to."""

    profile: LinkProfile
    argv: tuple[str, ...]
    hub_argv: tuple[str, ...]
    hub_port: int
    protocol: Protocol
    mode: ModeName
    seed: int
    packet_log: Path | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the run did and cost; `cost_usd` bills every byte put on the line, lost ones too."""

    exit_status: int
    description: str
    duration_s: float
    cost_usd: float
    counters: LinkCounters


@click.group()
def link() -> None:
    """Emulated links: what there is, and programs run through them."""


link.add_command(modem_command)


@link.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list instead of a table.")
def list_profiles(*, as_json: bool) -> None:
    """List the link profiles that are shipped."""
    profiles = [load_profile(name) for name in profile_names()]
    if as_json:
        click.echo(json.dumps([profile_document(profile) for profile in profiles], indent=2))
        return
    for profile in profiles:
        click.echo(f"{profile.name:<17} {_figures(profile):<75} {profile.title}")


def _figures(profile: LinkProfile) -> str:
    mailbox = profile.mailbox
    if mailbox is not None:
        sizes = f"{_size(mailbox.up_bytes_max):>12} up {_size(mailbox.down_bytes_max):>14} down a message"
        return f"{sizes}, one every {mailbox.interval_s:g} s"
    up, down = _rate(profile.up.rate_bit_s), _rate(profile.down.rate_bit_s)
    return f"{up:>12} up {down:>14} down  RTT {profile.rtt_ms:>5.0f} ms  loss {profile.up.loss_mean:>5.1%}"


@link.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("profile")
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
def run_command(
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
    """Run COMMAND at the site end of PROFILE (a name, or a .toml file), then print what crossed.

    In COMMAND, {url}, {hub_host} and {hub_port} stand for what the site dials. Without
    --hub-command the hub is whatever already listens on this machine, reached by the relay.
    """
    try:
        run = Run(
            profile=load_profile(profile),
            argv=command,
            hub_argv=tuple(shlex.split(hub_command or "")),
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


async def carry_out(run: Run) -> Outcome:
    """Open the link, start the hub if asked, run the program to its end, and read the counters."""
    loop = asyncio.get_running_loop()
    async with (
        open_link(run.profile, seed=run.seed, mode=run.mode, packet_log=run.packet_log) as opened,
        _hub(run, opened),
    ):
        started_at = loop.time()
        host, port = opened.hub_address(run.hub_port, run.protocol)
        names = {"{url}": f"http://{host}:{port}", "{hub_host}": host, "{hub_port}": str(port)}
        process = await _start(opened.site_command(_filled(run.argv, names)))
        try:
            exit_status = await process.wait()
        finally:
            await _end(process)
        duration_s = loop.time() - started_at
        counters = opened.counters()
        return Outcome(
            exit_status=exit_status if exit_status >= 0 else 128 - exit_status,  # As a shell reports it.
            description=opened.describe(),
            duration_s=duration_s,
            cost_usd=run.profile.tariff.cost_usd(
                ip_bytes=counters.up.bytes_sent + counters.down.bytes_sent, connected_s=duration_s
            ),
            counters=counters,
        )


@asynccontextmanager
async def _hub(run: Run, opened: EmulatedLink) -> AsyncIterator[None]:
    if not run.hub_argv:
        yield
        return
    names = {"{host}": opened.hub_listen_host, "{port}": str(run.hub_port)}
    process = await _start(opened.hub_command(_filled(run.hub_argv, names)))
    try:
        await _wait_listening(process, run, opened.mode)
        yield
    finally:
        await _end(process)


async def _wait_listening(process: asyncio.subprocess.Process, run: Run, mode: Mode) -> None:
    hub = shlex.join(run.hub_argv)
    try:
        async with asyncio.timeout(HUB_START_TIMEOUT_S):
            while not listens(process.pid, run.hub_port, run.protocol, mode):
                if process.returncode is not None:
                    raise EmulatorError(f"The hub's command ended before it listened: {hub}.")
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise EmulatorError(
            f"The hub's command does not listen on port {run.hub_port} "
            f"after {HUB_START_TIMEOUT_S:.0f} s: {hub}."
        ) from error


async def _start(argv: list[str]) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(*argv)
    except OSError as error:
        raise EmulatorError(f"{argv[0]} cannot be started: {error.strerror}.") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _mode(mode: ModeName, *, has_hub_command: bool) -> ModeName:
    if has_hub_command:
        return mode
    if mode == "namespace":
        raise click.UsageError(
            "--mode namespace needs --hub-command: a hub outside the link's namespaces cannot be reached."
        )
    return "relay"


def _filled(argv: tuple[str, ...], names: dict[str, str]) -> list[str]:
    # Not str.format: other people's programs have braces of their own.
    filled = list(argv)
    for name, value in names.items():
        filled = [word.replace(name, value) for word in filled]
    return filled


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


def _rate(bit_s: float) -> str:
    if bit_s >= 1_000_000:
        return f"{bit_s / 1_000_000:.3g} Mbit/s"
    return f"{bit_s / 1_000:.3g} kbit/s"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:g} GB" if size_bytes >= 1e9 else f"{size_bytes} B"
