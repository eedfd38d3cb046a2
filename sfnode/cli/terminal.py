"""What every command shares: its folder, its output, its passphrase and its way to the daemon."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from sfnode.config import NodeFolder
from sfnode.errors import BadRequest, NotFound, Refused, VaultLocked

PASSPHRASE_BYTES_MAX: Final = 1024
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """Where a passphrase is read from: never from the arguments, which every user of the machine can see."""

    file: Path | None = None
    descriptor: int | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> PassphraseSource:
        file, descriptor = options.get("passphrase_file"), options.get("passphrase_fd")
        return cls(
            file if isinstance(file, Path) else None, descriptor if isinstance(descriptor, int) else None
        )

    @property
    def given(self) -> bool:
        return self.file is not None or self.descriptor is not None

    def read(self) -> bytes:
        """The passphrase without the newline at its end; `NotFound`, `Refused` or `BadRequest` otherwise."""
        try:
            if self.file is not None:
                with self.file.open("rb") as source:
                    text = source.read(PASSPHRASE_BYTES_MAX + 1)
            else:
                text = os.read(self.descriptor or 0, PASSPHRASE_BYTES_MAX + 1)
        except FileNotFoundError as error:
            raise NotFound(f"There is no passphrase file {self.file}. Nothing was changed.") from error
        except OSError as error:
            raise Refused(
                f"The passphrase cannot be read ({error.strerror}). Nothing was changed."
            ) from error
        passphrase = text.removesuffix(b"\n").removesuffix(b"\r")
        if not passphrase or len(text) > PASSPHRASE_BYTES_MAX:
            raise BadRequest(f"A passphrase has 1..{PASSPHRASE_BYTES_MAX} bytes; this one does not.")
        return passphrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The surroundings of one command."""

    folder: NodeFolder
    as_json: bool
    quiet: bool
    may_ask: bool
    passphrase: PassphraseSource

    def call(self, method: str, params: Mapping[str, object] | None = None) -> Any:
        """The daemon's answer; starts it if need be, unlocks the vault if that is needed and possible."""
        from .calling import call_daemon

        return call_daemon(self, method, params or {})

    def say(self, sentence: str) -> None:
        """Talk: to stderr."""
        if not self.quiet:
            click.echo(printable(sentence), err=True)

    def show(self, data: object, lines: Iterable[str]) -> None:
        """Data: to stdout, as JSON when asked for, in words otherwise."""
        if self.as_json:
            click.echo(json.dumps(data, ensure_ascii=False, indent=2))
            return
        for line in lines:
            click.echo(printable(line))

    def ask_passphrase(self, *, confirm: bool = False) -> bytes:
        """From its source, else from the person at the terminal; `VaultLocked` when there is neither."""
        if self.passphrase.given:
            return self.passphrase.read()
        if not self.may_ask:
            raise VaultLocked(
                "The passphrase is needed and cannot be asked for here. Nothing was changed. "
                "Give it with --passphrase-file or --passphrase-fd."
            )
        answer: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        return answer.encode()


def passphrase_options(command: Command) -> Command:
    """`--passphrase-file` and `--passphrase-fd`."""
    file = click.option(
        "--passphrase-file", type=click.Path(path_type=Path), help="File with the passphrase of the vault."
    )
    descriptor = click.option(
        "--passphrase-fd", type=click.IntRange(0), help="Open descriptor to read it from."
    )
    return file(descriptor(command))


def pass_terminal(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command its `Terminal` as first argument, and the options that all commands have."""

    # It also takes over the options that decorators below this one have left on the function.
    @wraps(command)
    def run(
        ctx: click.Context,
        /,
        as_json: bool,
        passphrase_file: Path | None,
        passphrase_fd: int | None,
        **options: Any,
    ) -> Any:
        shared = ctx.find_object(Terminal)
        if shared is None:
            raise TypeError("a command was run outside the command tree")
        own = PassphraseSource(passphrase_file, passphrase_fd)
        terminal = replace(
            shared,
            as_json=shared.as_json or as_json,
            passphrase=own if own.given else shared.passphrase,
        )
        return command(terminal, **options)

    as_json = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
    return as_json(passphrase_options(click.pass_context(run)))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, two spaces apart."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))] if rows else []
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


_HARMFUL: Final = dict.fromkeys(
    [
        *(code for code in range(0x20) if code not in (0x09, 0x0A)),
        *range(0x7F, 0xA0),
        0x061C,
        *range(0x200E, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ],
    "\N{REPLACEMENT CHARACTER}",
)


def printable(text: str) -> str:
    """Text from anywhere, unable to steer a terminal: no control, escape or direction characters."""
    return text.translate(_HARMFUL)


def read_text(path: Path, *, size_bytes_max: int) -> str:
    """A text file, or stdin for `-`; `NotFound`, `Refused` or `BadRequest` otherwise."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(size_bytes_max + 1)
        else:
            with path.open("rb") as source:
                data = source.read(size_bytes_max + 1)
        if len(data) > size_bytes_max:
            raise BadRequest(f"{path} is larger than {size_bytes_max} bytes. Nothing was changed.")
        return data.decode()
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}. Nothing was changed.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{path} is not UTF-8 text. Nothing was changed.") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}). Nothing was changed.") from error
