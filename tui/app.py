"""Entry point of the terminal: its options, its environment, and the wiring of its parts.

Textual reads its settings when it is imported: they are set before, and nothing of it is imported here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Final

from sfnode.config import NodeFolder, default_folder
from sfnode.errors import NodeError

USAGE: Final = 2
INTERRUPTED: Final = 130
# Each was measured or read in Textual's source: "report all keys" loses composed text (Hangul, accents) in
# some terminals; animation and 60 frames a second only cost bytes; slow lines split escape sequences.
TEXTUAL_SETTINGS: Final = {
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_FPS": "20",
    "ESCDELAY": "250",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the terminal until it is left; the exit status."""
    options = _parser().parse_args(arguments)
    folder = NodeFolder((options.data or default_folder(os.environ)).absolute())
    try:
        folder.require()
    except NodeError as error:
        return _fail(str(error), error.exit_code)
    if (reason := unfit_terminal(os.environ)) is not None:
        return _fail(reason, USAGE)
    prepare_environment(os.environ)
    try:
        return _run(folder, options)
    except KeyboardInterrupt:
        return INTERRUPTED


def prepare_environment(environment: MutableMapping[str, str]) -> None:
    """What the user has set stays."""
    for name, value in TEXTUAL_SETTINGS.items():
        environment.setdefault(name, value)


def unfit_terminal(environment: MutableMapping[str, str]) -> str | None:
    """Why screens cannot be drawn here, None when they can."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return (
            "The screens need a terminal on stdin and stderr. For scripts there is `sfnode case list --json`."
        )
    if environment.get("TERM", "dumb") == "dumb":
        return "This terminal cannot place text (TERM is dumb). `sfnode case list` and its like work here."
    return None


def _run(folder: NodeFolder, options: argparse.Namespace) -> int:
    from sfnode.api.client import connect
    from sfnode.services.clock import SystemClock
    from tui.daemon import Daemon
    from tui.palette import Palette
    from tui.photo_folder import default_folder as picture_folder
    from tui.shell import Shell

    clock = SystemClock()
    shell = Shell(
        Daemon(lambda: connect(folder)),
        clock=clock,
        local_offset_minutes=clock.offset_minutes,
        photo_folder=(options.photos or picture_folder()).absolute(),
        palette=Palette(options.palette),
    )
    shell.run(mouse=False)
    _say_what_goes_on(shell.parting_words)
    return shell.return_code or 0


def _say_what_goes_on(words: str) -> None:
    if words:
        sys.stderr.write(f"{words}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sftui", description="The terminal screens of a site.")
    parser.add_argument("--data", type=Path, help="data folder [default: $SFNODE_DATA]")
    parser.add_argument("--photos", type=Path, help="folder in which photographs are looked for first")
    parser.add_argument(
        "--palette", choices=("day", "dusk", "night"), default="dusk", help="colours to start with [dusk]"
    )
    return parser


def _fail(sentence: str, exit_code: int) -> int:
    sys.stderr.write(f"sftui: {sentence}\n")
    return exit_code
