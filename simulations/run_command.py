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
        module, name = next((COMMANDS[option] for option in COMMANDS if option in words), WORLD)
        command: click.Command = getattr(import_module(module), name)
        return command.make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Whichever was meant."""
        return ctx.command.invoke(ctx)


run = EitherWay("run", short_help="Play a world; with --real, run a program through a link.")
