"""The `sfsim` command: demonstrations, measurements and emulated links, each loaded only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "bench": ("simulations.bench.command", "bench"),
    "compare": ("simulations.report.command", "compare"),
    "demo": ("simulations.demo.command", "demo"),
    "link": ("simulations.emulator.command", "link"),
    "replay": ("simulations.seeded.command", "replay"),
    "report": ("simulations.report.command", "report"),
    "soak": ("simulations.seeded.command", "soak"),
    "run": ("simulations.run_command", "run"),
    "train-dictionaries": ("simulations.training.command", "train_dictionaries"),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is asked for: `sfsim link list` must not wait for the rest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = getattr(import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{name} is not a command")
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sf-telemed", prog_name="sfsim")
def main() -> None:
    """Prove on an emulated link what a site will experience on a real one."""


if __name__ == "__main__":
    main()
