"""One program run at the site end of an emulated link, against a hub of one's own."""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from simulations.links import LinkProfile

from .control import Mode
from .counters import LinkCounters
from .errors import EmulatorError
from .link import EmulatedLink, ModeName, Protocol, open_link
from .listening import listens
from .offspring import Offspring, offspring
from .stopping import Stop, stop_by_signal

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
    """What the run did and cost; `cost_usd` bills every byte put on the line, lost ones too.

    Of a run that was stopped it is what crossed until then, and the status is that of the signal."""

    exit_status: int
    description: str
    duration_s: float
    cost_usd: float
    counters: LinkCounters


async def carry_out(run: Run) -> Outcome:
    """Open the link, start the hub if asked, run the program to its end, and read the counters."""
    with stop_by_signal() as stop:
        async with (
            open_link(run.profile, seed=run.seed, mode=run.mode, packet_log=run.packet_log) as opened,
            offspring(END_TIMEOUT_S) as family,
            _hub(run, opened, family, stop),
        ):
            return await _run_at_site(run, opened, family, stop)


async def _run_at_site(run: Run, opened: EmulatedLink, family: Offspring, stop: Stop) -> Outcome:
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    host, port = opened.hub_address(run.hub_port, run.protocol)
    names = {"{url}": f"http://{host}:{port}", "{hub_host}": host, "{hub_port}": str(port)}
    process = await _start(opened.site_command(_filled(run.argv, names)), family)
    try:
        has_ended = await stop.wait_ended(process) or await _ends_by_ctrl_c(process, stop)
        duration_s = loop.time() - started_at
        counters = opened.counters()
    finally:
        await _end(process)
    exit_status = process.returncode if has_ended or stop.by is None else -stop.by
    return Outcome(
        exit_status=_as_a_shell_says(exit_status),
        description=opened.describe(),
        duration_s=duration_s,
        cost_usd=run.profile.tariff.cost_usd(
            ip_bytes=counters.up.bytes_sent + counters.down.bytes_sent, connected_s=duration_s
        ),
        counters=counters,
    )


@asynccontextmanager
async def _hub(run: Run, opened: EmulatedLink, family: Offspring, stop: Stop) -> AsyncIterator[None]:
    if not run.hub_argv:
        yield
        return
    names = {"{host}": opened.hub_listen_host, "{port}": str(run.hub_port)}
    process = await _start(opened.hub_command(_filled(run.hub_argv, names)), family)
    try:
        await _wait_listening(process, run, opened.mode, stop)
        yield
    finally:
        await _end(process)


async def _wait_listening(process: asyncio.subprocess.Process, run: Run, mode: Mode, stop: Stop) -> None:
    hub = shlex.join(run.hub_argv)
    try:
        async with asyncio.timeout(HUB_START_TIMEOUT_S):
            while not listens(process.pid, run.hub_port, run.protocol, mode):
                if process.returncode is not None:
                    raise EmulatorError(f"The hub's command ended before it listened: {hub}.")
                if stop.by is not None:
                    raise EmulatorError(f"Stopped before the hub's command listened: {hub}.")
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise EmulatorError(
            f"The hub's command does not listen on port {run.hub_port} "
            f"after {HUB_START_TIMEOUT_S:.0f} s: {hub}."
        ) from error


async def _start(argv: list[str], family: Offspring) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(*argv, env=family.environment())
    except OSError as error:
        raise EmulatorError(f"{argv[0]} cannot be started: {error.strerror}.") from error


async def _ends_by_ctrl_c(process: asyncio.subprocess.Process, stop: Stop) -> bool:
    """A terminal tells the program too, which may want to say its last words."""
    if stop.by is signal.SIGINT:
        with suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await process.wait()
    return process.returncode is not None


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


def _as_a_shell_says(status: int | None) -> int:
    """Of a process that ended; a signal is told by 128 and its number."""
    if status is None:
        raise EmulatorError("The program did not end, although it was killed.")
    return status if status >= 0 else 128 - status


def _filled(argv: tuple[str, ...], names: dict[str, str]) -> list[str]:
    # Not str.format: other people's programs have braces of their own.
    filled = list(argv)
    for name, value in names.items():
        filled = [word.replace(name, value) for word in filled]
    return filled
