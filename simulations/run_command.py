"""The command `run`: a world in virtual time, with --whole on the whole product, or with --real a program
through an emulated link."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import click

END_OF_OPTIONS: Final = "--"


WORLD: Final = ("simulations.fleet.command", "world_command")
COMMANDS: Final = {
    "--real": ("simulations.emulator.real_command", "real_command"),
    "--whole": ("simulations.whole.command", "whole_command"),
}
"""By the option that asks for one."""


class EitherWay(click.Command):
    """Several commands under one name, each with its own options; only the one that is meant is imported."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the command that is meant."""
        own = args[: args.index(END_OF_OPTIONS)] if END_OF_OPTIONS in args else args
        words = {word.partition("=")[0] for word in own}
        asked = [option for option in COMMANDS if option in words]
        if len(asked) > 1:
            raise click.UsageError(f"{' and '.join(asked)} are two different runs: leave one of them out.")
        module, name = COMMANDS[asked[0]] if asked else WORLD
        command: click.Command = getattr(import_module(module), name)
        # A complaint about an option points to the help that knows it.
        return command.make_context(" ".join([info_name or "run", *asked]), args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Whichever was meant."""
        return ctx.command.invoke(ctx)


run = EitherWay("run", short_help="Play a world; with --real, run a program through a link.")
