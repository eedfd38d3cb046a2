"""`sfsim demo`: one whole consult over an emulated link, in front of the audience's eyes."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from sfhub.clock import SystemClock
from simulations.emulator import EmulatorError, open_link
from simulations.emulator.link import ModeName
from simulations.links import DEFAULT_PROFILE, LinkDescriptionError, load_profile

from . import story
from .acts import perform
from .following import Following
from .play import Play
from .screen import Screen
from .stage import Stage, StageError
from .timeline import Timeline, comparison_lines, milestone_lines

EPILOGUE: Final = "m  be the medic (terminal)    d  be the doctor (browser)    q  quit"


@click.command()
@click.option(
    "--link", "link_name", default=DEFAULT_PROFILE, show_default=True, help="A profile's name or file."
)
@click.option("--mode", type=click.Choice(["auto", "namespace", "relay"]), default="auto", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses which packets are lost.")
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Keep the two stores and the logs in this folder."
)
def demo(*, link_name: str, mode: ModeName, seed: int, keep: Path | None) -> None:
    """Play one chest-pain consult over an emulated link: hub, node, kill, cut, reply, order done."""
    try:
        load_profile(link_name)
    except LinkDescriptionError as error:
        raise click.ClickException(str(error)) from error
    if keep is not None and keep.exists():
        raise click.ClickException(f"{keep} exists already. Name a folder that does not, or remove it.")
    folder = keep or Path(tempfile.mkdtemp(prefix="sf-demo-"))
    folder.mkdir(exist_ok=True, mode=0o700)
    problems: list[str] = []
    try:
        problems = asyncio.run(_play(link_name, mode, seed, folder))
    except* (StageError, EmulatorError) as group:
        problems = [str(error) for error in group.exceptions]
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if problems:
        raise click.ClickException("not everything held: " + "; ".join(problems))


async def _play(link_name: str, mode: ModeName, seed: int, folder: Path) -> list[str]:
    _end_in_order_when_terminated()
    screen = Screen()
    timeline = Timeline()
    profile = load_profile(link_name)
    async with open_link(profile, seed=seed, mode=mode) as link:
        stage = Stage(link, folder)
        following = Following(stage, screen)
        play = Play(stage, screen, following, timeline, SystemClock(), profile, folder, seed, mode)
        try:
            before = link.counters()
            await perform(play)
            screen.act("Timeline, in seconds after the medic sent the case")
            screen.block(milestone_lines(timeline))
            screen.act("Beside the bound and the usual way")
            screen.block(comparison_lines(profile, timeline, link.counters() - before, play.posted))
            for problem in timeline.problems:
                screen.say(f"PROBLEM: {problem}")
            if screen.live and sys.stdin.isatty():
                await _epilogue(play)
        finally:
            await stage.close()
    return timeline.problems


def _end_in_order_when_terminated() -> None:
    """SIGTERM ends the play as Ctrl-C does: hub and node are ended too, not left behind."""
    playing = asyncio.current_task()
    if playing is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)


async def _epilogue(play: Play) -> None:
    """Let the audience into both ends, for as long as it likes."""
    while True:
        choice = (await asyncio.to_thread(click.prompt, f"\n{EPILOGUE}\n", default="q")).strip().lower()
        if choice == "m":
            await asyncio.to_thread(_be_the_medic, play)
        elif choice == "d":
            base = play.stage.link.hub_url_nearby(play.stage.hub_port)
            console = await play.stage.sfhub("console-url", "--clinician", story.DOCTOR, "--base", base)
            click.echo(f"Open once, within ten minutes: {console['url']}")
        elif choice == "q":
            return


def _be_the_medic(play: Play) -> None:
    program = Path(sys.executable).with_name("sftui")
    subprocess.run([str(program), "--data", str(play.stage.node_data)], check=False)
