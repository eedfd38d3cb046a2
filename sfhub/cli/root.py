"""Entry point: the tree of commands, and how every fault becomes one sentence and an exit status.

Law: `--help` and a mistyped command import nothing but click, so that a slow machine answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from sync.state_folder import state_folder

from ..config import IDENTITY_VARIABLE, HubFolder, default_folder
from ..errors import HubError
from .refusal import CallRefused
from .terminal import Terminal

INTERRUPTED: Final = 130
USAGE: Final = 2

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("setup:init", "Make a new hub in its data folder."),
    "clinician": ("setup:clinician", "Who answers cases."),
    "enrol": ("setup:enrol", "Let a site join, with a one-time code."),
    "serve": ("server:serve", "Run the hub: synchronisation, enrolment, console."),
    "console-url": ("server:console_url", "A one-time address that signs a clinician in."),
    "queue": ("cases:queue", "Cases in the order in which they should be answered."),
    "case": ("cases:case", "Show a case, mark it seen, save its pictures, erase it."),
    "reply": ("cases:reply", "Send a structured reply."),
    "advice": ("cases:advice", "Send immediate advice; the full reply follows."),
    "question": ("questions:question", "Ask a site what it can answer in a few bytes."),
    "status": ("overview:status", "The hub at a glance."),
    "sites": ("overview:sites", "Who is enrolled, and when each was last heard."),
    "quarantine": ("overview:quarantine", "What was put aside, and why."),
    "backup": ("backup:backup", "Make, check and restore copies of this hub."),
    "keys": ("keys:keys", "Opening keys by epoch, and devices trusted no longer."),
}


class CommandTree(click.Group):
    """Knows every command by name and one line; imports the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(f"sfhub.cli.{module}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"sfhub.cli.{module}.{name} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=CommandTree, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), help="Data folder [default: $SFHUB_DATA].")
@click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
@click.version_option(package_name="sf-telemed", prog_name="sfhub")
@click.pass_context
def sfhub(ctx: click.Context, data: Path | None, as_json: bool) -> None:
    """Receive consults from sites on thin links, and send them the specialists' replies.

    Data goes to stdout, talk to stderr; nothing is asked, but before an erasure without --yes. Exit status: 0
    done, 1 error, 2 wrong usage or a field to fill in, 3 not found, 4 refused, 130 interrupted.
    """
    identities = state_folder(os.environ, IDENTITY_VARIABLE)
    folder = HubFolder((data or default_folder(os.environ)).absolute(), identities)
    ctx.obj = Terminal(folder=folder, as_json=as_json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Faults leave as one sentence on stderr."""
    try:
        status = sfhub.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except click.UsageError as error:
        return _fail(_usage_sentence(error), USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except CallRefused as error:
        return _fail(str(error), error.fault.exit_code)
    except HubError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("Interrupted. What was acknowledged is saved.", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; the interpreter must not complain at its end.
        sys.stdout = open(os.devnull, "w")
        return 0
    return status if isinstance(status, int) else 0


def _fail(sentence: str, exit_code: int) -> int:
    click.echo(f"sfhub: {sentence}", err=True)
    return exit_code


def _usage_sentence(error: click.UsageError) -> str:
    message = " ".join(error.format_message().split())
    hint = f" See `{error.ctx.command_path} --help`." if error.ctx is not None else ""
    return message if message.endswith("`.") else message + hint
