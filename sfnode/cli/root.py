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

from sfnode.config import IDENTITY_VARIABLE, NodeFolder, default_folder
from sfnode.errors import NodeError
from sync.state_folder import state_folder

from .terminal import PassphraseSource, Terminal, passphrase_options

INTERRUPTED: Final = 130
USAGE: Final = 2

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("site:init", "Set up a site: its data folder, its keys, its first person."),
    "enrol": ("site:enrol", "Join a hub with the one-time code it gave you."),
    "site": ("hubs:site", "The hubs of this site: join, list, choose the home hub, leave."),
    "serve": ("daemon:serve", "Run the daemon in the foreground."),
    "unlock": ("daemon:unlock", "Open the vault, so that cases can be read and written."),
    "lock": ("daemon:lock", "Close the vault; sending, receiving and alarms go on."),
    "stop": ("daemon:stop", "End the daemon."),
    "status": ("daemon:status", "The site at a glance: link, what waits, what it cost."),
    "watch": ("daemon:watch", "Print events as they happen."),
    "link": ("link:link", "How the hub is reached, and when."),
    "sync": ("link_use:sync", "Reach the hub now, until nothing is left to do."),
    "transfers": ("link_use:transfers", "What is on its way, and how far."),
    "price": ("link_use:price", "Bytes, minutes and money before anything is sent."),
    "template": ("case:template", "The forms a case can start from."),
    "case": ("case:case", "Open, list, show and close cases."),
    "send": ("case:send", "Send a case to the hub."),
    "vitals": ("findings:vitals", "Record vital signs."),
    "note": ("findings:note", "Record free text."),
    "question": ("findings:question", "Answer what the hub asks."),
    "treatment": ("findings:treatment", "Record what was done."),
    "patient": ("findings:patient", "Correct or complete what is known of the patient."),
    "photo": ("findings:photo", "Add photographs."),
    "plan": ("plan:plan", "What the specialist says to do now."),
    "order": ("plan:order", "Confirm, carry out or refuse an order."),
    "alarm": ("plan:alarm", "List and acknowledge alarms."),
    "capability": ("capability:capability", "Drugs and equipment at the site."),
}


class CommandTree(click.Group):
    """Knows every command by name and one line; imports the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(f"sfnode.cli.{module}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"sfnode.cli.{module}.{name} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=CommandTree, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), help="Data folder [default: $SFNODE_DATA].")
@click.option("--no-input", is_flag=True, help="Never ask; fail instead.")
@click.option("-q", "--quiet", is_flag=True, help="No talk on stderr, only errors.")
@click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
@passphrase_options
@click.version_option(package_name="sf-telemed", prog_name="sfnode")
@click.pass_context
def sfnode(
    ctx: click.Context, /, data: Path | None, no_input: bool, quiet: bool, as_json: bool, **passphrase: object
) -> None:
    """Ask a specialist from a place whose link is thin, dear or often gone.

    Data goes to stdout, talk to stderr. Exit status: 0 done, 1 error, 2 wrong usage, 3 not found,
    4 refused or locked, 5 link down and work queued, 6 spending cap reached, 130 interrupted.
    """
    ctx.obj = Terminal(
        folder=NodeFolder(
            (data or default_folder(os.environ)).absolute(), state_folder(os.environ, IDENTITY_VARIABLE)
        ),
        as_json=as_json,
        quiet=quiet,
        may_ask=not no_input and sys.stdin.isatty(),
        passphrase=PassphraseSource.from_options(passphrase),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Faults leave as one sentence on stderr."""
    try:
        status = sfnode.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        return _fail(_usage_sentence(error), USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except NodeError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("Interrupted. What was acknowledged is saved.", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; the interpreter must not complain at its end.
        sys.stdout = open(os.devnull, "w")
        return 0
    return status if isinstance(status, int) else 0


def _fail(sentence: str, exit_code: int) -> int:
    click.echo(f"sfnode: {sentence}", err=True)
    return exit_code


def _usage_sentence(error: click.UsageError) -> str:
    message = " ".join(error.format_message().split())
    hint = f" See `{error.ctx.command_path} --help`." if error.ctx is not None else ""
    return message if message.endswith("`.") else message + hint
